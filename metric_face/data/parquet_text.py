"""A Parquet file as text: what a CSV file of the same values would give, whatever their types."""

from pathlib import Path
from typing import Any

import pandas as pd

from metric_face.data.label_parsing import is_nested, text_of
from metric_face.errors import DataError
from metric_face.missing import is_missing


def read_parquet_text(file: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a Parquet file with every column as text.

    Integers keep all their digits, also beside missing values; a whole float reads as an integer. Columns of lists
    and other nested values stay as they are, and cannot be labels.

    Returns:
        The frame, and what was done that is not plain, one line each.

    Raises:
        DataError: it is no Parquet file, is damaged, or two columns have one name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{file}: cannot be read as a table ({reason}); write it again") from None
    names = [str(name).strip() for name in table.column_names]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{file}: two columns have the name {twice!r}; rename one")
    columns: dict[str, Any] = {}
    for name, values in zip(names, table.columns, strict=True):
        if name.startswith("__index_level_"):
            continue
        listed = values.to_pylist()
        if any(is_nested(value) for value in listed):
            if name in ("path", "identity", "split"):
                kind = type(next(value for value in listed if is_nested(value))).__name__
                raise DataError(
                    f"{file}: the column {name!r} must hold texts or numbers, found a {kind}; convert it"
                )
            columns[name] = pd.Series(listed, dtype=object)
        else:
            columns[name] = pd.Series(
                [None if is_missing(value) else text_of(value) for value in listed], dtype="str"
            )
    return pd.DataFrame(columns), []
