"""Read the tables of a run, the training log and Parquet files, with one line for what is wrong with them."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.errors import FileFormatError
from metric_face.files.checked_files import first_line, read_bytes, shown

if TYPE_CHECKING:
    import pandas as pd


def read_metrics(file: Path, *, remedy: str) -> "pd.DataFrame":
    """A training log: numbers, one row for each step.

    Raises:
        FileFormatError: it is missing, no CSV, or holds something else.
    """
    import pandas as pd

    content = read_bytes(file, remedy=remedy, most=2**31)
    try:
        frame = pd.read_csv(io.BytesIO(content))
    except (ValueError, OverflowError, MemoryError, RecursionError) as error:
        raise FileFormatError(f"{file}: truncated or not a log ({first_line(error)}); {remedy}") from None
    text = [str(name) for name in frame.columns if frame[name].dtype.kind not in "iuf"]
    if text or "step" not in frame.columns or frame["step"].dtype.kind not in "iu":
        wrong = f"column {shown(text[0])}" if text else "no column 'step' of whole numbers"
        raise FileFormatError(f"{file}: must hold numbers by step, found {wrong}; {remedy}")
    if (
        not frame["step"].is_monotonic_increasing
        or frame["step"].duplicated().any()
        or (frame["step"] < 0).any()
    ):
        raise FileFormatError(f"{file}: steps must rise from row to row; {remedy}")
    return frame


def read_rows(file: Path, *, remedy: str) -> "pd.DataFrame":
    """A Parquet file of ours, whose checksum was compared before.

    Raises:
        FileFormatError: it cannot be read as a table.
    """
    import pandas as pd

    try:
        return pd.read_parquet(file)
    except Exception as error:  # pyarrow raises a dozen classes, some of them without a common base
        raise FileFormatError(f"{file}: cannot be read as a table ({first_line(error)}); {remedy}") from None
