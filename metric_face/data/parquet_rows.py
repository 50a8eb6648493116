"""ParquetRows: the rows of Parquet files, read in pieces, so that a table may be larger than memory."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from metric_face.data.boxes import BOX, fold_boxes
from metric_face.data.image_rows import recut
from metric_face.data.parquet_files import ParquetFiles, parquet_files
from metric_face.data.parquet_text import column_names, text_frame
from metric_face.data.readers import read_parts, straighten
from metric_face.data.table import ImageTable
from metric_face.data.text_type import TEXT
from metric_face.errors import DataError
from metric_face.files import inside
from metric_face.progress import Say, silent

if TYPE_CHECKING:
    import pyarrow as pa


class ParquetRows:
    """The rows of Parquet files, every column as text. Nothing of the rows is kept in memory.

    Args:
        files: the files.
        box: columns of a box, as :meth:`ImageTable.read` takes them.

    Raises:
        DataError: there is no row.
    """

    def __init__(self, files: ParquetFiles, box: Sequence[str] | None = BOX) -> None:
        self.files, self.root, self.box = files, files.root, box
        if not len(files):
            raise DataError(f"{files.files[0]}: needs at least one image; found 0 rows")

    @classmethod
    def open(cls, source: Path, box: Sequence[str] | None = BOX) -> "ParquetRows | None":
        """The rows behind a Parquet file, or behind a folder of them; None where the source is neither.

        Raises:
            DataError: a file is damaged, its columns do not fit the others', or there is no row.
        """
        files = parquet_files(source)
        if not files:
            return None
        return cls(ParquetFiles(files, source if source.is_dir() else source.parent), box)

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def schema(self) -> "pa.Schema":
        """Names and types of the columns: text, but for lists and other nested values, which stay as they are."""
        import pyarrow as pa

        whole = self.files.schema
        fields = dict(zip(column_names(whole.names, self.files.files[0]), whole.types, strict=True))
        fields = {name: kind for name, kind in fields.items() if not name.startswith("__index_level_")}
        if self.box is not None and set(self.box) <= fields.keys():
            fields = {name: kind for name, kind in fields.items() if name not in self.box}
        frame = pd.DataFrame({name: pd.Series([], dtype=TEXT) for name in fields})
        schema = pa.Schema.from_pandas(frame, preserve_index=False)
        for number, (name, kind) in enumerate(fields.items()):
            if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
                schema = schema.set(number, pa.field(name, kind))
        return schema

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator["pa.Table"]:
        """The rows from ``start`` to ``stop``, at most ``PIECE`` at a time."""
        import pyarrow as pa

        for piece in recut(self.files.pieces(start, len(self) if stop is None else stop)):
            frame = text_frame(piece, self.files.files[0])
            straighten(frame, self.root)
            fold_boxes(frame, self.box, self.files.files[0])
            read_parts(frame, self.files.files[0])
            yield pa.Table.from_pandas(frame, schema=self.schema, preserve_index=False)

    def check(self, say: Say = silent) -> None:
        """Look at every row once, before any work: there is a path, in the folder, and an identity where there is one.

        Args:
            say: called with what was taken.

        Raises:
            DataError: naming the first row that breaks a rule.
        """
        say(self.files.note)
        known = [name for name in ("path", "identity") if name in self.schema.names]
        first = 0
        for piece in self.pieces():
            frame = piece.select(known).to_pandas()
            try:
                ImageTable(frame, self.root)
                for name in frame["path"][frame["path"].str.contains("..", regex=False)]:
                    if not Path(name).is_absolute():
                        inside(self.root, name)
            except DataError as error:
                raise DataError(f"{self.files.files[0]}: in the rows from {first:,} on: {error}") from None
            first += len(piece)
