"""The first five minutes: what README.md and the start pages tell a newcomer to type works as it stands there."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.replay_days import PAGES, ROOT, make_photographs, python_of, typed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    make_photographs(folder)
    return folder


def run(words: list[str], folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def test_the_pages_tell_the_same() -> None:
    assert typed(PAGES[0]) == typed(PAGES[1]) == typed(PAGES[2])
    assert [words[0] for words in typed(PAGES[0])] == ["train", "embed", "index", "knn", "why"]
    assert python_of(PAGES[0]) == python_of(PAGES[1]) == python_of(PAGES[2]).replace('lines("ko")', "lines()")


def test_the_lines_work_as_they_are_typed(home: Path) -> None:
    printed = {words[0]: run(["-m", "metric_face", *words], home) for words in typed("README.md")}
    assert "blue" in printed["knn"]
    assert (home / "runs/first/report.html").is_file()


def test_the_python_works_as_it_is_pasted(home: Path) -> None:
    code = python_of("docs/ko/index.md").replace("runs/first", "runs/pasted")
    assert "blue" in run(["-c", code], home)


@pytest.mark.parametrize("page", PAGES[1:])
def test_the_start_page_names_every_extra(page: str) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    line = re.search(r"^(?:Extras|추가 기능):(.*?)\n\n", (ROOT / page).read_text("utf-8"), re.M | re.S)
    assert line is not None
    assert {name for name in re.findall(r"`(\w+)`", line[1])} >= extras.keys()
