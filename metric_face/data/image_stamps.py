"""What was known of image files when they were embedded, so that a later change or loss is noticed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from metric_face.arrays import Ints
from metric_face.data.boxes import file_of
from metric_face.data.once_each import once_each
from metric_face.data.text_type import TEXT

COLUMNS: dict[str, Any] = {"bytes": "int64", "modified_ns": "int64", "sha256": TEXT}
_WORKERS = 8


@dataclass(frozen=True)
class ImageState:
    """How N images are now, beside how they were.

    Attributes:
        missing: (M,) rows of files that are not there.
        changed: (C,) rows of files whose content is another one.
    """

    missing: Ints
    changed: Ints


def take_stamps(paths: Sequence[Path]) -> pd.DataFrame:
    """Size, time of change and checksum of N files; -1, -1 and "" where a file cannot be read."""
    rows = once_each(_stamp, map(file_of, paths), _WORKERS)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"bytes": "int64", "modified_ns": "int64"})


def compare_stamps(stamps: pd.DataFrame, paths: Sequence[Path]) -> ImageState:
    """Look at N files again; only those of another size or time of change are read.

    Args:
        stamps: (N rows) as :func:`take_stamps` gave them; a row without a checksum is not compared.
        paths: (N) where the files are now.
    """
    known = list(zip(stamps["bytes"], stamps["modified_ns"], stamps["sha256"], strict=True))
    states = once_each(_state, zip(map(file_of, paths), known, strict=True), _WORKERS)
    return ImageState(
        *(np.flatnonzero([state == word for state in states]) for word in ("missing", "changed"))
    )


def _stamp(path: Path) -> tuple[int, int, str]:
    try:
        with open(path, "rb") as file:
            state = path.stat()
            return state.st_size, state.st_mtime_ns, hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return -1, -1, ""


def _state(file: tuple[Path, tuple[int, int, str]]) -> str:
    path, (size, modified, digest) = file
    try:
        if not path.is_file():
            return "missing"
        state = path.stat()
    except (OSError, ValueError):
        return "missing"
    if not digest or (state.st_size, state.st_mtime_ns) == (size, modified):
        return "same"
    return "changed" if state.st_size != size or _stamp(path)[2] != digest else "same"
