"""Nearest neighbors by brute force, and the vectors that make a search hard."""

import numpy as np

METRICS = ["cosine", "inner_product", "euclidean"]


def nearest_by_brute_force(queries, base, k, metric, excluded=None):
    """Every similarity in float64; the smaller row first among values that only rounding tells apart.

    Args:
        queries: (Q, D).
        base: (N, D).
        k: neighbors of each query.
        metric: ``euclidean`` gives negative distances.
        excluded: (Q, N) bool, what a query may not find.

    Returns:
        (Q, k) ids and float32 similarities, -1 and -inf where there are fewer than k.
    """
    ranks, similar = similarities(queries, base, metric)
    if excluded is not None:
        ranks[excluded] = -np.inf
    order = np.argsort(-ranks, axis=1, kind="stable")
    ordered = np.take_along_axis(ranks, order, axis=1)
    scale = np.abs(np.where(ordered == -np.inf, 0, ordered))
    if metric != "euclidean":
        scale = scale.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        is_new = ordered[:, :-1] - ordered[:, 1:] > 1e-13 * np.broadcast_to(scale, ordered.shape)[:, 1:]
    group = np.cumsum(np.pad(is_new, ((0, 0), (1, 0))), axis=1)
    order = np.take_along_axis(order, np.lexsort((order, group), axis=-1), axis=1)[:, :k]
    values = np.where(
        np.take_along_axis(ranks, order, 1) == -np.inf, -np.inf, np.take_along_axis(similar, order, 1)
    )
    order = np.where(values == -np.inf, -1, order)
    pad = ((0, 0), (0, max(0, k - order.shape[1])))
    return (
        np.pad(order, pad, constant_values=-1),
        np.pad(values, pad, constant_values=-np.inf).astype(np.float32),
    )


def similarities(queries, base, metric):
    """(Q, N) float64 ranks that tell near neighbors apart, and the similarities that a search answers.

    The rank of a cosine is minus the squared distance of vectors of length one: a cosine itself, near 1, has lost
    the digits in which neighbors differ.
    """
    q, x = (np.asarray(part, np.float32).astype(np.float64) for part in (queries, base))
    if metric == "cosine":
        q, x = (part / np.sqrt((part**2).sum(axis=1, keepdims=True)) for part in (q, x))
    if metric == "inner_product":
        ranks = np.einsum("id,jd->ij", q, x)
        return ranks, ranks.copy()
    ranks = np.stack([-((one - x) ** 2).sum(axis=1) for one in q])
    return ranks, -np.sqrt(-ranks) if metric == "euclidean" else 1 + ranks / 2


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
