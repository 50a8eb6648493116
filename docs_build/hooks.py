"""Called by mkdocs: adds the pages that are made from the code, from the tutorials and from the files at the root.

``METRIC_FACE_DOCS_RUN=0`` leaves the tutorials unrun; their pages then show no outputs.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs_build.command_pages import command_page, commands, overview
from docs_build.configuration_page import configuration_page
from docs_build.notebook_pages import notebook_page, run_notebook

ROOT = Path(__file__).parents[1]
AT_THE_ROOT = {
    "architecture": "ARCHITECTURE.md",
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List every command in the navigation, under ``Commands``."""
    for section in config.nav or []:
        if "Commands" in section:
            section["Commands"] = [
                "commands/index.md",
                *({name: f"commands/metric-face-{name}.md"} for name in commands()),
            ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is made here to the files that lie in ``docs``."""
    for path, content in _made():
        files.append(File.generated(config, path, content=content))
    for file in ROOT.glob("docs/tutorials/*.ipynb"):
        for path, content in _tutorial(file):
            files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links that are right in the repository into those of the site."""
    up = "../" * page.file.src_uri.count("/")
    if "tutorials/" not in page.file.src_uri:
        markdown = markdown.replace(".ipynb)", ".md)")
    if page.file.src_uri == "ko/index.md":
        markdown = markdown.replace("](../tutorials/", "](tutorials/")
    for pattern, target in (
        (r"\]\((?:\.\./)+benchmarks/results/([\w-]+\.md)\)", r"](UPmeasured-tables/\1)"),
        (r"\]\((?:\.\./)+examples/[\w./]*\)", r"](UPexamples/index.md)"),
    ):
        markdown = re.sub(pattern, target.replace("UP", up), markdown)
    return markdown


def _made() -> Iterator[tuple[str, str]]:
    known = commands()
    yield "commands/index.md", overview(known)
    for name, command in known.items():
        yield f"commands/metric-face-{name}.md", command_page(name, command)
    yield "configuration.md", configuration_page()
    for page, name in AT_THE_ROOT.items():
        yield f"{page}.md", (ROOT / name).read_text("utf-8")
    yield "examples/index.md", _examples()
    for table in sorted((ROOT / "benchmarks/results").glob("*.md")):
        yield f"measured-tables/{table.name}", table.read_text("utf-8")


def _examples() -> str:
    """The list of the example scripts, and each of them."""
    parts = [(ROOT / "examples/README.md").read_text("utf-8")]
    for file in sorted((ROOT / "examples").iterdir()):
        if language := {".py": "python", ".sh": "bash"}.get(file.suffix):
            parts.append(f"## {file.name}\n\n```{language}\n{file.read_text('utf-8')}```\n")
    return "\n".join(parts)


def _tutorial(file: Path) -> Iterator[tuple[str, str | bytes]]:
    if os.environ.get("METRIC_FACE_DOCS_RUN") == "0":
        notebook = nbformat.read(file, as_version=4)
    else:
        with tempfile.TemporaryDirectory() as folder:
            notebook = run_notebook(file, Path(folder))
    page, pictures = notebook_page(notebook, file.stem)
    yield f"tutorials/{file.stem}.md", page
    korean = json.loads((ROOT / f"docs/ko/tutorials/{file.stem}.json").read_text("utf-8"))
    moved = [text.replace("](../", "](../../") for text in korean]
    yield f"ko/tutorials/{file.stem}.md", notebook_page(notebook, file.stem, moved, "../../tutorials/")[0]
    for name, picture in pictures.items():
        yield f"tutorials/{name}", picture
