"""neighbors: the nearest of every vector, or of queries among them, in one call."""

from typing import Any

from metric_face.errors import ArgumentError
from metric_face.search.neighbor_graph import NeighborGraph
from metric_face.vectors import Metric


def neighbors(
    X: Any, k: int, *, queries: Any = None, exclude: Any = None, metric: Metric = "cosine"
) -> NeighborGraph:
    """Find the k nearest of every vector, or of each query among them, comparing every pair up to 200,000 vectors.

    Args:
        X: (N, D) vectors: an array, a tensor, a data frame, or an object with ``.vectors``.
        k: neighbors of each; more than there are is filled up with -1.
        queries: (Q, D) whose neighbors among ``X`` are wanted; None asks for those of every vector, never itself.
        exclude: (N,) the identity of each; vectors of the same identity are left out. Not with queries.
        metric: ``cosine``, ``inner_product`` or ``euclidean``.

    Returns:
        The graph: ``ids`` and ``similarities``, (N, k) or (Q, k), nearest first.

    Raises:
        ArgumentError: a vector that is not finite, k below 1, ``exclude`` with queries or of another length.

    Example:
        >>> metric_face.neighbors(vectors, 5).ids[0]
        array([12,  7, 31,  2, 40])
    """
    if queries is None:
        return NeighborGraph.build(X, k, exclude=exclude, metric=metric)
    if exclude is not None:
        raise ArgumentError(
            "exclude must be left out with queries, whose identities it does not name; "
            "use EmbeddingIndex.search(exclude=...)"
        )
    return NeighborGraph.between(queries, X, k, metric=metric)
