"""Boxes: a part of an image as an image of its own, by the end of its path: ``group.jpg#xywh=40,12,96,96``.

Four columns of a table, ``x1, y1, x2, y2`` in pixels of the image as a viewer shows it, become the end of the path, as
the W3C writes a part of an image (Media Fragments URI 1.0). So whatever names an image by its path names the part: two
boxes of one image are two images, a cache of one is none of the other, and every reader cuts alike.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from metric_face.arrays import Bools
from metric_face.errors import DataError, ImageError
from metric_face.missing import missing_rows

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

BOX = ("x1", "y1", "x2", "y2")
"""The columns of a box by default: left, top, right, bottom."""

_END = re.compile(r"#xywh=(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9})$", re.ASCII)


class Box(NamedTuple):
    """Left, top, width and height in whole pixels."""

    left: int
    top: int
    width: int
    height: int

    def __str__(self) -> str:
        return "#xywh=" + ",".join(map(str, self))


def file_of(path: str | Path) -> Path:
    """The file of an image, without its box."""
    return Path(file_name_of(str(path)))


def file_name_of(path: str) -> str:
    """The same of a text; a path object for each of a million takes seconds."""
    return _END.sub("", path) if "#" in path else path


def box_of(path: str | Path) -> Box | None:
    """The box at the end of a path; None where the whole image is meant."""
    found = _END.search(str(path))
    return None if found is None else Box(*map(int, found.groups()))


def cut_box(image: "Image.Image", box: Box, name: str) -> "Image.Image":
    """The part of an upright image in a box, which is clipped to the image.

    Raises:
        ImageError: nothing of the box is inside.
    """
    right, bottom = min(box.left + box.width, image.width), min(box.top + box.height, image.height)
    if right <= box.left or bottom <= box.top:
        raise ImageError(
            f"{name}: its box lies outside the image of {image.width} x {image.height} pixels; boxes are x1, y1, x2, "
            "y2 in pixels of the upright image"
        )
    return image.crop((box.left, box.top, right, bottom))


def fold_boxes(frame: "pd.DataFrame", columns: Sequence[str] | None, source: Path) -> list[str]:
    """Turn the columns of a box into the end of each path; in place.

    A box is rounded to whole pixels, at least one, and clipped to 0; a row without any of the four numbers is the
    whole image.

    Args:
        frame: N rows of text with the column ``path``.
        columns: names of left, top, right and bottom; None for no boxes. Without all four in the frame there are none.
        source: for messages.

    Returns:
        A line of what was read, where there are boxes.

    Raises:
        DataError: a row has some of the four and not all, one is no number, or right and bottom do not exceed left and
            top.
    """
    import pandas as pd

    if columns is None or "path" not in frame.columns or not set(columns) <= set(frame.columns):
        return []
    texts = [frame[name] for name in columns]
    numbers = np.column_stack(
        [pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64) for text in texts]
    )
    missing = np.column_stack([_is_none(text) for text in texts])
    some, wrong = missing.any(axis=1) & ~missing.all(axis=1), ~missing & ~np.isfinite(numbers)
    names = ", ".join(columns)
    for rows, rule in (
        (some, f"{names} must all be there or all be missing"),
        (wrong.any(axis=1), f"{names} must be numbers of pixels"),
        (
            (numbers[:, 2] <= numbers[:, 0]) | (numbers[:, 3] <= numbers[:, 1]),
            f"{names} must be left, top, right, bottom",
        ),
        ((numbers[:, 2] <= 0) | (numbers[:, 3] <= 0), f"{names} must reach into the image"),
        ((numbers > 999_999_998).any(axis=1), f"{names} must be pixels"),
    ):
        if rows.any():
            row = int(np.flatnonzero(rows)[0])
            found = ", ".join(
                "nothing" if gone else str(text.iloc[row])
                for text, gone in zip(texts, missing[row], strict=True)
            )
            raise DataError(f"{source}: row {row}: {rule}, found {found} (counted from 0)")
    boxed: Bools = np.asarray(~missing.all(axis=1))
    if boxed.any():
        low = np.maximum(np.rint(numbers[boxed, :2]), 0).astype(np.int64)
        size = np.maximum(np.rint(numbers[boxed, 2:]).astype(np.int64) - low, 1)
        ends = [str(Box(*one)) for one in np.concatenate([low, size], axis=1).tolist()]
        paths = frame["path"].tolist()
        for row, end in zip(np.flatnonzero(boxed).tolist(), ends, strict=True):
            if isinstance(paths[row], str):
                paths[row] += end
        frame["path"] = pd.Series(paths, index=frame.index, dtype=frame["path"].dtype)
    for name in columns:
        del frame[name]
    files = len({str(file_of(path)) for path in frame["path"][boxed]})
    return [f"{source}: {int(boxed.sum()):,} rows are boxes ({names}) of {files:,} images"]


def _is_none(column: "pd.Series") -> Bools:
    """(N,) whether a number is missing, as an empty cell or as ``nan``, which Parquet has for it."""
    return np.asarray(
        missing_rows(column) | (column.astype("str").str.strip().str.lower() == "nan"), dtype=bool
    )


def has_boxes(file: Path, columns: Sequence[str] | None = BOX) -> bool:
    """Whether the header of a CSV in UTF-8 has the columns ``path`` and those of a box."""
    try:
        with open(file, encoding="utf-8-sig") as opened:
            names = {name.strip().strip('"') for name in re.split(r"[,;\t|]", opened.readline(65536))}
    except (OSError, UnicodeDecodeError):
        return False
    return columns is not None and {"path", *columns} <= names
