"""A store in shards: FAISS files of some of the rows each, searched one after the other, changed one at a time."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Bools, Floats, Ints
from metric_face.search.columns import Columns
from metric_face.search.exact import Exclusion
from metric_face.search.faiss_store import FaissStore
from metric_face.search.kinds import Kind
from metric_face.vectors import Metric, check_directions

_ROOM = 1.25  # times the largest shard: what a shard may grow to before another is begun


@dataclass
class Shard:
    """Some of the rows.

    Attributes:
        store: their vectors.
        file: where they lie as they are, with ``facts``, its size and checksum; None once they changed.
        read: reads the file into memory, where ``store`` is mapped from it; None where ``store`` is in memory.
    """

    store: FaissStore
    file: Path | None = None
    facts: dict[str, object] | None = None
    read: Callable[[], FaissStore] | None = None

    def to_change(self) -> FaissStore:
        """Return the vectors in memory, to be changed."""
        if self.read is not None:
            effort = self.store.effort
            self.store = self.read()
            self.store.effort = effort
        self.file = self.facts = self.read = None
        return self.store

    def write(self, path: Path) -> None:
        """Write the shard, or link its file where it did not change."""
        import faiss

        if self.file is None:
            faiss.write_index(self.store.faiss, str(path))
        elif self.file != path:
            try:
                os.link(self.file, path)
            except OSError:  # another file system, or one without links
                shutil.copyfile(self.file, path)


class ShardedStore:
    """Vectors in several FAISS stores of one kind, metric and training; row 0 is the first of the first.

    Args:
        shards: at least one.
    """

    def __init__(self, shards: Sequence[Shard]) -> None:
        self.shards = list(shards)

    def __len__(self) -> int:
        return sum(len(shard.store) for shard in self.shards)

    @property
    def kind(self) -> Kind:
        return self.shards[0].store.kind

    @property
    def metric(self) -> Metric:
        return self.shards[0].store.metric

    @property
    def dimensions(self) -> int:
        return self.shards[0].store.dimensions

    @property
    def knob(self) -> str | None:
        return self.shards[0].store.knob

    @property
    def effort(self) -> int:
        return self.shards[0].store.effort

    @effort.setter
    def effort(self, value: int) -> None:
        for shard in self.shards:
            shard.store.effort = value

    @property
    def efforts(self) -> tuple[int, int]:
        """The least effort and that beyond which nothing is gained."""
        each = [shard.store.efforts for shard in self.shards]
        return each[0][0], max(most for _, most in each)

    @property
    def is_mapped(self) -> bool:
        """No: a mapped shard is read into memory when it changes."""
        return False

    @property
    def parts(self) -> list[FaissStore]:
        """The FAISS stores, in the order of rows."""
        return [shard.store for shard in self.shards]

    def empty(self) -> FaissStore:
        """Return a store of the same kind and training, in one piece, that holds nothing."""
        return self.shards[0].store.empty()

    def prepare(self, vectors: Floats, name: str) -> Floats:
        """Return the vectors as the shards hold them."""
        return self.shards[0].store.prepare(vectors, name)

    def add(self, vectors: Floats, columns: Columns | None = None) -> None:
        """Add (M, D) vectors to the last shard, or to a new one where that is full.

        Raises:
            ArgumentError: a row of zeros under the cosine; nothing is added then.
        """
        most = _ROOM * max(len(shard.store) for shard in self.shards)
        if len(self.shards[-1].store) + len(vectors) > most:
            new = Shard(self.empty())
            new.store.add(vectors)
            new.store.effort = self.effort
            self.shards.append(new)
        else:
            if self.metric == "cosine":
                check_directions(vectors)  # before the file is left
            self.shards[-1].to_change().add(vectors)

    def forget_columns(self, names: Sequence[str]) -> None:
        """Nothing: it knows no columns."""

    def remove(self, rows: Ints) -> None:
        """Remove the given rows; the rows behind them move up."""
        first = 0
        for shard in self.shards:
            count = len(shard.store)
            inside = rows[(rows >= first) & (rows < first + count)] - first
            if len(inside):
                store = shard.to_change()
                store.remove(inside)
                store.forget_removed()
            first += count
        self.shards = [shard for shard in self.shards if len(shard.store)] or self.shards[:1]

    def search(
        self,
        queries: Floats,
        k: int,
        excluded: Exclusion | None = None,
        chosen: Bools | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> tuple[Ints, Floats]:
        """Find the k nearest rows of each prepared query, (Q, k), -1 and ``-inf`` where there are fewer."""
        rows = np.full((len(queries), k), -1, np.int64)
        values = np.full((len(queries), k), -np.inf, np.float32)
        first = 0
        for shard in self.shards:
            part = slice(first, first + len(shard.store))
            within = None if excluded is None else excluded.among(part)
            chosen_here = None if chosen is None else chosen[part]
            found, near = shard.store.search(queries, k, within, chosen_here)
            found = np.where(found < 0, -1, found + first)
            rows, values = _merged(rows, values, found, near)
            first = part.stop
        return rows, values


def _merged(rows: Ints, values: Floats, more: Ints, near: Floats) -> tuple[Ints, Floats]:
    """The k nearest of two answers, (Q, k) each; among equal similarities the smaller row first."""
    k = rows.shape[1]
    rows, values = np.concatenate([rows, more], axis=1), np.concatenate([values, near], axis=1)
    places = np.where(rows < 0, np.iinfo(np.int64).max, rows)
    order = np.lexsort((places, -values), axis=-1)[:, :k]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(values, order, axis=1)
