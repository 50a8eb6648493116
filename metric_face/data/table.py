"""ImageTable: one row per image, whatever the labels lie in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metric_face.arrays import Bools, column_of
from metric_face.data import readers
from metric_face.data.boxes import BOX
from metric_face.data.image_paths import ImagePaths, refuse_outside
from metric_face.data.images import open_image
from metric_face.data.label_parsing import text_of
from metric_face.errors import ArgumentError, DataError
from metric_face.files import write_atomically
from metric_face.missing import missing_rows
from metric_face.notebook import pictures_html, table_html
from metric_face.plurals import counted
from metric_face.progress import Progress, silent

RESERVED = ("path", "identity", "split")


@dataclass(frozen=True)
class ImageTable:
    """Images with their identities, their labels and their split; one row per image.

    Attributes:
        frame: a pandas frame with ``path`` (text, relative to ``root`` or absolute), perhaps ``identity`` (text:
            the identity or object), perhaps ``split`` (text), and one column per attribute, raw values kept.
        root: the folder that relative paths start from.
        notes: what was seen, taken and left out when the table was read, one line each.
    """

    frame: pd.DataFrame
    root: Path
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "path" not in self.frame.columns:
            known = ", ".join(map(str, self.frame.columns)) or "none"
            raise DataError(
                f"table: needs a column 'path'; its columns are {known}; rename the one with the files"
            )
        if self.frame.empty:
            raise DataError(
                "table: needs at least one image; found 0 rows; check the folder or file it was read from"
            )
        for column in ("path", "identity"):
            if column not in self.frame.columns:
                continue
            lacking = np.flatnonzero(missing_rows(self.frame[column]))
            if len(lacking):
                row = int(lacking[0])
                where = f" ({self.frame['path'].iloc[row]})" if column == "identity" else ""
                raise DataError(
                    f"row {row}{where}: '{column}' must not be empty; fill it in or drop the row (counted from 0)"
                )

    def __repr__(self) -> str:
        columns = ", ".join(map(str, self.frame.columns))
        return f"ImageTable({counted(len(self.frame), 'images')}; {columns})"

    def _repr_html_(self) -> str:
        rows = self.frame.head(5).itertuples(index=False, name=None)
        return table_html([str(name) for name in self.frame.columns], rows, repr(self)) + pictures_html(
            [self.root / str(path) for path in self.frame["path"].head(8)],
            lambda file, enough: open_image(file, at_least=enough),
        )

    @classmethod
    def read(
        cls,
        source: str | Path,
        *,
        root: str | Path | None = None,
        box: Sequence[str] | None = BOX,
    ) -> Self:
        """Read a competition folder, a CSV or Parquet file, or class folders; every column is read as text.

        Args:
            source: the competition's folder (``train/train.csv`` and ``train/images``, or its ``eval`` folder),
                a ``.csv``, ``.tsv`` or ``.parquet`` file with a ``path`` column, a folder with an ``images.csv``, or
                a folder of images, whose subfolders, where it has any, name the classes, and the names of splits
                where one level of them is named train, val, test or alike.
            root: the folder that relative paths of a file start from; default the folder the file is in.
            box: columns of left, top, right and bottom in pixels of the upright image, where a row is a part of its
                image; they become the end of its path, as ``group.jpg#xywh=40,12,96,96``. None reads no boxes.

        Returns:
            The table, with what was left out and why in its ``notes``; the images themselves are not opened.

        Raises:
            DataError: nothing is there, the format is not known, a path leaves the root, or a row is incomplete.
        """
        read = readers.read_source(Path(source), box)
        base = Path(root) if root is not None else read.base
        table = cls(read.frame.reset_index(drop=True), base, tuple(read.notes))
        refuse_outside(base, table.frame["path"])
        return table

    @classmethod
    def from_dataset(
        cls,
        dataset: Any,
        folder: str | Path | None = None,
        *,
        image: str | None = None,
        progress: Progress = silent,
    ) -> Self:
        """Take over a dataset of Hugging Face or torchvision; neither package is imported here.

        Class numbers become their names where the dataset knows them; columns of lists and the like are left out.

        Args:
            dataset: a ``datasets.Dataset``, a torchvision dataset or a ``Subset``; or a mapping of split names to
                such, as a ``DatasetDict`` is.
            folder: a new or empty folder for images that are in no file, written whole or not at all, with an
                ``images.csv`` that :meth:`read` takes; files are read where they lie.
            image: the column of images; default the only one.
            progress: called with (images read, images in all).

        Raises:
            ArgumentError: no such dataset, no or several image columns, or images in no file and no folder.
            DataError: an item holds no image, or the dataset is empty.
            OutputError: something is in the folder.
        """
        from metric_face.data.foreign_datasets import frame_of_dataset

        frame, root = frame_of_dataset(dataset, None if folder is None else Path(folder), image, progress)
        return cls(frame, root)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def paths(self) -> Sequence[Path]:
        """The N files, joined with the root when they are asked for."""
        return ImagePaths.of(self.root, self.frame["path"])

    def sample_paths(self, count: int) -> list[Path]:
        """At most ``count`` files, evenly spread over the table."""
        return list(self.paths[:: max(1, len(self) // count)][:count])

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns that are not ``path``, ``identity`` or ``split``."""
        return tuple(str(name) for name in self.frame.columns if name not in RESERVED)

    @property
    def identities(self) -> "NDArray[np.str_] | None":
        """The N identities as text, or None where the table has none."""
        if "identity" not in self.frame.columns:
            return None
        column = self.frame["identity"]
        if isinstance(
            column.dtype, pd.StringDtype
        ):  # whose values are text: looking at each took most of the time
            return column.to_numpy().astype(str)
        return np.array([text_of(value) for value in column_of(column).tolist()])

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits, in order of appearance; empty where the table is not split."""
        if "split" not in self.frame.columns:
            return ()
        column = self.frame["split"]
        return tuple(column[~missing_rows(column)].unique())

    def column(self, name: str) -> pd.Series:
        """One column by name.

        Raises:
            DataError: the table has no such column.
        """
        if name not in self.frame.columns:
            raise DataError(
                f"column {name!r}: the table has {', '.join(self.frame.columns)}; name one of these"
            )
        return self.frame[name]

    def take(self, rows: Sequence[int] | np.ndarray) -> Self:
        """The table of the given rows: positions, or a mask of length N."""
        return replace(
            self,
            frame=self.frame.iloc[
                np.flatnonzero(rows) if _is_mask(rows) else np.asarray(rows, dtype=np.int64)
            ],
        )._reset()

    def rows_in(self, split: str) -> Bools:
        """(N,) which rows are in one part of the split.

        Raises:
            ArgumentError: the table has no such split.
        """
        if split not in self.splits:
            raise ArgumentError(
                f"split={split!r}: the table has {', '.join(self.splits) or 'no split'}; name one of these"
            )
        rows: Bools = (self.frame["split"] == split).to_numpy(dtype=bool)
        return rows

    def in_split(self, split: str) -> Self:
        """The rows of one part of the split.

        Raises:
            ArgumentError: the table has no such split.
        """
        return self.take(self.rows_in(split))

    def with_column(self, name: str, values: Sequence[Any] | np.ndarray) -> Self:
        """A copy with one column set."""
        return replace(self, frame=self.frame.assign(**{name: values}))

    def without(self, name: str) -> Self:
        """A copy without one column, whether it was there or not."""
        return replace(self, frame=self.frame.drop(columns=name, errors="ignore"))

    def save(self, path: str | Path) -> None:
        """Write the table as Parquet, atomically; relative paths stay relative to ``root``."""
        write_atomically(path, lambda file: self.frame.to_parquet(file, index=False))

    def _reset(self) -> Self:
        return replace(self, frame=self.frame.reset_index(drop=True))


def _is_mask(rows: Sequence[int] | np.ndarray) -> bool:
    return isinstance(rows, np.ndarray) and rows.dtype == bool
