"""The documentation builds without a warning, loads nothing from elsewhere, and its pages hold what the code has."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs_build.command_pages import command_page, commands, help_of, overview, twins
from docs_build.configuration_page import configuration_page
from docs_build.site_check import loaded_from_elsewhere
from metric_face.config import json_schema

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(text: str, language: str = "") -> list[str]:
    """The fenced blocks of a language in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def test_the_readme_is_short_and_has_one_picture() -> None:
    assert len(README.splitlines()) < 120
    assert len(re.findall(r"!\[", README)) == 1


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 10
    assert [link for link in links if "://" in link or not (ROOT / link).exists()] == []


def test_every_command_has_a_page_with_its_help() -> None:
    known = commands()
    assert len(known) > 10
    for name, command in known.items():
        page = command_page(name, command)
        assert help_of(name) in page
        assert "Usage: metric-face" in page
        assert twins()[name][1] in page
        assert f"({name}.md)" in overview(known)
        for option in [word for one in command.params for word in one.opts if word.startswith("--")]:
            assert option in page, (name, option)


def test_the_reference_of_the_configuration_has_every_key() -> None:
    page = configuration_page()

    def keys(node: dict, path: str = "") -> list[str]:
        found = []
        for key, field in node["properties"].items():
            inner = field.get("$ref")
            found += (
                keys(json_schema()["$defs"][inner.rsplit("/", 1)[1]], f"{path}{key}.")
                if inner
                else [f"{path}{key}"]
            )
        return found

    every = keys(json_schema())
    assert len(every) > 60
    assert [key for key in every if f"| `{key}` |" not in page] == []


def test_every_key_of_the_configuration_is_explained() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \|.*\| (.*?) \|$", configuration_page(), flags=re.MULTILINE)
    assert [key for key, meaning in rows if not meaning] == []


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<script src="https://cdn.example/x.js"></script>', 1),
        ("<link rel=stylesheet href=//fonts.example/a.css>", 1),
        ('<link rel="canonical" href="https://site.example/">', 0),
        ('<a href="https://elsewhere.example/">a link may be followed</a>', 0),
        ('<script src="assets/own.js"></script>', 0),
        ("<style>@import url(https://fonts.example/b.css)</style>", 0),
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(tmp_path: Path, page: str, found: int) -> None:
    (tmp_path / "page.html").write_text(page)
    assert len(loaded_from_elsewhere(tmp_path)) == (found or "@import" in page)


@pytest.mark.slow
def test_it_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """With every link, anchor and docstring checked by mkdocs; the tutorials are run by a test of their own."""
    pytest.importorskip("mkdocs", reason="pip install 'metric_face[docs]'")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "METRIC_FACE_DOCS_RUN": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    pages = {file.relative_to(tmp_path / "site").as_posix() for file in (tmp_path / "site").rglob("*.html")}
    assert pages >= {"index.html", "ko/index.html", "configuration.html", "tutorials/folders.html"}
    assert pages >= {f"commands/{name}.html" for name in commands()}
    assert loaded_from_elsewhere(tmp_path / "site") == []
