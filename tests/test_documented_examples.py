"""Every public name has an entry in the reference, with an example, and the examples print what they show."""

import doctest
import re
import shutil
import textwrap
from pathlib import Path

import pandas as pd
import pytest

import metric_face
from docs_build.examples import PAGES, documented, session
from metric_face.run import Run

pytestmark = pytest.mark.slow
TAKES_MINUTES = {"run_demo"}
NAMES = {name: text for page in PAGES for name, text in documented(page).items()}


@pytest.fixture(scope="module")
def folder(indexed: Run, toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the reference describes it: ``photos`` and ``runs/first``."""
    home = tmp_path_factory.mktemp("examples")
    shutil.copytree(toy, home / "photos")
    shutil.copytree(indexed.folder, home / "runs/first")
    return home


def run_session(text: str, name: str) -> doctest.TestResults:
    test = doctest.DocTestParser().get_doctest(session(text), {}, name, name, 0)
    return doctest.DocTestRunner(verbose=False).run(test)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_print_what_they_show(
    page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = run_session(page.read_text("utf-8"), page.stem)
    assert result.failed == 0
    assert result.attempted > 0 or page.stem == "index"


def test_every_public_name_is_documented_once_with_an_example() -> None:
    entries = [name for page in PAGES for name in documented(page)]
    assert sorted(entries) == sorted(metric_face.__all__)
    for name, text in NAMES.items():
        assert name in (text if name in TAKES_MINUTES else session(text)), name


def test_an_example_that_prints_something_else_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_session("```pycon\n>>> 1 + 1\n3\n\n```\n", "wrong").failed == 1
    assert "Got:" in capsys.readouterr().out


def test_identities_are_added_as_the_page_tells(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    page = (PAGES[0].parents[1] / "how-to/adding-identities.md").read_text("utf-8")
    code = re.findall(r"^    ```python\n(.*?)^    ```", page, flags=re.MULTILINE | re.DOTALL)
    assert len(code) == 2
    shutil.copytree("runs/first", "runs/who")
    frame = pd.read_csv("photos/images.csv")
    frame.assign(identity="new " + frame["identity"]).to_csv("photos/new.csv", index=False)
    metric_face.embed("runs/who", "photos/new.csv", folder="new_vectors", precision="fp32")
    before = len(metric_face.EmbeddingIndex.load("runs/who/index"))
    pasted = "\n".join(map(textwrap.dedent, code)).replace("Anna", "new p00").replace("Ben", "new p01")
    exec(pasted, {})
    after = metric_face.EmbeddingIndex.load("runs/who/index")
    assert len(after) == before + len(frame) - 4
    names = set(after.columns["identity"])
    assert "Ann" in names
    assert "new p02" in names
    assert names.isdisjoint({"new p00", "new p01"})
