"""ParquetFiles: Parquet files as one table, in the order of their names, read in pieces of bounded memory."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.data.parquet_text import column_names
from metric_face.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

_ROWS = 1 << 16


class ParquetFiles:
    """One or more Parquet files as one table. Folders named ``key=value`` on the way to a file are columns.

    Args:
        files: at least one.
        root: the folder that holds them.

    Raises:
        DataError: a file is damaged, its columns do not fit the others', or none is called ``path``.
    """

    def __init__(self, files: Sequence[Path], root: Path) -> None:
        self.files, self.root = list(files), root
        self._ends = list(accumulate(fragment.count_rows() for fragment in self._fragments))

    def __len__(self) -> int:
        return int(self._ends[-1])

    @property
    def schema(self) -> "pa.Schema":
        """Names and types of the columns as they are stored; a dictionary counts as its values."""
        return self._dataset.schema

    @property
    def note(self) -> str:
        """What was taken, a line."""
        if len(self.files) == 1:
            return f"{self.files[0]}: {len(self)} rows taken"
        return f"{self.root}: {len(self.files)} Parquet files, {len(self)} rows taken"

    @cached_property
    def _dataset(self) -> "ds.Dataset":
        import pyarrow as pa
        import pyarrow.dataset as ds

        schema, file = None, self.files[0]
        try:
            for file in self.files:
                whole = ds.dataset(
                    file, format=_format(), partitioning="hive", partition_base_dir=str(self.root)
                ).schema
                whole = pa.schema([field.with_type(_stored(field.type)) for field in whole])
                schema = (
                    whole
                    if schema is None
                    else pa.unify_schemas([schema, whole], promote_options="permissive")
                )
            files = [str(file) for file in self.files]
            return ds.dataset(
                files, schema, format=_format(), partitioning="hive", partition_base_dir=str(self.root)
            )
        except (pa.ArrowException, OSError, ValueError) as error:
            raise DataError(f"{file}: {_reason(error)}") from None

    @cached_property
    def _fragments(self) -> "list[ds.ParquetFileFragment]":
        if "path" not in column_names(self._dataset.schema.names, self.files[0]):
            known = ", ".join(self._dataset.schema.names) or "none"
            raise DataError(
                f"{self.files[0]}: needs a column 'path'; its columns are {known}; rename the one with the files"
            )
        return list(self._dataset.get_fragments())

    def pieces(self, start: int, stop: int) -> Iterator["pa.Table"]:
        """The rows from ``start`` to ``stop`` as they are stored, some ten thousand at a time."""
        import pyarrow as pa

        number = bisect_right(self._ends, start)
        try:
            while start < stop and number < len(self._fragments):
                before = self._ends[number - 1] if number else 0
                for batch in _batches(self._fragments[number], start - before, self._dataset.schema):
                    table = pa.Table.from_batches([batch]).slice(0, stop - start)
                    start += len(table)
                    yield table
                    if start >= stop:
                        return
                number += 1
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{self.files[number]}: {_reason(error)}") from None


def parquet_files(source: Path) -> list[Path]:
    """The Parquet files that are one table: the source itself, or those in a folder that have a column ``path``.

    Returns:
        The files by name; none where the source is something else. Names that begin with ``_`` or ``.`` are left out.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if source.is_file():
        return [source] if source.suffix.lower() == ".parquet" else []
    if not source.is_dir():
        return []
    found = [*source.glob("*.parquet"), *source.glob("*=*/**/*.parquet")]
    files = sorted(file for file in found if not file.name.startswith(("_", ".")))
    try:
        named = {name.strip() for name in pq.read_schema(files[0]).names} if files else set()
    except (pa.ArrowException, OSError):
        named = {"path"}  # damaged: the reader says so
    return files if "path" in named else []


def _format() -> "ds.ParquetFileFormat":
    """A reader that holds no more of a row group than it decodes."""
    import pyarrow.dataset as ds

    scan = ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
    return ds.ParquetFileFormat(default_fragment_scan_options=scan)


def _batches(
    fragment: "ds.ParquetFileFragment", skip: int, schema: "pa.Schema"
) -> "Iterator[pa.RecordBatch]":
    """The rows of a file from ``skip`` on; row groups before it are not read."""
    groups: list[int] = []
    for group in fragment.row_groups:
        if not groups and skip >= group.num_rows:
            skip -= group.num_rows
        else:
            groups.append(group.id)
    if not groups:
        return
    some = fragment.subset(row_group_ids=groups)
    for batch in some.to_batches(
        schema=schema, batch_size=_ROWS, batch_readahead=1, fragment_readahead=1, use_threads=False
    ):
        if skip >= len(batch):
            skip -= len(batch)
        else:
            yield batch.slice(skip)
            skip = 0


def _stored(kind: "pa.DataType") -> "pa.DataType":
    """The type of a dictionary's values, so that files with and without one fit together."""
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return f"cannot be read as a table of these files ({text[:160]}); write it again"
