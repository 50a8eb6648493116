"""k_reciprocal: distances that prefer candidates whose neighborhood is that of the query."""

import numpy as np

from metric_face.arrays import Bools, Doubles, Floats
from metric_face.errors import ArgumentError
from metric_face.vectors import as_vectors, normalize


def k_reciprocal(
    queries: Floats, gallery: Floats, *, k1: int = 20, k2: int = 6, weight: float = 0.3
) -> Doubles:
    """Re-rank a gallery for some queries by k-reciprocal encoding.

    Two points are reciprocal neighbors where each is among the k1 nearest of the other. A point's set R* holds its
    reciprocal neighbors q and, where two thirds of them are shared, those of q for k1 / 2. It is encoded with the
    weights exp(-d), averaged over its k2 nearest points, and compared by the Jaccard distance. Time and memory grow
    with (Q + N)², so a large gallery is first cut to its nearest candidates.

    Args:
        queries: (Q, D).
        gallery: (N, D).
        k1: neighbors that may be reciprocal; a point itself counts in addition.
        k2: points averaged over, the point itself among them; 1 averages nothing.
        weight: of the original distance d = 2 - 2 cos, beside 1 - weight of the Jaccard distance.

    Returns:
        (Q, N) distances, small where alike.

    Raises:
        ArgumentError: k1 or k2 below 1, or a weight outside 0..1.

    Reference:
        Zhong et al., "Re-ranking ... with k-reciprocal Encoding", CVPR 2017, equations 1 to 12.
    """
    if k1 < 1 or k2 < 1 or not 0 <= weight <= 1:
        raise ArgumentError(
            f"k1={k1}, k2={k2}, weight={weight}: k1 and k2 must be at least 1, weight in 0..1"
        )
    base = as_vectors(gallery, "gallery")
    asked = as_vectors(queries, "queries", base.shape[1])
    points = np.concatenate([normalize(asked, "queries"), normalize(base, "gallery")]).astype(np.float64)
    distances = np.maximum(2 - 2 * points @ points.T, 0)
    np.fill_diagonal(distances, -1)  # each point comes first in its own list, copies of it after it
    order = np.argsort(distances, axis=1, kind="stable")
    np.fill_diagonal(distances, 0)
    reciprocal, half = (_reciprocal(order, k) for k in (k1, max(1, round(k1 / 2))))
    shared = reciprocal.astype(np.float32) @ half.T.astype(np.float32)
    joined = reciprocal & (3 * shared >= 2 * half.sum(axis=1)[None, :])
    members = reciprocal | (joined.astype(np.float32) @ half.astype(np.float32) > 0)
    weights = np.where(members, np.exp(-distances), 0.0)
    weights = weights[order[:, : min(k2, len(points))]].mean(axis=1)
    count = len(asked)
    return weight * distances[:count, count:] + (1 - weight) * _jaccard(weights[:count], weights[count:])


def _reciprocal(order: np.ndarray, k: int) -> Bools:
    """(N, N) whether two points are each among the k nearest of the other, or the same."""
    near = np.zeros(order.shape, bool)
    np.put_along_axis(near, order[:, : k + 1], True, axis=1)
    return near & near.T


def _jaccard(queries: Doubles, gallery: Doubles) -> Doubles:
    """(Q, N) one minus the share that two encodings have in common."""
    sums, found = gallery.sum(axis=1), np.empty((len(queries), len(gallery)))
    for row, weights in enumerate(queries):
        smaller = np.minimum(weights, gallery).sum(axis=1)
        found[row] = 1 - smaller / (weights.sum() + sums - smaller)
    return found
