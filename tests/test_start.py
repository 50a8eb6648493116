"""The first five minutes: what README.md and the start pages tell a newcomer to type works as it stands there."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/index.md", "docs/ko/index.md")


def typed(page: str) -> list[list[str]]:
    """The commands of the page's first block of commands, as words."""
    text = (ROOT / page).read_text("utf-8")
    block = next(
        block for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S) if "metric-face train" in block
    )
    lines = [line.split("  #")[0].strip() for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("metric-face")]


def python_of(page: str) -> str:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.M | re.S)[0]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``photos/``, a folder a class, and ``new.jpg``."""
    folder = tmp_path_factory.mktemp("start")
    generator = np.random.default_rng(0)
    for name, color in {"red": (200, 60, 50), "blue": (50, 80, 200)}.items():
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(color + generator.normal(0, 25, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"photos/{name}/{number}.jpg")
    Image.fromarray(pixels).save(folder / "new.jpg")
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
