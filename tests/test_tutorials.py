"""The tutorials run from their first cell to the last, and are committed without outputs."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("nbclient", reason="pip install 'metric_face[docs]'")
import nbformat

from docs_build.notebook_pages import is_stripped, notebook_page, run_notebook

pytestmark = pytest.mark.slow
NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs/tutorials").glob("*.ipynb"))


def test_there_are_three_without_outputs() -> None:
    assert len(NOTEBOOKS) >= 3
    assert [file.name for file in NOTEBOOKS if not is_stripped(file)] == []


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_translation_has_the_same_cells_headings_and_links(file: Path) -> None:
    own = [cell.source for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "markdown"]
    korean = json.loads((file.parents[1] / f"ko/tutorials/{file.stem}.json").read_text("utf-8"))
    shape = re.compile(r"^#+|\]\([^)]*\)|`[^`]*`", re.MULTILINE)
    assert [sorted(shape.findall(text)) for text in korean] == [sorted(shape.findall(text)) for text in own]
    with pytest.raises(ValueError, match="text cells"):
        notebook_page(nbformat.read(file, as_version=4), file.stem, korean[:-1])


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_tutorial_runs(file: Path, tmp_path: Path) -> None:
    page, pictures = notebook_page(run_notebook(file, tmp_path), file.stem)
    assert page.startswith("# ")
    assert page.count("```text") >= 3
    assert [name for name in pictures if f"({name})" not in page] == []
    assert "Traceback" not in page
    assert "nan" not in page.lower().split()
