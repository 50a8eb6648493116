"""What FAISS found, put right: similarities in float64, the excluded left out, equal ones in the order of rows."""

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.vectors import Metric


def exact_similarities(queries: Floats, vectors: Floats, metric: Metric) -> Floats:
    """Return the (Q, k) similarities of the (Q, k, D) vectors that were found, by sums in float64."""
    wide = vectors.astype(np.float64)
    if metric == "euclidean":
        wide -= queries[:, None]
        similar: Floats = -np.sqrt(np.einsum("qkd,qkd->qk", wide, wide)).astype(np.float32)
    else:
        similar = np.einsum("qkd,qd->qk", wide, queries.astype(np.float64)).astype(np.float32)
    return similar


def allowed(found: Ints, near: Floats, k: int, query_groups: Ints, base_groups: Ints) -> tuple[Ints, Floats]:
    """Keep the first k neighbors of another group; (Q, k), -1 and ``-inf`` where there are fewer."""
    is_excluded = (found < 0) | (base_groups[found] == query_groups[:, None])
    order = np.argsort(is_excluded, axis=1, kind="stable")[:, :k]
    gone = np.take_along_axis(is_excluded, order, axis=1)
    kept = np.where(gone, -1, np.take_along_axis(found, order, axis=1))
    similar = np.where(gone, np.float32(-np.inf), np.take_along_axis(near, order, axis=1))
    missing = ((0, 0), (0, k - kept.shape[1]))
    return np.pad(kept, missing, constant_values=-1), np.pad(similar, missing, constant_values=-np.inf)


def sort_equals(rows: Ints, values: Floats) -> None:
    """Put the smaller row first among neighbors of one similarity; in place."""
    tied = ((values[:, 1:] == values[:, :-1]) & (rows[:, 1:] < rows[:, :-1]) & (rows[:, 1:] >= 0)).any(axis=1)
    if tied.any():
        order = np.lexsort((rows[tied], -values[tied]), axis=-1)
        rows[tied] = np.take_along_axis(rows[tied], order, axis=1)
