"""The exact nearest neighbours, in one order: by similarity, and among equals the smaller id first.

FAISS does the work; its order among equals depends on how it cut the matrix product, and its float32 sums
differ in the last bit between equal vectors. So a few more neighbours are asked for than needed, those closer
together than the rounding of a float32 inner product are compared again in float64, and a row whose last place
is still open is settled by looking at all its similarities.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from metric_face.vectors import Floats, Ints, Metric, row_lengths

Bools: TypeAlias = NDArray[np.bool_]

_SLACK = 4  # neighbours asked for beyond those needed, so that ties at the last place are seen
_BLOCK_BYTES = 1 << 26  # neighbours or similarities held at once: 64 MiB
_CACHE_BYTES = 1 << 21  # what is compared again at a time: 2 MiB stay in the cache
_FEWEST_FOR_PRODUCTS = 6  # queries; for fewer, a matrix product costs more than it saves
_MOST_EQUALS = 256  # more than k + 256 items as near as the k-th, to within rounding, are taken as equals


@contextmanager
def matrix_products(num_queries: int) -> Iterator[None]:
    """Let FAISS multiply matrices where there are six queries or more.

    From 1.15 on it takes fewer than 128,000 / D queries one by one, which at 20 queries is three to five times slower
    and at 100 six to eight (one thread, D 64 to 512). The setting is the library's own and is put back.
    """
    import faiss

    before = faiss.cvar.distance_compute_blas_threshold
    if num_queries >= _FEWEST_FOR_PRODUCTS:
        faiss.cvar.distance_compute_blas_threshold = min(before, _FEWEST_FOR_PRODUCTS)
    try:
        yield
    finally:
        faiss.cvar.distance_compute_blas_threshold = before


@dataclass(frozen=True)
class Barred:
    """Which vectors a query may not find: those of its own group.

    Attributes:
        query_groups: (Q,) int64 codes from 0.
        base_groups: (N,) int64 codes of the same numbering.
    """

    query_groups: Ints
    base_groups: Ints

    def sizes(self) -> Ints:
        """Return how many of the N vectors each query may not find, (Q,)."""
        length = 1 + int(self.query_groups.max(initial=0))
        sizes: Ints = np.bincount(self.base_groups, minlength=length)[self.query_groups]
        return sizes

    def ask(self, k: int) -> int:
        """Return how many neighbours to ask for so that k are left over in almost every row.

        That is k + the largest group; but where it is far larger than k, everyone would pay for it: then the
        few rows that fall short are asked for a second time.
        """
        return k + min(int(self.sizes().max(initial=0)), max(64, 2 * k))

    def allows(self, rows: slice, ids: Ints) -> Bools:
        """Say which of ``ids`` (rows, K) the queries ``rows`` may find."""
        allowed: Bools = (self.base_groups[ids] != self.query_groups[rows, None]) & (ids >= 0)
        return allowed


def nearest(
    queries: Floats,
    base: Floats,
    k: int,
    metric: Metric,
    barred: Barred | None = None,
    longest: float | None = None,
) -> tuple[Ints, Floats]:
    """Find the k nearest of ``base`` for each query, exactly.

    Args:
        queries: (Q, D) float32, of length one for the cosine.
        base: (N, D) float32, of length one for the cosine.
        k: neighbours for each query.
        metric: ``cosine`` and ``inner_product`` are the same here: the vectors come prepared.
        barred: the vectors that a query may not find.
        longest: greatest length of a row of ``base``; computed where it is needed and not given.

    Returns:
        (Q, k) int64 positions in ``base``, -1 where there are fewer than k; and (Q, k) float32 similarities,
        greatest first, or for ``euclidean`` negative distances; ``-inf`` beside each -1.
    """
    ids = np.full((len(queries), k), -1, np.int64)
    values = np.full((len(queries), k), -np.inf, np.float32)
    if len(queries) and len(base):
        search = _Search(queries, base, k, metric, barred, _rounding(queries, base, metric, longest))
        search.fill(ids, values)
        ids[values == -np.inf] = -1
    return ids, values


def _rounding(queries: Floats, base: Floats, metric: Metric, longest: float | None) -> Floats:
    """Bound how far FAISS's float32 value lies from the true one, (Q,)."""
    # A sum of D terms errs by sqrt(D) roundings, but matrix products sum in blocks: measured, it stays below 6.
    step = 2.0**-23 * min(8.0, np.sqrt(queries.shape[1]))
    if metric == "cosine":
        return np.full(len(queries), step, np.float32)
    longest = float(row_lengths(base).max()) if longest is None else longest
    lengths = row_lengths(queries)
    largest = lengths * longest if metric == "inner_product" else 2 * (lengths + longest) ** 2
    rounding: Floats = (step * largest).astype(np.float32)
    return rounding


@dataclass(frozen=True)
class _Search:
    """One exact search; ``rounding`` (Q,) says how far a float32 value may lie from the true one."""

    queries: Floats
    base: Floats
    k: int
    metric: Metric
    barred: Barred | None
    rounding: Floats

    def fill(self, ids: Ints, values: Floats) -> None:
        ask = min(len(self.base), (self.barred.ask(self.k) if self.barred else self.k) + _SLACK)
        step = max(64, _BLOCK_BYTES // (32 * ask))
        for start in range(0, len(self.queries), step):
            rows = slice(start, min(len(self.queries), start + step))
            found, near, is_open = self._first_choice(rows, ask)
            self._settle(rows, found, near)
            ids[rows, : found.shape[1]], values[rows, : found.shape[1]] = (
                found[:, : self.k],
                near[:, : self.k],
            )
            self._look_at_all(start + np.flatnonzero(is_open), ids, values)

    def _first_choice(self, rows: slice, ask: int) -> tuple[Ints, Floats, Bools]:
        """Ask FAISS; return the allowed neighbours and the rows that may lack one of their k."""
        import faiss

        kind = faiss.METRIC_L2 if self.metric == "euclidean" else faiss.METRIC_INNER_PRODUCT
        with matrix_products(rows.stop - rows.start):
            near, found = faiss.knn(self.queries[rows], self.base, ask, metric=kind)
        if self.metric == "euclidean":
            np.negative(near, out=near)
        last = near[:, -1]
        width = min(ask, self.k + _SLACK)
        if self.barred is not None:
            allowed = self.barred.allows(rows, found)
            order = np.argsort(~allowed, axis=1, kind="stable")[:, :width]
            found, near = np.take_along_axis(found, order, 1), np.take_along_axis(near, order, 1)
            near[~np.take_along_axis(allowed, order, 1)] = -np.inf
        at_k, at_end = near[:, min(self.k, width) - 1], near[:, -1]
        # All that was not kept lies at or below this bound, and a k-th within the rounding of it is not certain.
        bound = np.where(at_end > -np.inf, at_end, last)
        is_open = at_k - bound <= 2 * self.rounding[rows]
        if ask == len(self.base):
            is_open &= (at_end > -np.inf) & (width < ask)
        return found, near, is_open

    def _settle(self, rows: slice, ids: Ints, values: Floats) -> None:
        """Compute again, in float64, the values that rounding could have swapped, and sort their rows; in place."""
        if self.metric == "euclidean":
            doubtful = (
                values > -np.inf
            )  # differences of squares lose the small distances: all are computed again
        else:
            with np.errstate(invalid="ignore"):  # -inf minus -inf
                close = values[:, :-1] - values[:, 1:] <= 2 * self.rounding[rows, None]
            doubtful = np.zeros(values.shape, bool)
            doubtful[:, :-1] |= close
            doubtful[:, 1:] |= close
            doubtful &= values > -np.inf
        at, columns = np.nonzero(doubtful)
        values[at, columns] = self._in_float64(rows.start + at, ids[at, columns])
        touched = np.flatnonzero(doubtful.any(axis=1))
        order = np.lexsort((ids[touched], -values[touched]), axis=-1)
        ids[touched] = np.take_along_axis(ids[touched], order, axis=1)
        values[touched] = np.take_along_axis(values[touched], order, axis=1)

    def _in_float64(self, rows: Ints, ids: Ints) -> Floats:
        """Return the similarity of each pair (rows[i], ids[i]), rounded once to float32."""
        values = np.empty(len(rows), np.float32)
        step = max(1, _CACHE_BYTES // (16 * self.queries.shape[1]))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            left = self.queries[rows[part]].astype(np.float64)
            right = self.base[ids[part]].astype(np.float64)
            if self.metric == "euclidean":
                left -= right
                values[part] = -np.sqrt(np.einsum("nd,nd->n", left, left))
            else:
                values[part] = np.einsum("nd,nd->n", left, right)
        return values

    def _look_at_all(self, rows: Ints, ids: Ints, values: Floats) -> None:
        """Settle ``rows`` from all their N similarities; fills ``ids`` and ``values`` in place."""
        if not len(rows):
            return
        euclidean = self.metric == "euclidean"
        squares = np.square(row_lengths(self.base)).astype(np.float32) if euclidean else None
        step = max(1, _BLOCK_BYTES // (8 * len(self.base)))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            similar = self.queries[part] @ self.base.T
            if squares is not None:
                similar *= 2
                similar -= squares
                similar -= np.square(self.queries[part]).sum(axis=1, keepdims=True)
            for row, near in zip(part, similar, strict=True):
                if self.barred is not None:
                    near[self.barred.base_groups == self.barred.query_groups[row]] = -np.inf
                found = _candidates(near, self.k, 2 * float(self.rounding[row]))
                settled = self._in_float64(np.full(len(found), row), found)
                best = np.lexsort((found, -settled))[: self.k]
                ids[row], values[row] = -1, -np.inf
                ids[row, : len(best)], values[row, : len(best)] = found[best], settled[best]


def _candidates(near: Floats, k: int, margin: float) -> Ints:
    """Return the ids that can be among the k nearest, given values within ``margin`` of the truth."""
    kth = np.partition(near, -k)[-k] if len(near) > k else -np.inf
    if kth == -np.inf:
        return np.flatnonzero(near > -np.inf)
    found = np.flatnonzero(near >= kth - margin)
    if len(found) > k + _MOST_EQUALS:
        is_certain = near[found] > kth + margin
        certain = found[is_certain]
        found = np.concatenate([certain, found[~is_certain][: k - len(certain)]])
    return found
