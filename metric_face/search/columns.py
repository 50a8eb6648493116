"""What an index knows of its vectors besides the vectors: one column for each attribute, kept as Parquet.

Read without pandas, whose import alone takes longer than a search: strings stay in Arrow's buffers until a
column is asked for.
"""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Bools, Ints, column_of
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.missing import is_missing

Column: TypeAlias = NDArray[Any]


class Columns(Mapping[str, Column]):
    """Named columns of one length N: int64, float64, bool, or strings (object, None where missing).

    Args:
        columns: name -> (N,) values, as ``columns_of`` prepares them, or an Arrow column not yet read.
        length: N.
    """

    def __init__(self, columns: Mapping[str, Any], length: int) -> None:
        self._columns = dict(columns)
        self.length = length

    def __getitem__(self, name: str) -> Column:
        column: Column = self._columns[name]
        if not isinstance(column, np.ndarray):
            column = self._columns[name] = _from_arrow(name, column)
        return column

    def value(self, name: str, row: int) -> Any:
        """Return one value of a column, None where it is missing; a column of text that was not read stays so."""
        column = self._columns[name]
        return column[row] if isinstance(column, np.ndarray) else column[row].as_py()

    def __contains__(self, name: object) -> bool:
        return name in self._columns  # a mapping's own would read the column

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def also(self, more: Mapping[str, Column]) -> "Columns":
        """Return the columns with others of the same length; one of the same name is replaced."""
        return Columns({**self._columns, **more}, self.length)

    def take(self, rows: Any) -> "Columns":
        """Return the columns at ``rows``: positions, or a mask of length N."""
        taken = {name: self[name][rows] for name in self}
        return Columns(taken, len(np.arange(self.length)[rows]))

    def joined(self, *others: "Columns") -> "Columns":
        """Return these columns followed by those of the others, which must have the same names and kinds.

        Raises:
            ArgumentError: a column is missing, is too many, or holds another kind of value.
        """
        for other in others:
            if set(self) != set(other):
                raise ArgumentError(
                    f"labels must have the columns of the index, {sorted(self)}, found {sorted(other)}; "
                    "name them alike"
                )
        parts = [part for part in (self, *others) if part.length] or [self]
        joined = {}
        for name in self:
            kinds = [part[name].dtype for part in parts]
            foreign = [kind for kind in kinds if kind != kinds[0]]
            if foreign:
                raise ArgumentError(
                    f"labels: column {name!r} must hold {kinds[0]} as in the index, found {foreign[0]}"
                )
            joined[name] = np.concatenate([part[name] for part in parts])
        return Columns(joined, sum(part.length for part in parts))

    def write(self, path: Path, extra: Mapping[str, Ints]) -> None:
        """Write the columns, and the integer columns of ``extra`` before them, to a Parquet file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        arrays = {name: pa.array(values, pa.int64()) for name, values in extra.items()}
        for name in self:
            values = self[name]
            arrays[name] = pa.array(values, pa.large_string() if values.dtype == object else None)
        pq.write_table(pa.table(arrays), path)

    @classmethod
    def read(cls, path: Path, extra: list[str]) -> tuple["Columns", dict[str, Ints]]:
        """Read what ``write`` wrote: the columns, and those of ``extra`` apart.

        Raises:
            FileFormatError: the file is not Parquet or a column of ``extra`` is not in it.
        """
        import pyarrow.parquet as pq

        try:
            table = pq.ParquetFile(path).read()
        except (OSError, ValueError) as error:  # pyarrow's own errors are of these
            raise FileFormatError(f"{path} is not a Parquet file ({error}); build the index again") from None
        columns = dict(zip(table.column_names, table.columns, strict=True))
        missing = [name for name in extra if name not in columns]
        if missing:
            raise FileFormatError(f"{path} has no column {missing[0]!r}; build the index again")
        apart = {name: _from_arrow(name, columns.pop(name)) for name in extra}
        return cls(columns, table.num_rows), apart


def columns_of(labels: Any, length: int) -> Columns:
    """Prepare the labels of N vectors.

    Args:
        labels: None; (N,) values, which become the column ``label``; a mapping or a data frame of (N,) columns; or
            an object with such a ``frame``.
        length: N.

    Raises:
        ArgumentError: a column of another length, or of values that are neither numbers, bools nor strings.
    """
    if labels is None:
        return Columns({}, length)
    labels = getattr(labels, "frame", labels)
    if not (isinstance(labels, Mapping) or hasattr(labels, "columns")):
        labels = {"label": labels}
    names = list(labels) if isinstance(labels, Mapping) else list(labels.columns)
    return Columns({_checked_name(name): _checked(str(name), labels[name], length) for name in names}, length)


def _checked_name(name: Any) -> str:
    if str(name).startswith("__"):
        raise ArgumentError(
            f"labels: a column name must not begin with two underscores, found {name!r}; rename it"
        )
    return str(name)


def _checked(name: str, values: Any, length: int) -> Column:
    column = column_of(values)
    if column.shape != (length,):
        raise ArgumentError(
            f"labels: column {name!r} must have one value for each of the {length} vectors, found shape {column.shape}"
        )
    if column.dtype.kind == "u" and column.max(initial=0) >= 2**63:
        raise _too_large(name, column.max())
    if column.dtype.kind in "iufb":
        return column.astype({"f": np.float64, "b": np.bool_}.get(column.dtype.kind, np.int64))
    if column.dtype.kind not in "OUT":
        raise ArgumentError(
            f"labels: column {name!r} must hold numbers, bools or strings, found {column.dtype}"
        )
    return _of_objects(name, [None if is_missing(value) else value for value in column.tolist()])


def _too_large(name: str, value: Any) -> ArgumentError:
    return ArgumentError(
        f"labels: column {name!r} must hold integers that keep their value, found {value}; give them as strings"
    )


def _of_objects(name: str, values: list[Any]) -> Column:
    """Choose the narrowest of bool, int64, float64 and string that holds all values; None is missing."""
    values = [value.item() if isinstance(value, np.generic) else value for value in values]
    kinds = {type(value) for value in values} - {type(None)}
    is_whole = None not in values
    if kinds and kinds <= {bool, int, float}:
        limit = 2**53 if not is_whole or float in kinds else 2**63 - 1  # what a float64, or an int64, keeps
        large = next((value for value in values if isinstance(value, int) and abs(value) > limit), None)
        if large is not None:
            raise _too_large(name, large)
    if kinds and kinds <= {bool} and is_whole:
        return np.array(values, np.bool_)
    if kinds and kinds <= {bool, int} and is_whole:
        return np.array(values, np.int64)
    if kinds and kinds <= {bool, int, float}:
        return np.array([np.nan if value is None else value for value in values], np.float64)
    foreign = [kind for kind in kinds if not issubclass(kind, str | bool | int | float | PurePath)]
    if foreign:
        raise ArgumentError(
            f"labels: column {name!r} must hold numbers, bools or strings, found {foreign[0].__name__}"
        )
    strings = np.empty(len(values), object)
    strings[:] = [value if value is None else str(value) for value in values]
    return strings


def _from_arrow(name: str, column: Any) -> Column:
    """Turn an Arrow column into NumPy by its buffers: Arrow's own conversion would import pandas."""
    kind = str(column.type)
    convert = {"large_string": _strings, "string": _strings, "bool": _bools}.get(kind, _numbers)
    parts = [convert(name, chunk) for chunk in column.chunks if len(chunk)]
    if parts:
        return np.concatenate(parts)
    return np.empty(
        0, object if convert is _strings else bool if convert is _bools else kind.replace("double", "f8")
    )


def _numbers(name: str, chunk: Any) -> Column:
    kinds = {"int64": np.int64, "double": np.float64}
    if str(chunk.type) not in kinds or chunk.null_count:
        raise FileFormatError(
            f"column {name!r} has the type {chunk.type}, which no index writes; build it again"
        )
    return np.frombuffer(chunk.buffers()[1], kinds[str(chunk.type)])[chunk.offset : chunk.offset + len(chunk)]


def _bits(buffer: Any, chunk: Any) -> Bools:
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little")
    return bits[chunk.offset : chunk.offset + len(chunk)].astype(bool)


def _bools(name: str, chunk: Any) -> Column:
    return _bits(chunk.buffers()[1], chunk)


def _strings(name: str, chunk: Any) -> Column:
    valid, offsets, data = chunk.buffers()
    width = np.int64 if str(chunk.type) == "large_string" else np.int32
    bounds = np.frombuffer(offsets, width)[chunk.offset : chunk.offset + len(chunk) + 1].tolist()
    text = data.to_pybytes() if data is not None else b""
    values = np.empty(len(chunk), object)
    values[:] = [text[start:stop].decode() for start, stop in itertools.pairwise(bounds)]
    if chunk.null_count:
        values[~_bits(valid, chunk)] = None
    return values
