"""Nearest neighbours by brute force, and the vectors that make a search hard."""

import numpy as np

METRICS = ["cosine", "inner_product", "euclidean"]


def nearest_by_brute_force(queries, base, k, metric, barred=None):
    """Every similarity in float64, rounded to float32; the smaller row first among equals.

    Args:
        queries: (Q, D).
        base: (N, D).
        k: neighbours of each query.
        metric: ``euclidean`` gives negative distances.
        barred: (Q, N) bool, what a query may not find.

    Returns:
        (Q, k) ids and similarities, -1 and -inf where there are fewer than k.
    """
    q, x = (np.asarray(part, np.float32).astype(np.float64) for part in (queries, base))
    if metric == "cosine":
        q, x = (
            (part / np.sqrt((part**2).sum(axis=1, keepdims=True))).astype(np.float32).astype(np.float64)
            for part in (q, x)
        )
    if metric == "euclidean":
        similar = -np.sqrt(((q[:, None] - x[None]) ** 2).sum(axis=-1))
    else:
        similar = np.einsum("id,jd->ij", q, x)
    similar = similar.astype(np.float32)
    if barred is not None:
        similar[barred] = -np.inf
    rows = np.broadcast_to(np.arange(len(x)), similar.shape)
    order = np.lexsort((rows, -similar), axis=-1)[:, :k]
    values = np.take_along_axis(similar, order, axis=1)
    order = np.where(values == -np.inf, -1, order)
    pad = ((0, 0), (0, max(0, k - order.shape[1])))
    return np.pad(order, pad, constant_values=-1), np.pad(values, pad, constant_values=-np.inf)


def rounding_of(vectors):
    """How far a float32 inner product of two of the vectors may lie from the true one."""
    return 1e-6 * max(1.0, float((np.asarray(vectors) ** 2).sum(axis=1).max()))


def kinds_of_vectors(rng, n, d):
    """Random vectors, copies, a small grid (many ties) and an almost collapsed embedding."""
    random = rng.normal(size=(n, d))
    yield random
    yield random[rng.integers(0, max(1, n // 4), n)]
    yield rng.integers(1, 3, (n, d))
    yield 1 + 1e-3 * random
