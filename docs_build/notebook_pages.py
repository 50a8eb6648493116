"""The tutorials: notebooks that are run, and become pages with what they printed and drew."""

import base64
import os
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


def notebook_page(notebook: Any, name: str) -> tuple[str, dict[str, bytes]]:
    """A notebook as a page.

    Args:
        notebook: with outputs, or stripped of them.
        name: of the page, which its pictures are called after.

    Returns:
        The page in Markdown, and the pictures by file name.
    """
    parts, pictures = [], {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            if output.get("name") == "stderr":
                continue
            data = output.get("data", {})
            if "image/png" in data:
                file = f"{name}-{len(pictures) + 1}.png"
                pictures[file] = base64.b64decode(data["image/png"])
                parts.append(f"![What the cell above drew]({file})")
            elif text := output.get("text") or data.get("text/plain"):
                parts.append(f"```text\n{text.rstrip()}\n```")
    parts.append(f"[This page as a notebook]({name}.ipynb)")
    return "\n\n".join(parts) + "\n", pictures


def is_stripped(file: Path) -> bool:
    """Whether a notebook holds neither outputs nor counts of execution."""
    cells = nbformat.read(file, as_version=4).cells
    return all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)
