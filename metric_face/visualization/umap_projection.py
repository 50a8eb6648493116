"""The map: a seeded layout in two or three dimensions of a neighbor graph, which never sees a label.

The layout comes from UMAP on neighbors that were found elsewhere. Nothing here takes a label, so no map can be
flattered by one; how far a map may be believed is measured afterwards, in ``metric_face.visualization.faithfulness``.
"""

import warnings
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.errors import ArgumentError
from metric_face.progress import Say, silent
from metric_face.visualization.compacting import close_gaps
from metric_face.visualization.map_input import graph_of_vectors
from metric_face.visualization.projection import Projection
from metric_face.visualization.umap_package import import_umap, threads_kept

_CHUNK = 65_536  # rows of vectors that are centered at a time
_DIFFUSION_STEPS = 60
_FEWEST = 4  # below this the starting layout is all there is to see


class Graph(Protocol):
    """What ``project`` reads of a NeighborGraph."""

    @property
    def ids(self) -> Ints: ...
    @property
    def distances(self) -> Floats: ...


def project(
    graph: Graph | ArrayLike | Any,
    similarities: ArrayLike | None = None,
    *,
    vectors: ArrayLike | None = None,
    seed: int = 0,
    dimensions: int = 2,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    n_epochs: int | None = None,
    say: Say = silent,
) -> Projection:
    """Lay vectors, or a neighbor graph, out in two or three dimensions with UMAP; same input and seed, same bits.

    Args:
        graph: (N, D) vectors, or an object with ``.vectors``, whose nearest by the cosine are found here; or a
            NeighborGraph; or its ids (N, K) int64, where -1 stands for "no neighbor", and a point may or may not be
            among its own neighbors.
        similarities: (N, K) cosine similarities where ``graph`` is an array of ids.
        vectors: (N, D) the vectors themselves. Their first principal components start the layout, so that its
            coarse order is theirs; without them the slowest diffusion over the graph does.
        seed: of the start and of the optimization, 0 to 2**32 - 1.
        dimensions: 2, or 3 for a map that turns.
        n_neighbors: neighbors of each point to use, itself not counted; at most K are there.
        min_dist: how closely points may be packed, 0 to 1.
        n_epochs: rounds of optimization; by default 500 up to 10,000 points and 200 above.
        say: called with a line before each long step.

    Returns:
        The projection.

    Raises:
        ArgumentError: an argument has the wrong shape or range.

    Reference:
        McInnes, Healy and Melville, "UMAP: Uniform Manifold Approximation and Projection", 2018; the start by
        principal components follows Kobak and Linderman, "Initialization is critical for preserving global data
        structure in both t-SNE and UMAP", 2021.
    """
    graph, vectors = graph_of_vectors(graph, similarities, vectors, n_neighbors)
    ids, distances = _graph_arrays(graph, similarities)
    points = _checked_vectors(vectors, len(ids))
    if not 0 <= seed < 2**32:
        raise ArgumentError(f"seed={seed}: must be between 0 and 2**32 - 1; choose a smaller one")
    if dimensions not in (2, 3):
        raise ArgumentError(f"dimensions={dimensions}: must be 2 or 3; a page shows no more")
    if n_neighbors < 1:
        raise ArgumentError(f"n_neighbors={n_neighbors}: must be at least 1; the usual value is 15")
    if not 0 <= min_dist <= 1:
        raise ArgumentError(f"min_dist={min_dist}: must be between 0 and 1; the usual value is 0.1")
    used = min(n_neighbors, ids.shape[1], max(len(ids) - 2, 1))
    knn = _with_self_first(ids, distances, used)
    start = _start(knn[0], points, seed, dimensions)
    if (
        len(ids) < _FEWEST or (knn[0][:, 1:] < 0).all()
    ):  # too few points, or no point has a neighbor: no graph
        return Projection(start, seed, used, min_dist, points)
    say("loading UMAP (the first time on a machine it compiles for a minute)")
    umap = import_umap()
    say(f"laying out {len(ids):,} points")
    layout = umap.UMAP(
        n_components=dimensions,
        n_neighbors=used + 1,  # UMAP counts the point itself
        min_dist=min_dist,
        n_epochs=n_epochs,
        init=start,
        random_state=seed,
        n_jobs=1,  # what a seed implies; saying so keeps UMAP from warning
        precomputed_knn=knn,
        force_approximation_algorithm=True,  # below 4,096 points UMAP would compare all pairs of `start`
    )
    with warnings.catch_warnings(), threads_kept():
        # New points find their neighbors elsewhere (Projection.transform): no search index is needed.
        warnings.filterwarnings("ignore", message=r"precomputed_knn\[2\]")
        coords = layout.fit_transform(start)  # the data are only counted: neighbors and start are given
    return Projection(close_gaps(np.asarray(coords, dtype=np.float32)), seed, used, min_dist, points)


def _graph_arrays(graph: Graph | ArrayLike, similarities: ArrayLike | None) -> tuple[Ints, Floats]:
    if similarities is not None:
        ids, distances = np.asarray(graph), 1 - np.asarray(similarities, dtype=np.float32)
    elif hasattr(graph, "ids") and hasattr(graph, "distances"):
        ids, distances = np.asarray(graph.ids), np.asarray(graph.distances)
    else:
        raise ArgumentError(
            "similarities=None: must be given where graph is an array of ids; "
            "give (N, K) similarities or a NeighborGraph"
        )
    if ids.ndim != 2 or not np.issubdtype(ids.dtype, np.integer) or ids.size == 0:
        raise ArgumentError(
            f"graph: ids must be integers of shape (N, K), not empty; "
            f"found {ids.dtype} {ids.shape}; build it with NeighborGraph.build"
        )
    if distances.shape != ids.shape:
        raise ArgumentError(
            f"similarities: must have the shape of ids, {ids.shape}; found {distances.shape}; "
            "take both from the same search"
        )
    if ids.min() < -1 or ids.max() >= len(ids):
        raise ArgumentError(
            f"graph: ids must be rows, 0 to {len(ids) - 1}, or -1; found {ids.min()} to {ids.max()}; "
            "build the graph of these N points among themselves"
        )
    if not np.isfinite(distances[ids >= 0]).all():
        raise ArgumentError(
            "similarities: must be finite; found NaN or infinity; look for NaN in the embeddings"
        )
    return ids.astype(np.int64, copy=False), distances


def _checked_vectors(vectors: ArrayLike | None, n: int) -> Floats | None:
    if vectors is None:
        return None
    points = np.asarray(vectors, dtype=np.float32)
    if points.ndim != 2 or len(points) != n:
        raise ArgumentError(
            f"vectors: must have the shape ({n}, D) of the graph's points; found {points.shape}; "
            "give the vectors that the graph was built from"
        )
    if not np.isfinite(points).all():
        raise ArgumentError("vectors: must be finite; found NaN or infinity; drop these rows")
    return points


def _with_self_first(ids: Ints, distances: Floats, used: int) -> tuple[Ints, Floats]:
    """What UMAP wants: (N, used + 1) neighbors and distances, the point itself first, at 0."""
    n = len(ids)
    absent = (ids < 0) | (ids == np.arange(n)[:, None])
    known = np.where(absent, np.inf, np.maximum(distances, 0))
    order = np.argsort(known, axis=1, kind="stable")[:, :used]
    near = np.take_along_axis(np.where(absent, -1, ids), order, axis=1)
    far = np.take_along_axis(known, order, axis=1)
    # UMAP leaves id -1 out of its graph, but averages the distances: an infinite one would spoil the row's scale.
    furthest = np.max(far, axis=1, where=near >= 0, initial=0, keepdims=True)
    far = np.where(near >= 0, far, furthest)
    first = np.arange(n, dtype=np.int64)[:, None]
    return (
        np.concatenate([first, near], axis=1),
        np.concatenate([np.zeros((n, 1)), far], axis=1).astype(np.float32),
    )


def _start(ids: Ints, vectors: Floats | None, seed: int, axes: int) -> Floats:
    rng = np.random.default_rng(seed)
    plane = _diffusion_plane(ids, rng, axes) if vectors is None else _principal_plane(vectors, axes)
    widest = np.abs(plane).max()
    plane = plane * (10 / widest) if widest > 0 else plane
    # A little noise parts exact copies, and gives a collapsed embedding an extent.
    return (plane + rng.normal(scale=1e-3, size=plane.shape)).astype(np.float32)


def _principal_plane(vectors: Floats, count: int = 2) -> Doubles:
    """Coordinates (N, 2 or 3) along the directions of largest variance, with a fixed sign."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    scatter = np.zeros((vectors.shape[1], vectors.shape[1]))
    for at in range(0, len(vectors), _CHUNK):
        centered = vectors[at : at + _CHUNK] - mean
        scatter += centered.T @ centered
    axes = np.linalg.eigh(scatter)[1][:, ::-1][:, :count]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    plane = np.zeros((len(vectors), count))
    plane[:, : axes.shape[1]] = vectors @ axes - mean @ axes
    return plane


def _diffusion_plane(ids: Ints, rng: np.random.Generator, count: int = 2) -> Doubles:
    """The slow directions of the random walk over the graph, by subspace iteration from a seeded start."""
    from scipy.sparse import coo_matrix, diags_array

    n = len(ids)
    rows = np.repeat(np.arange(n), ids.shape[1])
    kept = ids.ravel() >= 0
    edges = coo_matrix((np.ones(kept.sum()), (rows[kept], ids.ravel()[kept])), shape=(n, n)).tocsr()
    edges = edges + edges.T
    scale = 1 / np.sqrt(np.asarray(edges.sum(axis=1)).ravel())  # the point itself is an edge: never 0
    walk = diags_array(scale) @ edges @ diags_array(scale)
    basis = np.linalg.qr(rng.normal(size=(n, min(n, 6))))[0]
    for _ in range(_DIFFUSION_STEPS):
        basis = np.linalg.qr(basis + walk @ basis)[0]
    slow = basis @ np.linalg.eigh(basis.T @ (walk @ basis))[1][:, ::-1]
    plane = np.zeros((n, count))
    found = (
        slow[:, 1 : 1 + count] * scale[:, None]
    )  # the first direction is the walk's resting state: constant
    plane[:, : found.shape[1]] = found
    return plane
