"""Embeddings: vectors, the images they stand for, and the model that made them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metric_face.data.table import ImageTable
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.files import sha256_of, write_text
from metric_face.folders import EMBEDDINGS, finish_interrupted_swap, replace_folder

FORMAT = 1


@dataclass(frozen=True)
class Embeddings:
    """N vectors and their images.

    Attributes:
        vectors: (N, D) float32, as the model's neck gives them, not normalised.
        table: the N images.
        fingerprint: of the model that made them; empty where vectors come from elsewhere.
        logits: head -> (N, C) float32, what the model's own classifiers say.
    """

    vectors: NDArray[np.float32]
    table: ImageTable
    fingerprint: str = ""
    logits: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.table):
            raise ArgumentError(
                f"vectors: must be (N, D) with one row per image, N = {len(self.table)}; found {self.vectors.shape}"
            )

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: Sequence[int] | NDArray[Any]) -> Self:
        """The given rows: positions, or a mask of length N."""
        logits = {name: values[rows] for name, values in self.logits.items()}
        return replace(self, vectors=self.vectors[rows], table=self.table.take(rows), logits=logits)

    def part(self, split: str) -> Self:
        """The rows of one part of the split.

        Raises:
            ArgumentError: the table has no such part.
        """
        self.table.part(split)
        return self.take((self.table.frame["split"] == split).to_numpy())

    def save(self, folder: str | Path) -> None:
        """Write vectors, logits and table as one folder, replacing it whole.

        Raises:
            OutputError: something else than embeddings is there, or the system refuses.
        """
        with replace_folder(folder, EMBEDDINGS) as new:
            np.save(new / "vectors.npy", self.vectors)
            for name, values in self.logits.items():
                np.save(new / logits_file(name), values)
            write_description(new, self.table, self.fingerprint, list(self.logits))

    @classmethod
    def load(cls, folder: str | Path, *, mmap: bool = False) -> Self:
        """Read a folder that :meth:`save` or :func:`extract` wrote.

        Args:
            folder: the folder.
            mmap: leave the vectors on disk and read what is touched.

        Raises:
            FileFormatError: something is missing, truncated or altered.
        """
        home = Path(folder)
        finish_interrupted_swap(home)
        if not (home / "embeddings.json").is_file():
            raise FileFormatError(f"{home}: holds no embeddings; run 'metric-face embed' first")
        description = json.loads((home / "embeddings.json").read_text("utf-8"))
        if description.get("format") != FORMAT:
            raise FileFormatError(
                f"{home}: format {description.get('format')}, this version reads {FORMAT}; embed again"
            )
        for name, digest in description["sha256"].items():
            if not (home / name).is_file() or sha256_of(home / name) != digest:
                raise FileFormatError(f"{home / name}: missing, truncated or altered (checksum); embed again")
        mode: Literal["r"] | None = "r" if mmap else None
        vectors = np.load(home / "vectors.npy", mmap_mode=mode, allow_pickle=False)
        logits = {
            name: np.load(home / logits_file(name), mmap_mode=mode, allow_pickle=False)
            for name in description["logits"]
        }
        table = ImageTable(pd.read_parquet(home / "images.parquet"), Path(description["root"]))
        return cls(vectors, table, description["fingerprint"], logits)


def write_description(folder: Path, table: ImageTable, fingerprint: str, heads: Sequence[str]) -> None:
    """Write ``images.parquet`` and ``embeddings.json`` beside arrays that are already there."""
    table.save(folder / "images.parquet")
    files = ["vectors.npy", "images.parquet", *map(logits_file, heads)]
    description = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "root": str(table.root.resolve()),
        "logits": list(heads),
        "sha256": {name: sha256_of(folder / name) for name in files},
    }
    write_text(folder / "embeddings.json", json.dumps(description, indent=2, ensure_ascii=False))


def logits_file(head: str) -> str:
    # A head is named after a column of the user's, which may hold any character.
    return f"logits-{head.encode().hex()}.npy"
