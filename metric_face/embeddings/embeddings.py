"""Embeddings: vectors, the images they stand for, and the model that made them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metric_face.arrays import Floats
from metric_face.data import COLUMNS, ImageState, ImageTable, TableRows, compare_stamps, moved, take_stamps
from metric_face.embeddings.description import (
    FORMAT,
    IMAGES,
    RULES,
    STAMPS,
    array_shapes,
    describe,
    described_files,
    logits_file,
    stamps_table,
    write_images,
)
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.files import (
    EMBEDDINGS,
    build,
    check_digest,
    finish_interrupted_swap,
    read_json,
    read_rows,
    replace_folder,
    write_json,
)
from metric_face.notebook import table_html
from metric_face.plurals import counted


@dataclass(frozen=True)
class Embeddings:
    """N vectors and their images.

    Attributes:
        vectors: (N, D) float32, as the model's neck gives them, not normalized.
        table: the N images.
        fingerprint: of the model that made them; empty where vectors come from elsewhere.
        logits: head -> (N, C) float32, what the model's own classifiers say.
        stamps: (N rows) of the image files when they were embedded, see :mod:`.image_stamps`; None where unknown.
    """

    vectors: Floats
    table: ImageTable
    fingerprint: str = ""
    logits: Mapping[str, Floats] = field(default_factory=dict)
    stamps: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.table):
            raise ArgumentError(
                f"vectors: must be (N, D) with one row per image, N = {len(self.table)}; found {self.vectors.shape}"
            )

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"Embeddings({counted(len(self), 'images')} x {self.vectors.shape[1]})"

    def _repr_html_(self) -> str:
        counts = [(name, int(self.table.rows_in(name).sum())) for name in self.table.splits]
        rows = [
            ("model", self.fingerprint or "not known"),
            ("heads", ", ".join(self.logits) or "none"),
            *counts,
        ]
        return table_html(("", ""), rows, repr(self)) + self.table._repr_html_()

    def take(self, rows: Sequence[int] | NDArray[Any]) -> Self:
        """The given rows: positions, or a mask of length N."""
        rows = np.flatnonzero(rows) if isinstance(rows, np.ndarray) and rows.dtype == bool else rows
        logits = {name: values[rows] for name, values in self.logits.items()}
        stamps = self.stamps
        if stamps is not None:
            at = np.arange(len(self))[rows]
            stamps = stamps.iloc[at].reset_index(drop=True)
        return replace(
            self, vectors=self.vectors[rows], table=self.table.take(rows), logits=logits, stamps=stamps
        )

    def in_split(self, split: str) -> Self:
        """The rows of one part of the split.

        Raises:
            ArgumentError: the table has no such split.
        """
        return self.take(self.table.rows_in(split))

    def state(self) -> ImageState:
        """Which of the image files are missing now, and which were changed since they were embedded."""
        stamps = self.stamps if self.stamps is not None else take_stamps([Path()] * len(self))
        return compare_stamps(stamps, self.table.paths)

    def save(self, folder: str | Path) -> None:
        """Write vectors, logits and table as one folder, replacing it whole.

        Raises:
            OutputError: something else than embeddings is there, or the system refuses.
        """
        with replace_folder(folder, EMBEDDINGS) as new:
            np.save(new / "vectors.npy", self.vectors)
            for name, values in self.logits.items():
                np.save(new / logits_file(name), values)
            rows = TableRows(self.table)
            stamps = None if self.stamps is None else [stamps_table(self.stamps)]
            write_images(new, rows.pieces(), rows.schema, rows.root, stamps=stamps)
            description = describe(new, self.fingerprint, rows.root, self.logits)
            write_json(new / "embeddings.json", description, version=FORMAT)

    @classmethod
    def load(cls, folder: str | Path, *, mmap: bool = False, data: str | Path | None = None) -> Self:
        """Read a folder that :meth:`save` or :func:`extract` wrote.

        Args:
            folder: the folder.
            mmap: leave the vectors on disk and read what is touched.
            data: the folder where the images are now; default where they were.

        Raises:
            FileFormatError: something is missing, truncated, altered or of another version.
        """
        home = Path(folder)
        finish_interrupted_swap(home)
        if not (home / "embeddings.json").is_file():
            raise FileFormatError(f"{home}: holds no embeddings; run 'metric-face embed' first")
        file, remedy = home / "embeddings.json", "run 'metric-face embed' again"
        description = read_json(file, RULES, version=FORMAT, remedy=remedy)
        heads: dict[str, int] = description["logits"]
        files = described_files(heads)
        if set(description["sha256"]) != set(files):
            raise FileFormatError(f"{file}: must hold the checksums of {', '.join(files)}; {remedy}")
        for name in files:
            check_digest(home / name, [description["sha256"][name]], by="embeddings.json", remedy=remedy)
        rows = description["rows"]
        shapes = array_shapes(rows, description["dimensions"], heads)
        arrays = {name: read_array(home / name, shape, mmap, remedy) for name, shape in shapes.items()}
        frame, stamps = (read_rows(home / name, remedy=remedy) for name in (IMAGES, STAMPS))
        if len(frame) != rows or len(stamps) != rows or list(stamps.columns) != list(COLUMNS):
            raise FileFormatError(
                f"{file}: says {rows} rows, found {len(frame)} images and {len(stamps)} stamps; {remedy}"
            )
        table = build(lambda: ImageTable(frame, Path(description["root"])), home / IMAGES, remedy=remedy)
        if data is not None:
            table = moved(table, Path(data))
        logits = {head: arrays[logits_file(head)] for head in heads}
        return cls(arrays["vectors.npy"], table, description["fingerprint"], logits, stamps)


def read_array(file: Path, shape: tuple[int, int], mmap: bool, remedy: str) -> Floats:
    """A float32 array of a stored shape.

    Raises:
        FileFormatError: it is truncated, altered or of another shape.
    """
    mode: Literal["r"] | None = "r" if mmap else None
    try:
        array = np.load(file, mmap_mode=mode, allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError) as error:
        raise FileFormatError(
            f"{file}: cannot be read as an array ({str(error).splitlines()[0]}); {remedy}"
        ) from None
    if array.shape != shape or array.dtype != np.float32:
        raise FileFormatError(f"{file}: must be {shape} float32, found {array.shape} {array.dtype}; {remedy}")
    return np.asanyarray(array)
