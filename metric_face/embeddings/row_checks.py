"""A checksum for each row of a CSV of predictions, in its last column: damage is noticed wherever the file went.

The column is called ``crc32``; its cell ``ab7bf323/96`` holds the row's checksum and how many rows the file had. The
checksum covers the image, the numbers and the names of their columns, as values and not as text, so that another
program may sort the rows, put files together, reorder the columns or save the file again. A file without the column is
believed, since other programs write none.
"""

import re
from collections import Counter
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from metric_face.errors import DataError
from metric_face.files import shown

if TYPE_CHECKING:
    import pandas as pd

COLUMN = "crc32"
_CELL = re.compile(r"[0-9a-f]{8}/([1-9]\d{0,11})")


def with_checks(frame: "pd.DataFrame", key: str) -> "pd.DataFrame":
    """Add the column of checksums to a frame of text.

    Args:
        frame: the column ``key`` and columns of numbers, each cell as it will be written.
        key: name of the column of images.
    """
    return frame.assign(**{COLUMN: [f"{check}/{len(frame)}" for check in _checks(frame, key)]})


def verified(frame: "pd.DataFrame", key: str, where: str) -> "pd.DataFrame":
    """Check a frame of text against its column of checksums, and return it without; as it is where it has none.

    Args:
        frame: as it was read.
        key: name of the column of images.
        where: the file, for messages.

    Raises:
        DataError: a row is altered, or rows are missing.
    """
    if COLUMN not in frame.columns:
        return frame
    remedy = f"write it again, or drop the column {COLUMN!r} if it was changed on purpose"
    rest, cells = frame.drop(columns=COLUMN), frame[COLUMN].fillna("").to_numpy(dtype=str)
    try:
        wanted = _checks(rest, key)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where}: altered, {shown(str(error), 80)}; {remedy}") from None
    right = [
        _CELL.fullmatch(cell) is not None and cell.startswith(check)
        for cell, check in zip(cells.tolist(), wanted, strict=True)
    ]
    if not all(right):
        image = shown(str(frame[key].iloc[right.index(False)]))
        raise DataError(
            f"{where}: altered, the checksum of {image} does not match ({right.count(False):,} of {len(right):,} "
            f"rows); {remedy}"
        )
    for count, found in Counter(int(cell.partition("/")[2]) for cell in cells.tolist()).items():
        if found % count:  # several files of one size may have been put together
            raise DataError(f"{where}: must hold {count:,} rows of one file, found {found:,}; {remedy}")
    return rest


def _checks(frame: "pd.DataFrame", key: str) -> list[str]:
    columns = sorted(str(name) for name in frame.columns if name != key)
    numbers = np.ascontiguousarray(frame[columns].to_numpy(dtype=np.float64), dtype="<f8")
    names = crc32("\n".join([key, *columns]).encode("utf-8", "surrogatepass"))
    images = (str(name).encode("utf-8", "surrogatepass") for name in frame[key])
    return [
        f"{crc32(row.tobytes(), crc32(image, names)):08x}" for image, row in zip(images, numbers, strict=True)
    ]
