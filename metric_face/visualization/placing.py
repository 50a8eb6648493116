"""place_points: new points on a map that stands, by UMAP's transform with neighbors that were found elsewhere."""

import warnings
from typing import Any

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.visualization.umap_package import import_umap, threads_kept

_FEW, _EPOCHS, _EPOCHS_OF_MANY = 10_000, 100, 30  # as UMAP has them
_ALPHA = 0.25  # a quarter of UMAP's first step: points are nearly where they belong


def place_points(coords: Floats, ids: Ints, distances: Floats, *, min_dist: float, seed: int = 0) -> Floats:
    """Place M points on a map of N, which does not move.

    A point starts at the mean of its neighbors on the map, weighted as UMAP weights them, and is then drawn to them and
    pushed from others as in the layout itself.

    Args:
        coords: (N, A) the map.
        ids: (M, K) neighbors of each new point among the N, nearest first.
        distances: (M, K) theirs, 0 or greater.
        min_dist: of the map.
        seed: of the optimization.

    Returns:
        (M, A) float32.
    """
    from scipy.sparse import coo_matrix

    umap: Any = import_umap()
    tools = umap.umap_
    far = np.ascontiguousarray(np.maximum(distances, 0), dtype=np.float32)
    with threads_kept():
        sigmas, rhos = tools.smooth_knn_dist(far, float(far.shape[1]), local_connectivity=0.0)
        rows, cols, values, _ = tools.compute_membership_strengths(
            np.ascontiguousarray(ids, dtype=np.int32), far, sigmas, rhos, bipartite=True
        )
    graph = coo_matrix((values, (rows, cols)), shape=(len(ids), len(coords)))
    weights = graph.tocsr()
    weights.eliminate_zeros()
    start = tools.init_graph_transform(weights, coords)
    epochs = _EPOCHS if len(ids) <= _FEW else _EPOCHS_OF_MANY
    graph.data[graph.data < graph.data.max() / epochs] = 0.0
    graph.eliminate_zeros()
    a, b = tools.find_ab_params(1.0, min_dist)
    low, high = np.iinfo(np.int32).min + 1, np.iinfo(np.int32).max - 1
    state = (
        np.random.RandomState(seed).randint(low, high, 3).astype(np.int64)
    )  # the generator that UMAP reads
    with warnings.catch_warnings(), threads_kept():
        warnings.simplefilter("ignore")  # numba's, of its own caches
        placed = tools.optimize_layout_euclidean(
            start,
            coords.astype(np.float32, copy=True),
            graph.row,
            graph.col,
            epochs,
            graph.shape[1],
            tools.make_epochs_per_sample(graph.data, epochs),
            a,
            b,
            state,
            1.0,
            _ALPHA,
            5,
            False,
        )
    return np.asarray(placed, dtype=np.float32)
