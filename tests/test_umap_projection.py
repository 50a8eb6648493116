"""The map is a function of the graph and the seed, and of nothing else."""

import inspect
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from metric_face.errors import ArgumentError
from metric_face.search.neighbor_graph import NeighborGraph
from metric_face.visualization.umap_projection import (
    _diffusion_plane,
    _graph_arrays,
    _principal_plane,
    _with_self_first,
    project,
)

K = 8


def _blobs(n=120, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), n // 3)
    vectors = rng.normal(size=(n, 16)) + 6 * rng.normal(size=(3, 16))[labels]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def _graph(vectors, k=K, with_self=False):
    similarities = vectors @ vectors.T
    if not with_self:
        np.fill_diagonal(similarities, -2)
    ids = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
    return ids, np.take_along_axis(similarities, ids, axis=1)


@pytest.fixture(scope="module")
def blobs():
    return _blobs()


def test_reruns_are_bit_identical_and_the_seed_matters(blobs):
    vectors, _ = blobs
    graph = _graph(vectors)
    first = project(*graph, vectors=vectors, seed=3, n_epochs=30)
    again = project(*graph, vectors=vectors, seed=3, n_epochs=30)
    other = project(*graph, vectors=vectors, seed=4, n_epochs=30)
    assert first.coords.dtype == np.float32
    assert first.coords.shape == (120, 2)
    assert (first.seed, first.n) == (3, 120)
    np.testing.assert_array_equal(first.coords, again.coords)
    assert not np.array_equal(first.coords, other.coords)


@pytest.mark.parametrize("start", ["vectors", "graph"])
def test_separated_groups_stay_separated(blobs, start):
    vectors, labels = blobs
    coords = project(*_graph(vectors), vectors=vectors if start == "vectors" else None, n_epochs=100).coords
    means = np.stack([coords[labels == c].mean(axis=0) for c in range(3)])
    nearest = np.linalg.norm(coords[:, None] - means, axis=2).argmin(axis=1)
    assert (nearest == labels).all()


def test_no_label_can_reach_the_layout():
    assert not {"labels", "label", "y", "target"} & set(inspect.signature(project).parameters)


def _distances(graph):
    return graph[0], 1 - graph[1]


def test_itself_among_its_neighbors_changes_nothing(blobs):
    vectors, _ = blobs
    ids, distances = _with_self_first(*_distances(_graph(vectors, K, with_self=False)), K)
    ids_2, distances_2 = _with_self_first(*_distances(_graph(vectors, K + 1, with_self=True)), K)
    np.testing.assert_array_equal(ids, ids_2)
    np.testing.assert_allclose(distances, distances_2, atol=1e-6)
    np.testing.assert_array_equal(ids[:, 0], np.arange(len(vectors)))
    assert (distances[:, 0] == 0).all()


def test_an_exact_copy_does_not_push_the_point_from_the_first_place():
    given = np.array([[0, 0], [0, 0], [0.5, 0.6]], np.float32)
    ids, distances = _with_self_first(np.array([[1, 0], [0, 1], [0, 1]]), given, 2)
    np.testing.assert_array_equal(ids, [[0, 1, -1], [1, 0, -1], [2, 0, 1]])
    np.testing.assert_allclose(distances, [[0, 0, 0], [0, 0, 0], [0, 0.5, 0.6]])


def test_absent_neighbors_are_left_out(blobs):
    vectors, _ = blobs
    ids, similarities = _graph(vectors)
    ids, similarities = ids.copy(), similarities.copy()
    ids[5, 3:], similarities[5, 3:] = -1, np.nan
    ids[6], similarities[6] = -1, -np.inf
    coords = project(ids, similarities, vectors=vectors, n_epochs=20).coords
    assert np.isfinite(coords).all()


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_neighbor_graph_is_read_with_its_own_distances(blobs, metric):
    vectors, _ = blobs
    graph = NeighborGraph.build(vectors, K, metric=metric)
    ids, distances = _graph_arrays(graph, None)
    np.testing.assert_array_equal(ids, graph.ids)
    np.testing.assert_allclose(distances, graph.distances)
    assert np.isfinite(project(graph, n_epochs=11).coords).all()
    if metric == "cosine":
        by_arrays = project(graph.ids, graph.similarities, n_epochs=11).coords
        np.testing.assert_array_equal(project(graph, n_epochs=11).coords, by_arrays)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_few_points_are_laid_out_without_a_warning(n):
    vectors = _blobs()[0][:n]
    ids = np.array([[j for j in range(n) if j != i] + [-1] * (K - n + 1) for i in range(n)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        coords = project(ids, np.zeros(ids.shape), vectors=vectors, n_epochs=11).coords
    assert coords.shape == (n, 2)
    assert np.isfinite(coords).all()


def test_a_collapsed_embedding_still_has_a_map():
    vectors = np.ones((30, 4), np.float32) / 2
    ids = (np.arange(30)[:, None] + np.arange(1, 6)) % 30
    coords = project(ids, np.ones(ids.shape), vectors=vectors, n_epochs=20).coords
    assert np.isfinite(coords).all()
    assert len(np.unique(coords, axis=0)) == 30


def test_the_start_lies_along_the_principal_components():
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(400, 5)) * [9, 1, 5, 1, 1] + 50).astype(np.float32)
    plane = _principal_plane(vectors)
    assert abs(np.corrcoef(plane[:, 0], vectors[:, 0])[0, 1]) > 0.99
    assert abs(np.corrcoef(plane[:, 1], vectors[:, 2])[0, 1]) > 0.99
    assert np.abs(plane.mean(axis=0)).max() < 1e-3


def test_one_dimensional_vectors_have_a_plane():
    assert _principal_plane(np.arange(5, dtype=np.float32)[:, None]).shape == (5, 2)


def test_the_slowest_diffusion_runs_along_a_path():
    n = 30
    ids = np.stack(
        [np.arange(n), np.maximum(np.arange(n) - 1, 0), np.minimum(np.arange(n) + 1, n - 1)], axis=1
    )
    plane = _diffusion_plane(ids, np.random.default_rng(0))
    ends = np.abs(plane[:, 0])
    assert plane[0, 0] * plane[-1, 0] < 0  # its two ends lie on two sides
    assert ends[[0, -1]].min() > ends[n // 2 - 3 : n // 2 + 3].max()


GOOD = np.zeros((3, 1), np.int64), np.ones((3, 1))


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((GOOD[0],), {}, "similarities=None: must be given"),
        ((np.zeros((3, 1)), GOOD[1]), {}, "graph: ids must be integers of shape"),
        ((np.zeros((0, 1), int), np.zeros((0, 1))), {}, "not empty"),
        (
            (GOOD[0], np.ones((3, 2))),
            {},
            r"similarities: must have the shape of ids, \(3, 1\); found \(3, 2\)",
        ),
        ((GOOD[0] + 7, GOOD[1]), {}, "graph: ids must be rows, 0 to 2, or -1; found 7 to 7"),
        ((GOOD[0], GOOD[1] * np.nan), {}, "similarities: must be finite"),
        (GOOD, {"vectors": np.ones((2, 4))}, r"vectors: must have the shape \(3, D\)"),
        (GOOD, {"vectors": np.full((3, 4), np.inf)}, "vectors: must be finite"),
        (GOOD, {"seed": -1}, "seed=-1: must be between 0 and"),
        (GOOD, {"min_dist": 2}, "min_dist=2: must be between 0 and 1"),
        (GOOD, {"n_neighbors": 0}, "n_neighbors=0: must be at least 1"),
    ],
)
def test_errors_name_parameter_rule_value_and_remedy(arguments, keywords, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        project(*arguments, **keywords)
    assert "\n" not in str(caught.value)


def test_progress_is_told_before_the_long_steps(blobs):
    said = []
    project(*_graph(blobs[0]), n_epochs=11, say=said.append)
    assert len(said) == 2
    assert "120 points" in said[1]


def test_three_dimensions_keep_groups_apart_too():
    vectors, labels = _blobs()
    made = project(NeighborGraph.build(vectors, K), vectors=vectors, dimensions=3, n_epochs=30)
    assert made.coords.shape == (len(vectors), 3)
    nearest = np.linalg.norm(made.coords[:, None] - made.coords[None], axis=2).argsort(axis=1)[:, 1]
    assert (labels[nearest] == labels).mean() > 0.95
    with pytest.raises(ArgumentError, match="dimensions=4: must be 2 or 3"):
        project(NeighborGraph.build(vectors, K), dimensions=4)


@pytest.mark.slow
def test_a_map_leaves_pytorch_as_many_threads_as_it_had():
    """numba sets the number of OpenMP's threads for the whole process when its first parallel function runs."""
    script = (
        "import numpy, torch, metric_face\n"
        "points = numpy.random.default_rng(0).normal(size=(60, 8))\n"
        "placed = metric_face.project(points)\n"
        "print(torch.get_num_threads())\n"
        "placed.transform(points[:5])\n"
        "print(torch.get_num_threads())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env={**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1", "1"]
