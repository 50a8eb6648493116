"""An exact search of vectors where they lie, such as a mapped file: without the copy that makes many searches fast."""

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.search.exact import Exclusion, faiss_knn, nearest
from metric_face.search.found import allowed, exact_similarities, sort_equals
from metric_face.vectors import Metric

_SLACK = 64  # neighbors beyond k, among which float64 decides
_ROUNDING = 2.0**-20  # a float32 sum of products of rows of length one errs by less


def nearest_in_place(
    queries: Floats, base: Floats, k: int, metric: Metric, excluded: Exclusion | None
) -> tuple[Ints, Floats]:
    """Find the k nearest of ``base`` for each query, as :func:`nearest` does, whose arguments these are.

    Under the cosine one product finds candidates, and float64 puts them in order; a query whose k-th neighbor is not
    certain by then, and every query under another metric, takes the way of :func:`nearest`.
    """
    if metric != "cosine" or not len(base) or not len(queries):
        return nearest(queries, base, k, metric, excluded)
    ask = min(len(base), (excluded.ask(k) if excluded else k) + _SLACK)
    near, found = faiss_knn(queries, base, ask)
    last = near[:, -1] if ask < len(base) else np.full(len(queries), -np.inf, np.float32)
    exact = exact_similarities(queries, base[found], metric)
    order = np.lexsort((found, -exact), axis=-1)
    found, exact = np.take_along_axis(found, order, 1), np.take_along_axis(exact, order, 1)
    if excluded is None:
        rows, values = _padded(found, exact, k)
    else:
        rows, values = allowed(found, exact, k, excluded.query_groups, excluded.base_groups)
    sort_equals(rows, values)
    at_k = values[:, -1]
    with np.errstate(invalid="ignore"):  # -inf minus -inf
        is_open = np.flatnonzero((ask < len(base)) & ~(at_k - last > _ROUNDING))
    if len(is_open):
        part = None if excluded is None else excluded.asked_by(is_open)
        rows[is_open], values[is_open] = nearest(queries[is_open], base, k, metric, part)
    return rows, values


def _padded(rows: Ints, values: Floats, k: int) -> tuple[Ints, Floats]:
    missing = ((0, 0), (0, max(0, k - rows.shape[1])))
    rows, values = np.pad(rows, missing, constant_values=-1), np.pad(values, missing, constant_values=-np.inf)
    return rows[:, :k].copy(), values[:, :k].copy()
