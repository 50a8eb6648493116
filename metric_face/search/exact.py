"""The exact nearest neighbors, in one order: by similarity, and among equals the smaller id first.

FAISS proposes; its float32 sums err by more than near neighbors differ, so nothing is cut by what it says. A few more
neighbors are asked for than needed, and compared again in float64 wherever rounding could have swapped them. A row
whose last place is still open is asked for more, and then settled by all its similarities in float64.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from metric_face.arrays import Bools, Doubles, Floats, Ints
from metric_face.search.order import Queries, sort_ranks
from metric_face.search.points import LARGEST, Points
from metric_face.vectors import Metric

_SLACK = (
    4,
    60,
)  # neighbors asked for beyond those needed, so that ties at the last place are seen; and once more
_BLOCK_BYTES = 1 << 26  # neighbors or similarities held at once: 64 MiB
_FEWEST_FOR_PRODUCTS = 6  # queries; for fewer, a matrix product costs more than it saves


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


def faiss_knn(queries: Floats, base: Floats, k: int, *, by_distance: bool = False) -> tuple[Floats, Ints]:
    """FAISS's k largest inner products, or smallest squared distances, of each query, and their rows, (Q, k) each."""
    import faiss

    kind = faiss.METRIC_L2 if by_distance else faiss.METRIC_INNER_PRODUCT
    plain = np.asarray(queries), np.asarray(base)  # FAISS, taught tensors, takes a memmap for one
    with matrix_products(len(queries)):
        near, found = faiss.knn(*plain, k, metric=kind)
    return near, found


@dataclass(frozen=True)
class Exclusion:
    """Which vectors a query may not find: those of its own group.

    Attributes:
        query_groups: (Q,) int64 codes from 0.
        base_groups: (N,) int64 codes of the same numbering.
        base_sizes: of each code, how many of the N vectors have it, or more; None counts them.
    """

    query_groups: Ints
    base_groups: Ints
    base_sizes: Ints | None = None

    def sizes(self) -> Ints:
        """Return how many of the N vectors each query may not find, (Q,)."""
        if self.base_sizes is not None:
            return self.base_sizes[self.query_groups]
        length = 1 + int(self.query_groups.max(initial=0))
        sizes: Ints = np.bincount(self.base_groups, minlength=length)[self.query_groups]
        return sizes

    def among(self, rows: slice | Ints) -> "Exclusion":
        """The same where only some of the vectors are searched."""
        return replace(self, base_groups=self.base_groups[rows])

    def asked_by(self, queries: Ints) -> "Exclusion":
        """The same of some of the queries."""
        return replace(self, query_groups=self.query_groups[queries])

    def ask(self, k: int) -> int:
        """Return how many neighbors to ask for so that k are left over in almost every row.

        That is k + the largest group; but where it is far larger than k, everyone would pay for it: then the
        few rows that fall short are asked for a second time.
        """
        return k + min(int(self.sizes().max(initial=0)), max(64, 2 * k))

    def allows(self, rows: Ints, ids: Ints) -> Bools:
        """Say which of ``ids`` (rows, K) the queries ``rows`` may find."""
        allowed: Bools = (self.base_groups[ids] != self.query_groups[rows, None]) & (ids >= 0)
        return allowed


def nearest(
    queries: Floats,
    base: Floats | Points,
    k: int,
    metric: Metric,
    excluded: Exclusion | None = None,
) -> tuple[Ints, Floats]:
    """Find the k nearest of ``base`` for each query, exactly.

    Args:
        queries: (Q, D) float32; for the cosine of any length, a row of zeros has a cosine of 0 with all.
        base: (N, D) float32 likewise, or the :class:`Points` made of them for this metric, to search them repeatedly.
        k: neighbors for each query.
        metric: ``cosine``, ``inner_product`` or ``euclidean``.
        excluded: the vectors that a query may not find.

    Returns:
        (Q, k) int64 positions in ``base``, -1 where there are fewer than k; and (Q, k) float32 similarities,
        greatest first, or for ``euclidean`` negative distances; ``-inf`` beside each -1. What only the rounding of a
        float64 sum could tell apart is equal.
    """
    ids = np.full((len(queries), k), -1, np.int64)
    values = np.full((len(queries), k), -np.inf, np.float32)
    if len(queries) and len(base):
        points = base if isinstance(base, Points) else Points.of(base, metric)
        _Search(Queries.of(points, queries), k, excluded).fill(ids, values)
        ids[values == -np.inf] = -1
    return ids, values


@dataclass(frozen=True)
class _Search:
    """One exact search."""

    asked: Queries
    k: int
    excluded: Exclusion | None

    def fill(self, ids: Ints, values: Floats) -> None:
        """Write the (Q, k) answer in place."""
        rows = np.arange(len(ids))
        for slack in _SLACK:
            ask = (self.excluded.ask(self.k) if self.excluded else self.k) + slack
            step = max(64, _BLOCK_BYTES // (32 * ask))
            parts = [rows[start : start + step] for start in range(0, len(rows), step)]
            is_open = [self._ask(part, ask, slack, ids, values) for part in parts]
            rows = np.concatenate([part[more] for part, more in zip(parts, is_open, strict=True)])
            if not len(rows):
                return
            if ask >= len(self.asked.points.copy):
                break
        self._look_at_all(rows, ids, values)

    def _ask(self, rows: Ints, ask: int, slack: int, ids: Ints, values: Floats) -> Bools:
        """Ask FAISS for ``rows`` of the queries, write what it finds, and say which may lack one of their k."""
        points = self.asked.points
        ask = min(len(points.copy), ask)
        wide = self.asked.wide(rows)
        lengths = np.sqrt(np.einsum("nd,nd->n", wide, wide))
        is_too_long = lengths > LARGEST
        wide[is_too_long] = 0
        near32, found = faiss_knn(wide.astype(np.float32), points.copy, ask, by_distance=points.by_distance)
        near = (-near32 if points.by_distance else near32).astype(np.float64)
        rounding = self._rounding(lengths)
        last = near[:, -1]
        if points.rows is not None:
            found = points.rows[found]
        width = min(ask, self.k + slack)
        if self.excluded is not None:
            allowed = self.excluded.allows(rows, found)
            order = np.argsort(~allowed, axis=1, kind="stable")[:, :width]
            found, near = np.take_along_axis(found, order, 1), np.take_along_axis(near, order, 1)
            near[~np.take_along_axis(allowed, order, 1)] = -np.inf
        at_k, at_end = near[:, min(self.k, width) - 1], near[:, -1]
        # All that was not kept lies at or below this bound, and a k-th within the rounding of it is not certain.
        bound = np.where(at_end > -np.inf, at_end, last)
        with np.errstate(invalid="ignore"):  # -inf minus -inf
            is_open = ~(at_k - bound > 2 * rounding)
        if ask == len(points.copy):
            is_open &= (at_end > -np.inf) & (width < ask)
        is_open |= is_too_long
        found, ranks = self._settle(rows, found, near, rounding)
        width = min(self.k, found.shape[1])
        ids[rows, :width], values[rows, :width] = found[:, :width], points.similarities(ranks[:, :width])
        return np.asarray(is_open)

    def _rounding(self, lengths: Doubles) -> Doubles:
        """Bound how far FAISS's float32 value lies from the true one, (Q,)."""
        points = self.asked.points
        # A sum of D terms errs by sqrt(D) roundings, but matrix products sum in blocks: measured, it stays below 6.
        step = 2.0**-23 * min(8.0, 2 + np.sqrt(points.copy.shape[1]))
        largest = 2 * (lengths + points.longest) ** 2 if points.by_distance else lengths * points.longest
        return np.asarray(step * largest)

    def _settle(self, rows: Ints, ids: Ints, near: Doubles, rounding: Doubles) -> tuple[Ints, Doubles]:
        """Compute again, in float64, what rounding could have swapped, with the outliers, and sort each row.

        Args:
            rows: (R,) the queries.
            ids: (R, W) found.
            near: (R, W) as FAISS says, -inf for what the query may not find.
            rounding: (R,) of ``near``.

        Returns:
            Ids and ranks as :meth:`Points.exact` gives them, (R, W + outliers).
        """
        points = self.asked.points
        is_there = near > -np.inf
        doubtful = is_there
        if points.is_plain:
            doubtful = np.zeros(near.shape, bool)
            with np.errstate(invalid="ignore"):
                close = near[:, :-1] - near[:, 1:] <= 2 * rounding[:, None]
            doubtful[:, :-1] |= close
            doubtful[:, 1:] |= close
            doubtful |= points.are_scaled(self.asked.lengths[rows])[:, None]
            doubtful &= is_there
        ranks, error = points.as_ranks(near), np.zeros(near.shape)
        at, columns = np.nonzero(doubtful)
        ranks[at, columns], error[at, columns] = self.asked.pairs(rows[at], ids[at, columns])
        if len(points.far):
            shape = (len(rows), len(points.far))
            far = np.broadcast_to(points.far, shape)
            more = [part.reshape(shape) for part in self.asked.pairs(np.repeat(rows, shape[1]), far.ravel())]
            if self.excluded is not None:
                more[0][~self.excluded.allows(rows, far)] = -np.inf
            ids = np.concatenate([ids, far], axis=1)
            ranks, error = np.concatenate([ranks, more[0]], axis=1), np.concatenate([error, more[1]], axis=1)
        return sort_ranks(ids, ranks, error)

    def _look_at_all(self, rows: Ints, ids: Ints, values: Floats) -> None:
        """Settle ``rows`` from all their N similarities; fills ``ids`` and ``values`` in place."""
        points = self.asked.points
        step = max(1, _BLOCK_BYTES // (8 * len(points)))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            similar, lengths = self.asked.against_all(part)
            for row, near, length in zip(part.tolist(), similar, lengths.tolist(), strict=True):
                if self.excluded is not None:
                    near[self.excluded.base_groups == self.excluded.query_groups[row]] = -np.inf
                best = self.asked.best(row, near, length, self.k)
                ids[row], values[row] = -1, -np.inf
                ids[row, : len(best)] = best
                ranks, _ = self.asked.pairs(np.full(len(best), row), best)
                values[row, : len(best)] = points.similarities(np.minimum.accumulate(ranks))
