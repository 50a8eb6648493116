"""ImageRows: the rows of a table in pieces, whether it is in memory or is read from disk piece by piece."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from metric_face.data.table import ImageTable

if TYPE_CHECKING:
    import pyarrow as pa

PIECE = 1 << 16
"""Rows of a piece, and of a row group that is written."""


class ImageRows(Protocol):
    """N images in the order of their row numbers.

    Attributes:
        root: the folder that relative paths start from.
        schema: of the pieces; one column is ``path``.
    """

    root: Path

    @property
    def schema(self) -> "pa.Schema":
        """Names and types of the columns."""

    def __len__(self) -> int: ...

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator["pa.Table"]:
        """The rows from ``start`` to ``stop``, at most :data:`PIECE` at a time."""


class TableRows:
    """The rows of a table in memory.

    Args:
        table: N images.
    """

    def __init__(self, table: ImageTable) -> None:
        import pyarrow as pa

        self.table, self.root = table, table.root
        self._schema = pa.Schema.from_pandas(table.frame, preserve_index=False)

    @property
    def schema(self) -> "pa.Schema":
        """Names and types of the columns."""
        return self._schema

    def __len__(self) -> int:
        return len(self.table)

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator["pa.Table"]:
        """The rows from ``start`` to ``stop``, at most :data:`PIECE` at a time."""
        import pyarrow as pa

        last = len(self) if stop is None else stop
        for first in range(start, last, PIECE):
            frame = self.table.frame.iloc[first : min(first + PIECE, last)]
            yield pa.Table.from_pandas(frame, schema=self._schema, preserve_index=False)


def names_of(rows: ImageRows, start: int = 0, stop: int | None = None) -> Iterator[str]:
    """The paths of the rows from ``start`` to ``stop``, as the table has them."""
    for piece in rows.pieces(start, stop):
        yield from piece.column("path").to_pylist()


def digest_rows(pieces: Iterable["pa.Table"], columns: Collection[str] | None = None) -> str:
    """The SHA-256 of the rows' values, however they are cut into pieces.

    Args:
        pieces: of a table.
        columns: that are read; None is all.
    """
    digests: dict[str, hashlib._Hash] = {}
    for piece in recut(pieces):
        for name in piece.column_names:
            if columns is None or name in columns:
                digest = digests.setdefault(name, hashlib.sha256(name.encode("utf-8", "surrogatepass")))
                digest.update(repr(piece.column(name).to_pylist()).encode("utf-8", "surrogatepass"))
    return hashlib.sha256("".join(each.hexdigest() for each in digests.values()).encode()).hexdigest()


def recut(pieces: Iterable["pa.Table"]) -> Iterator["pa.Table"]:
    """The same rows in pieces of :data:`PIECE` rows, the last one excepted."""
    import pyarrow as pa

    held: list[pa.Table] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        while count >= PIECE:
            joined = pa.concat_tables(held)
            yield joined.slice(0, PIECE)
            held, count = [joined.slice(PIECE)], count - PIECE
    if count:
        yield pa.concat_tables(held)
