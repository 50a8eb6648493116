"""A Parquet file as text: what a CSV file of the same values would give, whatever their types."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from metric_face.data.label_parsing import is_nested, text_of
from metric_face.errors import DataError
from metric_face.missing import blank_values, is_missing

if TYPE_CHECKING:
    import pyarrow as pa

_INDEX = "__index_level_"


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
    return text_frame(table, file), []


def text_frame(table: "pa.Table", file: Path) -> pd.DataFrame:
    """An Arrow table as text, as :func:`read_parquet_text` gives it.

    Args:
        table: all of a file, or some rows of it.
        file: for messages.

    Raises:
        DataError: two columns have one name, or paths, identities or splits are nested values.
    """
    columns: dict[str, Any] = {}
    for name, values in zip(column_names(table.column_names, file), table.columns, strict=True):
        if name.startswith(_INDEX):
            continue
        plain = _plain_text(values)
        if plain is not None:
            columns[name] = pd.Series(plain.to_pandas(), dtype="str")
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
    return pd.DataFrame(columns)


def column_names(names: Sequence[str], file: Path) -> list[str]:
    """The names of columns without blanks around them.

    Raises:
        DataError: two are one.
    """
    stripped = [str(name).strip() for name in names]
    twice = next((name for name in stripped if stripped.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{file}: two columns have the name {twice!r}; rename one")
    return stripped


def _plain_text(values: "pa.ChunkedArray") -> "pa.ChunkedArray | None":
    """Texts and whole numbers as text, without a Python object each; None for other types."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_integer(values.type):
        return values.cast(pa.large_string())
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return None
    return pc.if_else(blank_values(values), pa.scalar(None, values.type), values).cast(pa.large_string())
