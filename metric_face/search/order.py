"""The order of what was found: by value, and among equal values the smaller id first."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.search.points import Points
from metric_face.vectors import blocks, row_lengths

_CACHE_BYTES = 1 << 21  # what is compared at a time: 2 MiB stay in the cache

_PART = (
    64  # ranks of which the greatest bounds the few nearest: looking for it is faster than partitioning all
)


def sort_ranks(ids: Ints, ranks: Doubles, rounding: Doubles) -> tuple[Ints, Doubles]:
    """Sort each row by rank, greatest first; ranks that only rounding tells apart are equal, the smaller id first.

    Args:
        ids: (R, W).
        ranks: (R, W) float64.
        rounding: (R, W) how far each rank may lie from the truth.

    Returns:
        (R, W) ids and ranks; equals share the rank of the first of them.
    """
    order = np.argsort(-ranks, axis=1, kind="stable")
    ids = np.take_along_axis(ids, order, axis=1)
    ranks, rounding = np.take_along_axis(ranks, order, axis=1), np.take_along_axis(rounding, order, axis=1)
    with np.errstate(invalid="ignore"):  # -inf minus -inf
        is_equal = ranks[:, :-1] - ranks[:, 1:] <= rounding[:, :-1] + rounding[:, 1:]
    if not is_equal.any():
        return ids, ranks
    begins = np.ones(ranks.shape, bool)
    begins[:, 1:] = ~is_equal
    first = np.maximum.accumulate(np.where(begins, np.arange(ranks.shape[1]), 0), axis=1)
    ids = np.take_along_axis(ids, np.lexsort((ids, first), axis=-1), axis=1)
    return ids, np.take_along_axis(ranks, first, axis=1)


def _at_least(ranks: Doubles, depth: int) -> float:
    """A rank that ``depth`` of the (N,) ranks reach or exceed: of few the greatest of a part each, else the last."""
    parts = len(ranks) // _PART
    if depth < parts:  # each of so many parts holds a rank that is no smaller
        ranks = ranks[: parts * _PART].reshape(_PART, parts).max(axis=0)
    return float(np.partition(ranks, len(ranks) - depth)[len(ranks) - depth])


@dataclass(frozen=True)
class Queries:
    """Queries to a set of points, compared with them in float64.

    Attributes:
        points: what is searched.
        queries: (Q, D) float32 as given.
        lengths: (Q,) their Euclidean lengths.
    """

    points: Points
    queries: Floats
    lengths: Doubles

    @classmethod
    def of(cls, points: Points, queries: Floats) -> "Queries":
        return cls(points, queries, row_lengths(queries))

    def wide(self, rows: slice | Ints) -> Doubles:
        """Return (n, D) float64 queries in the units of the points' copy."""
        return self.points.wide_queries(self.queries[rows], self.lengths[rows])

    def pairs(self, rows: Ints, ids: Ints) -> tuple[Doubles, Doubles]:
        """Return the (n,) ranks, and their rounding, of the pairs (rows[i], ids[i])."""
        ranks, rounding = np.empty(len(rows)), np.empty(len(rows))
        step = max(1, _CACHE_BYTES // (16 * self.queries.shape[1]))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            at = rows[part]
            ranks[part], rounding[part] = self.points.exact(self.queries[at], self.lengths[at], ids[part])
        return ranks, rounding

    def against_all(
        self, rows: slice | Ints, wide: Doubles | None = None, out: Doubles | None = None
    ) -> tuple[Doubles, Doubles]:
        """Compare some queries with all N points by a float64 matrix product.

        Args:
            rows: the queries.
            wide: (N, D) all points as ``Points.wide`` gives them, where that was done once for all; else it is done
                here, a block at a time.
            out: (n or more, N) where the ranks are written: memory that is new each time costs as much as the product.

        Returns:
            (n, N) ranks, greater for nearer, in units of the points' copy; and (n,) lengths of the queries in those.
        """
        points, asking = self.points, self.wide(rows)
        ranks = np.empty((len(asking), len(points))) if out is None else out[: len(asking)]
        if wide is not None:
            np.matmul(asking, wide.T, out=ranks)
        else:
            for part in blocks(*points.vectors.shape):
                np.matmul(asking, points.wide(part).T, out=ranks[:, part])
        if points.by_distance:
            ranks *= 2
            ranks -= points.sizes**2
        return ranks, np.sqrt(np.einsum("nd,nd->n", asking, asking))

    def best(self, row: int, ranks: Doubles, length: float, depth: int) -> Ints:
        """Return the ids of the ``depth`` nearest of one query, in order.

        Args:
            row: the query.
            ranks: (N,) of ``against_all``; ``-inf`` for what the query may not find.
            length: of the query, of ``against_all``.
            depth: how many, at least 1.

        Returns:
            (depth,) ids, or as many as have a rank above ``-inf``.
        """
        sizes = self.points.sizes
        found: Ints
        if depth < len(ranks):
            # Nothing whose rank is further below the last place than rounding reaches can be among the nearest.
            last = _at_least(ranks, depth)
            reach = 2 * float(self.rounding(length, self.points.largest_size))
            found = np.flatnonzero(ranks >= last - reach if last > -np.inf else ranks > -np.inf)
        else:
            found = np.flatnonzero(ranks > -np.inf)
        rounding = self.rounding(length, sizes[found])
        low, high = ranks[found] - rounding, ranks[found] + rounding
        if depth < len(found):
            certain = np.partition(low, len(low) - depth)[len(low) - depth]
            kept = high >= certain
            found, low, high = found[kept], low[kept], high[kept]
        order = np.argsort(-ranks[found])  # equal ranks are settled below
        found, low, high = found[order], low[order], high[order]
        if len(found) < 2:
            return found
        # A place is certain where all before it lie above all behind it, however the products were rounded.
        above = np.minimum.accumulate(low)[:-1]
        below = np.maximum.accumulate(high[::-1])[::-1][1:]
        run = np.concatenate([[0], np.cumsum(above > below)])
        doubtful = np.flatnonzero(np.bincount(run)[run] > 1)
        doubtful = doubtful[run[doubtful] <= run[min(depth, len(run)) - 1]]
        if len(doubtful):
            found[doubtful] = self._settled(row, found[doubtful], run[doubtful])
        return found[:depth]

    def rounding(self, length: float, sizes: Any) -> Any:
        """How far the products of a query of this length with points of these sizes may lie from the truth."""
        step = 2.0**-52 * (2 + min(14.0, float(np.sqrt(self.queries.shape[1]))))
        rounding = step * length * sizes
        return 2 * rounding + step * sizes**2 if self.points.by_distance else rounding

    def in_order(self, row: int, ids: Ints) -> Ints:
        """Put the ids of points that are nearly equally near to a query in order, settled in float64."""
        return self._settled(row, ids, np.zeros(len(ids), np.int64))

    def _settled(self, row: int, ids: Ints, run: Ints) -> Ints:
        """Put the ids of each run in order."""
        exact, rounding = self._of_one(row, ids)
        order = np.lexsort((-exact, run))
        ids, run, exact, rounding = ids[order], run[order], exact[order], rounding[order]
        is_equal = (run[1:] == run[:-1]) & (exact[:-1] - exact[1:] <= rounding[:-1] + rounding[1:])
        group = np.concatenate([[0], np.cumsum(~is_equal)])
        return ids[np.lexsort((ids, group))]

    def _of_one(self, row: int, ids: Ints) -> tuple[Doubles, Doubles]:
        """Return the ranks of one query with many points; equal vectors are compared once."""
        if len(ids) < 64:
            return self.pairs(np.full(len(ids), row), ids)
        _, first, which = np.unique(self.points.twins[ids], return_index=True, return_inverse=True)
        ranks, rounding = self.pairs(np.full(len(first), row), ids[first])
        return ranks[which], rounding[which]
