"""A FAISS index whose vectors are rows 0 to N - 1, whatever is added, removed or merged, for every kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metric_face.arrays import Bools, Floats, Ints
from metric_face.errors import ArgumentError
from metric_face.search.asking import search_by_asking
from metric_face.search.columns import Columns
from metric_face.search.exact import Exclusion, nearest
from metric_face.search.faiss_lists import copy_lists, empty_like, lists_of, same_training, vectors_of_list
from metric_face.search.found import exact_similarities
from metric_face.search.in_place import nearest_in_place
from metric_face.search.kinds import Kind, get_effort, knob, least_effort, most_effort, set_effort
from metric_face.search.parameters import parameters_of
from metric_face.search.points import Points
from metric_face.vectors import Metric, check_directions, normalize

_ADD_BYTES = 1 << 25  # vectors prepared at a time, 32 MiB, so that no second copy of all of them is ever held
_MOST_DEAD = 1 / 3  # of the vectors in an HNSW index, before it is built again without them


@dataclass
class FaissStore:
    """Vectors in a FAISS index, addressed by row.

    FAISS numbers vectors in the order they came. A flat index closes the gap when one is removed, an inverted file
    is renumbered here, and HNSW cannot forget: there a removed vector stays, is never found, and ``slots`` says
    where the others are.

    Attributes:
        faiss: the FAISS index, trained.
        kind, metric: of the index; cosine holds rows of length one and searches them by inner product.
        slots: (N,) int64 FAISS id of each row, or None where they are equal.
        is_mapped: whether they lie on disk and cannot change.
    """

    faiss: Any
    kind: Kind
    metric: Metric
    slots: Ints | None = None
    is_mapped: bool = False
    _points: Points | None = None

    def __len__(self) -> int:
        return int(self.faiss.ntotal) if self.slots is None else len(self.slots)

    @property
    def dimensions(self) -> int:
        return int(self.faiss.d)

    @property
    def knob(self) -> str | None:
        return knob(self.faiss)

    @property
    def effort(self) -> int:
        return get_effort(self.faiss)

    @effort.setter
    def effort(self, value: int) -> None:
        set_effort(self.faiss, value)

    @property
    def efforts(self) -> tuple[int, int]:
        """The least effort and that beyond which nothing is gained."""
        return least_effort(self.faiss), most_effort(self.faiss)

    @property
    def parts(self) -> "list[FaissStore]":
        """The store itself, as a store in shards has several."""
        return [self]

    def empty(self) -> "FaissStore":
        """Return a store of the same kind and training that holds nothing."""
        return FaissStore(empty_like(self.faiss), self.kind, self.metric)

    def prepare(self, vectors: Floats, name: str) -> Floats:
        """Return the vectors as the index holds them: of length one for the cosine."""
        return normalize(vectors, name) if self.metric == "cosine" else vectors

    def add(self, vectors: Floats, columns: Columns | None = None, *, rows: Ints | None = None) -> None:
        """Add (M, D) vectors, not yet prepared, as the next rows, or as the given ``rows`` that are still free.

        Raises:
            ArgumentError: a row of zeros under the cosine; nothing is added then.
        """
        self._points = None
        if self.kind == "flat":
            self._add_flat(vectors)
            return
        if self.metric == "cosine":
            check_directions(vectors)  # before anything is added
        first = len(self)
        step = max(1, _ADD_BYTES // (4 * self.dimensions))
        for start in range(0, len(vectors), step):
            block = self.prepare(vectors[start : start + step], "embeddings")
            at = first + start + np.arange(len(block)) if rows is None else rows[start : start + len(block)]
            if self.kind == "hnsw":
                if self.slots is not None:
                    self.slots = np.concatenate([self.slots, self.faiss.ntotal + np.arange(len(block))])
                self.faiss.add(block)
            else:
                self.faiss.add_with_ids(block, at)

    def _add_flat(self, vectors: Floats) -> None:  # into FAISS's own memory: no copy beside it
        count, size = len(self), self.dimensions
        self.faiss.codes.resize((count + len(vectors)) * size * 4)
        self.faiss.ntotal = count + len(vectors)
        try:
            if self.metric == "cosine":
                normalize(vectors, out=self.flat_vectors()[count:])
            else:
                self.flat_vectors()[count:] = vectors
        except ArgumentError:
            self.faiss.codes.resize(count * size * 4)
            self.faiss.ntotal = count
            raise

    def flat_vectors(self) -> Floats:
        """Return the (N, D) vectors of a flat index, or all that an HNSW index holds, as a view."""
        import faiss

        flat = faiss.downcast_index(self.faiss.storage) if self.kind == "hnsw" else self.faiss
        if not flat.ntotal:
            return np.empty((0, self.dimensions), np.float32)
        values: Floats = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * self.dimensions)
        return values.reshape(-1, self.dimensions)

    def forget_columns(self, names: Sequence[str]) -> None:
        """Nothing: it knows none."""

    def remove(self, rows: Ints) -> None:
        """Remove the given rows; the rows behind them move up."""
        import faiss

        self._points = None
        keep = np.ones(len(self), bool)
        keep[rows] = False
        if self.kind == "hnsw":
            self.slots = (np.arange(len(self)) if self.slots is None else self.slots)[keep]
            if len(self.slots) < (1 - _MOST_DEAD) * self.faiss.ntotal:
                self._build_hnsw_again()
            return
        self.faiss.remove_ids(faiss.IDSelectorBatch(np.flatnonzero(~keep)))
        if self.kind != "flat":
            new_row = np.cumsum(keep) - 1
            for _, ids in lists_of(self.faiss):
                ids[:] = new_row[ids]

    def forget_removed(self) -> None:
        """Build a graph that holds removed vectors again without them."""
        if self.slots is not None:
            self._build_hnsw_again()

    def _build_hnsw_again(self) -> None:
        alive = self.flat_vectors()[self.slots]
        self.faiss, self.slots = empty_like(self.faiss), None
        self.faiss.add(alive)

    def extend(self, other: "FaissStore") -> None:
        """Add the vectors of another store of the same kind, D and metric, which stays as it is.

        Raises:
            ArgumentError: quantizers trained apart, whose codes mean different things.
        """
        self._points = None
        first = len(self)
        if self.kind == "flat":
            self.faiss.add(other.flat_vectors())
        elif self.kind == "hnsw":
            vectors = other.flat_vectors()
            alive = vectors if other.slots is None else vectors[other.slots]
            if self.slots is not None:
                self.slots = np.concatenate([self.slots, self.faiss.ntotal + np.arange(len(alive))])
            self.faiss.add(alive)
        elif same_training(self.faiss, other.faiss):
            copy_lists(other.faiss, self.faiss, first)
        elif self.kind == "ivf":
            for number, ids in lists_of(other.faiss):
                self.faiss.add_with_ids(vectors_of_list(other.faiss, number, len(ids)), ids + first)
        else:
            raise ArgumentError(
                f"shards of kind {self.kind!r} must share their training to be merged; "
                "make each with first.empty() and .add()"
            )

    def search(
        self,
        queries: Floats,
        k: int,
        excluded: Exclusion | None = None,
        chosen: Bools | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> tuple[Ints, Floats]:
        """Find the k nearest rows of each prepared query, (Q, k), -1 and ``-inf`` where there are fewer."""
        if chosen is not None and self.kind in ("flat", "hnsw"):
            return self._search_chosen(queries, k, excluded, np.flatnonzero(chosen))
        if self.kind == "flat" and self.is_mapped:
            return nearest_in_place(queries, self.flat_vectors(), k, self.metric, excluded)
        if self.kind == "flat":
            if self._points is None and len(self):
                self._points = Points.of(self.flat_vectors(), self.metric)
            return nearest(queries, self._points or self.flat_vectors(), k, self.metric, excluded)
        count = len(self) if chosen is None else int(chosen.sum())

        def ask(queries: Floats, ask: int, wide: bool) -> tuple[Ints, Floats]:
            return self._ask(queries, ask, wide, chosen)

        return search_by_asking(ask, queries, k, count, excluded)

    def _search_chosen(
        self, queries: Floats, k: int, excluded: Exclusion | None, chosen: Ints
    ) -> tuple[Ints, Floats]:
        """Search some rows exactly: of a graph, most of the way would lead over rows that may not be found."""
        vectors = self.flat_vectors()[chosen if self.slots is None else self.slots[chosen]]
        within = None if excluded is None else excluded.among(chosen)
        found, near = nearest(queries, vectors, k, self.metric, within)
        return np.where(found < 0, -1, chosen[found]) if len(chosen) else found, near

    def _ask(self, queries: Floats, ask: int, wide: bool, chosen: Bools | None) -> tuple[Ints, Floats]:
        """Ask FAISS for rows and similarities; ``wide`` looks everywhere."""
        # faiss.contrib.torch_utils, which others load, keeps the search that takes `params` under another name.
        parameters = parameters_of(self.faiss, self.slots, ask, wide, chosen)
        if self.kind == "ivf" and chosen is None:  # FAISS gives no vectors where it is told what it may find
            search = getattr(self.faiss, "search_and_reconstruct_numpy", self.faiss.search_and_reconstruct)
            near, slots, vectors = search(queries, ask, params=parameters)
        else:
            search = getattr(self.faiss, "search_numpy", self.faiss.search)
            near, slots = search(queries, ask, params=parameters)
            vectors = self.flat_vectors()[slots] if self.kind == "hnsw" else None
        missing = slots < 0
        if vectors is not None:
            near = exact_similarities(queries, vectors, self.metric)
        elif self.metric == "euclidean":
            near = -np.sqrt(np.maximum(near, 0))
        near[missing] = -np.inf
        if vectors is not None:
            order = np.argsort(-near, axis=1, kind="stable")
            near, slots, missing = (np.take_along_axis(one, order, axis=1) for one in (near, slots, missing))
        if self.slots is not None:
            row_of = np.full(int(self.faiss.ntotal), -1, np.int64)
            row_of[self.slots] = np.arange(len(self.slots))
            slots = np.where(missing, -1, row_of[slots])
        return slots, near
