"""Called by mkdocs: adds the pages that are made from the code, from the tutorials and from the files at the root.

``METRIC_FACE_DOCS_RUN=0`` leaves the tutorials unrun; their pages then show no outputs.
"""

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
            section["Commands"] = ["commands/index.md", *(f"commands/{name}.md" for name in commands())]
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
    if page.file.src_uri == "results.md":
        return re.sub(r"\]\(\.\./benchmarks/results/(?=[\w-]+\.md)", "](measured-tables/", markdown)
    return re.sub(
        r"\]\((?:\.\./)+(CHANGELOG|ARCHITECTURE|CONTRIBUTING)\.md", _root_link(page), markdown
    ).replace(".ipynb)", ".ipynb)" if page.file.src_uri.startswith("tutorials/") else ".md)")


def _root_link(page: Any) -> Any:
    up = "../" * page.file.src_uri.count("/")
    return lambda found: f"]({up}{found[1].lower()}.md"


def _made() -> Iterator[tuple[str, str]]:
    known = commands()
    yield "commands/index.md", overview(known)
    for name, command in known.items():
        yield f"commands/{name}.md", command_page(name, command)
    yield "configuration.md", configuration_page()
    for page, name in AT_THE_ROOT.items():
        yield f"{page}.md", (ROOT / name).read_text("utf-8")
    for table in sorted((ROOT / "benchmarks/results").glob("*.md")):
        yield f"measured-tables/{table.name}", table.read_text("utf-8")


def _tutorial(file: Path) -> Iterator[tuple[str, str | bytes]]:
    if os.environ.get("METRIC_FACE_DOCS_RUN") == "0":
        notebook = nbformat.read(file, as_version=4)
    else:
        with tempfile.TemporaryDirectory() as folder:
            notebook = run_notebook(file, Path(folder))
    page, pictures = notebook_page(notebook, file.stem)
    yield f"tutorials/{file.stem}.md", page
    for name, picture in pictures.items():
        yield f"tutorials/{name}", picture
