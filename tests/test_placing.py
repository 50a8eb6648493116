"""New points on a map: UMAP's own transform, and where a reader expects them."""

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from metric_face import NeighborGraph, project
from metric_face.errors import ArgumentError
from metric_face.visualization.placing import place_points
from metric_face.visualization.umap_package import import_umap


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    means = 6 * rng.normal(size=(4, 8))
    codes = np.arange(240) % 4
    return codes, (means[codes] + rng.normal(size=(240, 8))).astype(np.float32)


@pytest.mark.filterwarnings("ignore")  # umap's own
def test_placing_is_the_transform_of_umap(blobs):
    _, vectors = blobs
    known, new = vectors[:200], vectors[200:]
    fitted = import_umap().UMAP(n_neighbors=10, random_state=3, transform_seed=7, n_jobs=1).fit(known)
    far = pairwise_distances(new, known)
    ids = np.argsort(far, axis=1, kind="stable")[:, :10]
    ours = place_points(fitted.embedding_, ids, np.take_along_axis(far, ids, axis=1), min_dist=0.1, seed=7)
    apart = np.linalg.norm(ours - fitted.transform(new), axis=1)
    assert np.median(apart) < 1e-3
    assert (
        apart.max() < 0.1 * np.ptp(fitted.embedding_, axis=0).max()
    )  # a last bit may send a point another way


def test_a_new_point_lies_among_its_class_and_the_map_stays(blobs):
    codes, vectors = blobs
    known, new = vectors[:200], vectors[200:]
    made = project(NeighborGraph.build(known, 10), vectors=known, seed=1)
    before = made.coords.copy()
    placed = made.transform(new)
    assert placed.shape == (40, 2)
    assert np.array_equal(made.coords, before)
    assert np.array_equal(placed, made.transform(new))
    nearest = np.linalg.norm(placed[:, None] - made.coords[None], axis=2).argmin(axis=1)
    assert (codes[:200][nearest] == codes[200:]).mean() > 0.95
    copies = made.transform(known[:20])
    extent = np.ptp(made.coords, axis=0).max()
    assert np.median(np.linalg.norm(copies - made.coords[:20], axis=1)) < 0.1 * extent


def test_a_map_without_vectors_says_what_it_needs(blobs):
    _, vectors = blobs
    made = project(NeighborGraph.build(vectors, 10), seed=1)
    with pytest.raises(ArgumentError, match=r"vectors=None: .*call project\(graph, vectors=vectors\)"):
        made.transform(vectors)


def test_no_vector_is_placed_nowhere_and_wrong_ones_are_named(blobs):
    _, vectors = blobs
    made = project(vectors[:40], seed=1, dimensions=3)
    assert made.transform(vectors[:0]).shape == (0, 3)
    assert made.transform(vectors[:1]).shape == (1, 3)
    with pytest.raises(ArgumentError, match="vectors must have D = 8"):
        made.transform(vectors[:2, :4])
    with pytest.raises(ArgumentError, match="vectors must be finite, found nan or infinity in row 1"):
        made.transform(np.stack([vectors[0], np.full(8, np.nan)]))
