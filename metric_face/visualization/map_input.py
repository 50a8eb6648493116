"""What is laid out: a neighbor graph, or vectors whose graph is built here."""

from typing import Any

import numpy as np

from metric_face.search import NeighborGraph
from metric_face.vectors import as_vectors


def graph_of_vectors(given: Any, similarities: Any, vectors: Any, n_neighbors: int) -> tuple[Any, Any]:
    """Build the graph of vectors; a graph, or its ids with their similarities, is kept as it is.

    Args:
        given: a graph, its ids, (N, D) floating vectors, or an object with ``.vectors``.
        similarities: of ids; None otherwise.
        vectors: what starts the layout; None takes the vectors given.
        n_neighbors: of each point.

    Returns:
        The graph or ids, and the vectors.
    """
    if similarities is not None or hasattr(given, "ids"):
        return given, vectors
    if not hasattr(given, "vectors") and not hasattr(given, "detach"):
        given = np.asarray(given)
        if given.dtype.kind != "f":  # ids without similarities, which is refused
            return given, vectors
    points = as_vectors(given, "X")
    graph = NeighborGraph.build(points, max(1, min(n_neighbors, len(points) - 1)))
    return graph, points if vectors is None else vectors
