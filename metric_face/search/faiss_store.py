"""A FAISS index whose vectors are rows 0 to N - 1, whatever is added, removed or merged, for every kind."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.errors import ArgumentError
from metric_face.search.exact import Exclusion, nearest
from metric_face.search.faiss_lists import copy_lists, empty_like, lists_of, same_training, vectors_of_list
from metric_face.search.found import allowed, exact_similarities, sort_equals
from metric_face.search.kinds import Kind, get_effort, knob
from metric_face.search.points import Points
from metric_face.vectors import Metric, normalize, row_lengths

_ADD_BYTES = 1 << 25  # vectors prepared at a time, 32 MiB, so that no second copy of all of them is ever held
_BLOCK_BYTES = 1 << 26  # neighbors held at once: 64 MiB
_MOST_DEAD = 1 / 3  # of the vectors in an HNSW index, before it is built again without them


@dataclass
class FaissStore:
    """Vectors in a FAISS index, addressed by row.

    FAISS numbers vectors in the order they came. A flat index closes the gap when one is removed, an inverted file
    is renumbered here, and HNSW cannot forget: there a removed vector stays, is never found, and ``slots`` says
    where the others are.

    Attributes:
        faiss: the FAISS index, trained.
        kind: ``flat``, ``ivf``, ``hnsw`` or ``ivfpq``.
        metric: cosine holds rows of length one and searches them by inner product.
        slots: (N,) int64 FAISS id of each row, or None where they are equal.
    """

    faiss: Any
    kind: Kind
    metric: Metric
    slots: Ints | None = None
    _points: Points | None = None

    def __len__(self) -> int:
        return int(self.faiss.ntotal) if self.slots is None else len(self.slots)

    @property
    def dimensions(self) -> int:
        return int(self.faiss.d)

    def empty(self) -> "FaissStore":
        """Return a store of the same kind and training that holds nothing."""
        return FaissStore(empty_like(self.faiss), self.kind, self.metric)

    def prepare(self, vectors: Floats, name: str) -> Floats:
        """Return the vectors as the index holds them: of length one for the cosine."""
        return normalize(vectors, name) if self.metric == "cosine" else vectors

    def add(self, vectors: Floats, rows: Ints | None = None) -> None:
        """Add (M, D) vectors, not yet prepared, as the next rows, or as the given ``rows`` that are still free.

        Raises:
            ArgumentError: a row of zeros under the cosine; nothing is added then.
        """
        self._points = None
        if self.kind == "flat":
            self._add_flat(vectors)
            return
        if self.metric == "cosine" and not row_lengths(vectors).all():
            normalize(vectors)  # raises, before anything is added
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

    def _add_flat(self, vectors: Floats) -> None:
        """Write into FAISS's own memory: no copy of the vectors beside it."""
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

    def _build_hnsw_again(self) -> None:
        alive = self.flat_vectors()[self.slots]
        self.faiss, self.slots = empty_like(self.faiss), None
        self.faiss.add(alive)

    def extend(self, other: "FaissStore") -> None:
        """Add the vectors of another store of the same kind, D and metric, which stays as it is.

        Raises:
            ArgumentError: product quantizers trained apart, whose codes mean different things.
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
                "shards of kind 'ivfpq' must share their training to be merged; make each with first.empty() and .add()"
            )

    def search(self, queries: Floats, k: int, excluded: Exclusion | None) -> tuple[Ints, Floats]:
        """Find the k nearest rows of each prepared query, (Q, k), -1 and ``-inf`` where there are fewer."""
        if self.kind == "flat":
            if self._points is None and len(self):
                self._points = Points.of(self.flat_vectors(), self.metric)
            return nearest(queries, self._points or self.flat_vectors(), k, self.metric, excluded)
        rows = np.full((len(queries), k), -1, np.int64)
        values = np.full((len(queries), k), -np.inf, np.float32)
        if not len(self):
            return rows, values
        ask = min(len(self), excluded.ask(k) if excluded else k)
        step = max(8, _BLOCK_BYTES // (ask * (32 + 12 * self.dimensions)))
        for start in range(0, len(queries), step):
            part = slice(start, min(len(queries), start + step))
            self._search_part(queries, part, k, ask, excluded, rows, values)
        return rows, values

    def _search_part(
        self,
        queries: Floats,
        part: slice,
        k: int,
        ask: int,
        excluded: Exclusion | None,
        rows: Ints,
        values: Floats,
    ) -> None:
        """Fill rows and values (Q, k) for the queries of one slice."""
        # FAISS knows no groups: ask for more neighbors than k, and drop those of the query's own group afterwards.
        found, near = self._ask(queries[part], ask, wide=False)
        if excluded is not None:
            found, near = allowed(found, near, k, excluded.query_groups[part], excluded.base_groups)
            # A query whose group took most of its neighbors is left with fewer than k.
            short = np.flatnonzero((found[:, :k] >= 0).sum(axis=1) < min(k, len(self)))
            if len(short):
                groups = excluded.query_groups[part][short]
                # k + (members of the largest such group) leaves k allowed ones; ask again, and look everywhere.
                most = int(np.bincount(excluded.base_groups, minlength=int(groups.max()) + 1)[groups].max())
                again = self._ask(queries[part][short], min(len(self), k + most), wide=True)
                found[short], near[short] = allowed(*again, k, groups, excluded.base_groups)
        sort_equals(found, near)
        # Fewer columns than k come back where the index holds fewer than k; the rest stays -1 and -inf.
        width = min(k, found.shape[1])
        rows[part, :width], values[part, :width] = found[:, :width], near[:, :width]

    def _ask(self, queries: Floats, ask: int, wide: bool) -> tuple[Ints, Floats]:
        """Ask FAISS for rows and similarities; ``wide`` looks everywhere."""
        # pytorch-metric-learning loads faiss.contrib.torch_utils, whose `search` takes no `params`; it keeps the
        # one for NumPy under another name.
        parameters = self._parameters(ask, wide)
        if self.kind == "ivf":
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
            near, slots = (np.take_along_axis(values, order, axis=1) for values in (near, slots))
            missing = slots < 0
        if self.slots is not None:
            row_of = np.full(int(self.faiss.ntotal), -1, np.int64)
            row_of[self.slots] = np.arange(len(self.slots))
            slots = np.where(missing, -1, row_of[slots])
        return slots, near

    def _parameters(self, ask: int, wide: bool) -> Any:
        import faiss

        if knob(self.faiss) == "nprobe":
            return faiss.SearchParametersIVF(nprobe=self.faiss.nlist) if wide else None
        effort = max(get_effort(self.faiss), ask)
        if self.slots is None:
            return faiss.SearchParametersHNSW(efSearch=2 * effort if wide else effort)
        alive = np.zeros(int(self.faiss.ntotal), bool)
        alive[self.slots] = True
        selector = faiss.IDSelectorBitmap(np.packbits(alive, bitorder="little"))
        return faiss.SearchParametersHNSW(efSearch=2 * effort if wide else effort, sel=selector)
