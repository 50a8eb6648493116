"""The files of images, of a table and of an index, written alike so that one can be found in the other."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.data import ImageTable

if TYPE_CHECKING:
    from metric_face.search.index import EmbeddingIndex


def files_of(table: ImageTable) -> list[Path]:
    """The N files of a table, links of its root followed."""
    root = Path(os.path.realpath(table.root))
    return [root / name for name in table.frame["path"]]


def rows_of_files(index: "EmbeddingIndex") -> dict[str, int]:
    """The file of each indexed image -> its row."""
    root = str(Path(index.metadata.get("root") or "."))
    names = index.columns["path"].tolist() if "path" in index.columns else []
    return {_written(os.path.join(root, str(name))): row for row, name in enumerate(names)}


def _written(path: str) -> str:
    """A path as :func:`files_of` writes it; a path object for each of a million takes seconds."""
    return str(Path(path)) if "//" in path or "/." in path or path.endswith("/") else path
