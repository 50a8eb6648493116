"""ImagePaths: the files of a table, each made a path when it is asked for."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd

from metric_face.arrays import Bools, Ints
from metric_face.data.boxes import file_of
from metric_face.files import inside
from metric_face.missing import text_buffers, text_column


@dataclass(frozen=True, eq=False)
class ImagePaths(Sequence[Path]):
    """N paths, held as the text of their column: a million made at once take 320 MB and a second.

    Attributes:
        root: what relative names start from.
        names: (N,) text, as a pandas column's array.
    """

    root: Path
    names: Any

    @classmethod
    def of(cls, root: Path, names: pd.Series) -> "ImagePaths":
        """The files that a column names."""
        return cls(root, names.array)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Path]:
        return (self.root / name for name in self.names)

    @overload
    def __getitem__(self, at: int) -> Path: ...
    @overload
    def __getitem__(self, at: slice) -> "ImagePaths": ...
    def __getitem__(self, at: int | slice) -> "Path | ImagePaths":
        """One path, or the paths of a slice."""
        if isinstance(at, slice):
            return ImagePaths(self.root, self.names[at])
        return self.root / str(self.names[at])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ImagePaths({len(self)} below {self.root})"


def refuse_outside(root: Path, names: pd.Series) -> None:
    """Refuse the paths of a table as ``files.inside`` does, without a path object for each of them.

    A relative name without two dots in it cannot leave the folder, so only the others are looked at one by one.

    Args:
        root: the data root.
        names: (N,) paths, relative to ``root`` or absolute.

    Raises:
        DataError: as ``inside``, for the first name that is refused.
    """
    rows = np.flatnonzero(_are_to_be_seen(names))
    for name in names.iloc[rows] if len(rows) else ():
        file = file_of(name)
        if ".." in name or os.name == "nt" or not os.path.isfile(file):
            inside(root, str(file))


def rows_holding(names: pd.Series, part: str) -> Ints:
    """Return the rows of a column of text, missing ones left out, that hold a part such as two dots.

    Text in Arrow is searched as a whole first: most tables hold no such row, and looking at each takes longer.
    """
    text = text_column(names)
    if text is not None and not _may_hold(text, part.encode()):
        return np.empty(0, np.int64)
    held: Ints = np.flatnonzero(names.str.contains(part, regex=False, na=False).to_numpy(dtype=bool))
    return held


def _may_hold(text: Any, part: bytes) -> bool:
    """Whether the bytes of a column hold a part, in a value or across two; searched where they lie."""
    return any(re.search(re.escape(part), data) for data in text_buffers(text))


def _are_to_be_seen(names: pd.Series) -> Bools:
    text = text_column(names)
    if text is None or os.name == "nt":
        return np.ones(len(names), dtype=bool)
    import pyarrow.compute as pc

    seen = np.array(pc.starts_with(text, "/"), dtype=bool)
    seen[rows_holding(names, "..")] = True
    return seen
