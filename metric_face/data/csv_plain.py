"""A plain CSV file, read by Arrow a column at a time: the same table as line by line, in a thirtieth of the time."""

from csv import field_size_limit
from typing import TYPE_CHECKING

from metric_face.missing import blank_values, may_be_blank

if TYPE_CHECKING:
    import pandas as pd


def read_plain(content: bytes, names: list[str], separator: str) -> "tuple[pd.DataFrame, int] | None":
    """Read UTF-8 text whose every line has a value for each name.

    Args:
        content: of the file, without a byte order mark or a quote; its first line holds the names.
        names: of the columns.
        separator: between values.

    Returns:
        The frame, whose values are text or missing, and how many lines without any value were left out; None for a
        file that is not plain, and must be read line by line.
    """
    if b"\r" in content and content.count(b"\r") != content.count(b"\r\n"):
        return None
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            csv.ReadOptions(column_names=names, skip_rows=1, block_size=1 << 24),
            csv.ParseOptions(delimiter=separator, quote_char=False, ignore_empty_lines=True),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                null_values=[""],
                strings_can_be_null=True,
                check_utf8=False,
            ),
        )
    except (pa.ArrowException, ValueError):
        return None  # a line with more or fewer values: what is wrong with it is said line by line
    if any((pc.max(pc.binary_length(column)).as_py() or 0) > field_size_limit() for column in table.columns):
        return None
    columns = [
        pc.if_else(blank_values(column), None, column) if may_be_blank(column) else column
        for column in table.columns
    ]
    is_empty = columns[0].is_null()
    for column in columns[1:]:
        if not pc.any(is_empty).as_py():
            break
        is_empty = pc.and_(is_empty, column.is_null())
    blank = int(pc.sum(is_empty).as_py() or 0)
    table = pa.table(columns, names=names)
    if blank:
        table = table.filter(pc.invert(is_empty))
    return _frame_of(table), blank


def _frame_of(table: "object") -> "pd.DataFrame":
    from metric_face.data.text_type import TEXT

    frame: pd.DataFrame = table.to_pandas(types_mapper=lambda _: TEXT, ignore_metadata=True)  # type: ignore[attr-defined]
    return frame
