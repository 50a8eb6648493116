"""The documentation builds without a warning, loads nothing from elsewhere, and its pages hold what the code has."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import metric_face
from docs_build.command_pages import command_page, commands, help_of, overview, twins
from docs_build.configuration_page import configuration_page
from docs_build.site_check import loaded_from_elsewhere
from metric_face.config import json_schema
from tests.test_named_options import wrong_options

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


PAGES = sorted(
    [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "docs").rglob("*.ipynb"),
        *(ROOT / "examples").glob("*.*"),
    ]
)
SECTION = re.compile(
    r"(?<![\w./\"])(?:data|model|sampler|loss|optimizer|trainer)\.[a-z_]+(?:\.[a-z_]+)*(?![\w(*])"
)
NO_KEYS = {
    "data.csv",
    "model.onnx",
    "data.labels",
    "trainer.epoch",
}  # files, an attribute in a script, a typo that is refused


def keys(node: dict[str, Any], path: str = "") -> list[str]:
    """Every key of the configuration's schema, sections left out."""
    known, found = json_schema()["$defs"], []
    for key, field in node["properties"].items():
        inner = field.get("$ref")
        found += keys(known[inner.rsplit("/", 1)[1]], f"{path}{key}.") if inner else [f"{path}{key}"]
    return found


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
        assert f"(metric-face-{name}.md)" in overview(known)
        for option in [word for one in command.params for word in one.opts if word.startswith("--")]:
            assert option in page, (name, option)


def test_the_reference_of_the_configuration_has_every_key() -> None:
    page, every = configuration_page(), keys(json_schema())
    assert len(every) > 60
    assert [key for key in every if f"| `{key}` |" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_tells_to_type_exists(page: Path) -> None:
    """The options of each command, the keys of the configuration, and the names that are imported."""
    text, every = page.read_text("utf-8"), keys(json_schema())
    assert [word for word in wrong_options(text) if " " in word] == []
    named = set(SECTION.findall(text)) - NO_KEYS
    assert [key for key in named if not any(f"{one}.".startswith(f"{key}.") for one in every)] == []
    imported = re.findall(r"^\s*\"?(?:>>> )?from metric_face import ([\w, ]+)", text, flags=re.MULTILINE)
    names = {name.split(" as ")[0].strip() for line in imported for name in line.split(",")} - {""}
    assert sorted(names - set(metric_face.__all__)) == []


def test_what_does_not_exist_is_found() -> None:
    assert wrong_options("metric-face embed RUN --folds 3") == ["embed --folds"]
    assert SECTION.findall("set `loss.metrik` and --set data.size=3") == ["loss.metrik", "data.size"]


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
def test_it_builds_without_a_warning_and_loads_nothing_from_elsewhere(
    documentation: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """With every link, anchor and docstring checked by mkdocs; the tutorials are run by a test of their own."""
    site, done = documentation
    assert done.returncode == 0, done.stderr
    pages = {file.relative_to(site).as_posix() for file in site.rglob("*.html")}
    assert pages >= {"index.html", "ko/index.html", "configuration.html", "tutorials/folders.html"}
    assert pages >= {f"commands/metric-face-{name}.html" for name in commands()}
    assert loaded_from_elsewhere(site) == []
