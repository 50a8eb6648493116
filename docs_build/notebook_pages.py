"""The tutorials: notebooks that are run, and become pages with what they printed and drew."""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]


def run_notebook(file: Path, folder: Path, seconds: int = 600) -> Any:
    """Run a notebook in a folder of its own.

    Args:
        file: the notebook; it is not changed.
        folder: where it runs and writes.
        seconds: most for one cell.

    Returns:
        The notebook with its outputs.

    Raises:
        CellExecutionError: a cell raised.
    """
    notebook = nbformat.read(file, as_version=4)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    client = NotebookClient(
        notebook,
        timeout=seconds,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=environment)
    return notebook


def notebook_page(
    notebook: Any, name: str, texts: Sequence[str] = (), beside: str = ""
) -> tuple[str, dict[str, bytes]]:
    """A notebook as a page.

    Args:
        notebook: with outputs, or stripped of them.
        name: of the page, which its pictures are called after.
        texts: of its text cells in another language; none leaves them as they are.
        beside: the way from the page to the folder of the pictures and of the notebook.

    Returns:
        The page in Markdown, and the pictures by file name.

    Raises:
        ValueError: ``texts`` are not as many as the text cells.
    """
    parts, pictures = [], {}
    own = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    told = iter(list(texts or own))
    if texts and len(texts) != len(own):
        raise ValueError(f"{name}: {len(own)} text cells, {len(texts)} in translation")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(next(told))
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            if output.get("name") == "stderr":
                continue
            data = output.get("data", {})
            if "image/png" in data:
                file = f"{name}-{len(pictures) + 1}.png"
                pictures[file] = base64.b64decode(data["image/png"])
                parts.append(f"![What the cell above drew]({beside}{file})")
            elif text := output.get("text") or data.get("text/plain"):
                parts.append(f"```text\n{text.rstrip()}\n```")
    parts.append(f"[{name}.ipynb]({beside}{name}.ipynb)")
    return "\n\n".join(parts) + "\n", pictures


def is_stripped(file: Path) -> bool:
    """Whether a notebook holds neither outputs nor counts of execution."""
    cells = nbformat.read(file, as_version=4).cells
    return all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)
