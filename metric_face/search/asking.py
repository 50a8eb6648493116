"""Searching what knows no groups: asked for more neighbors than k, of which a query's own group is dropped."""

from typing import Protocol

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.search.exact import Exclusion
from metric_face.search.found import allowed, sort_equals

_BLOCK_BYTES = 1 << 26  # neighbors held at once: 64 MiB


class Ask(Protocol):
    """(Q, D) prepared queries, how many neighbors, and whether to look everywhere -> (Q, ask) rows and similarities."""

    def __call__(self, queries: Floats, ask: int, wide: bool) -> tuple[Ints, Floats]: ...


def search_by_asking(
    ask: Ask, queries: Floats, k: int, count: int, excluded: Exclusion | None
) -> tuple[Ints, Floats]:
    """Find the k nearest rows of each query, (Q, k), -1 and ``-inf`` where there are fewer.

    Args:
        ask: one search; rows that are not there are -1.
        queries: (Q, D), prepared.
        k: neighbors of each.
        count: vectors that can be found at all.
        excluded: rows that a query may not find.
    """
    rows = np.full((len(queries), k), -1, np.int64)
    values = np.full((len(queries), k), -np.inf, np.float32)
    if not count:
        return rows, values
    depth = min(count, excluded.ask(k) if excluded else k)
    step = max(8, _BLOCK_BYTES // (depth * (32 + 12 * queries.shape[1])))
    for start in range(0, len(queries), step):
        part = slice(start, min(len(queries), start + step))
        found, near = _found(ask, queries[part], k, depth, count, part, excluded)
        sort_equals(found, near)
        # Fewer columns than k come back where there are fewer than k; the rest stays -1 and -inf.
        width = min(k, found.shape[1])
        rows[part, :width], values[part, :width] = found[:, :width], near[:, :width]
    return rows, values


def _found(
    ask: Ask, queries: Floats, k: int, depth: int, count: int, part: slice, excluded: Exclusion | None
) -> tuple[Ints, Floats]:
    found, near = ask(queries, depth, wide=False)
    if excluded is None:
        return found, near
    found, near = allowed(found, near, k, excluded.query_groups[part], excluded.base_groups)
    # A query whose group took most of its neighbors is left with fewer than k.
    short = np.flatnonzero((found[:, :k] >= 0).sum(axis=1) < min(k, count))
    if len(short):
        groups = excluded.query_groups[part][short]
        # k + (members of the largest such group) leaves k allowed ones; ask again, and look everywhere.
        most = int(excluded.sizes()[part][short].max())
        again = ask(queries[short], min(count, k + most), wide=True)
        found[short], near[short] = allowed(*again, k, groups, excluded.base_groups)
    return found, near
