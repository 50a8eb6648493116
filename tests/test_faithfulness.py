"""What a map does to the classes, against definitions written out and cases with a known answer."""

from itertools import combinations

import numpy as np
import pytest

from metric_face.errors import ArgumentError
from metric_face.visualization.faithfulness import (
    label_trustworthiness_continuity,
    measure_faithfulness,
    nearest_on_map,
    neighbor_confusion,
)


def _by_definition(vectors, coords, labels):
    """Every pair of classes by itself: share of points nearer to the mean of their own class."""

    def consistency(points, a, b):
        right = 0
        means = {c: points[labels == c].mean(axis=0) for c in (a, b)}
        for c, other in ((a, b), (b, a)):
            for point in points[labels == c]:
                right += np.linalg.norm(point - means[c]) < np.linalg.norm(point - means[other])
        return right / np.isin(labels, [a, b]).sum()

    classes = [c for c in np.unique(labels) if c >= 0]
    gains = np.array(
        [consistency(coords, a, b) - consistency(vectors, a, b) for a, b in combinations(classes, 2)]
    )
    return 1 - np.maximum(-gains, 0).mean(), 1 - np.maximum(gains, 0).mean()


@pytest.mark.parametrize("classes", [2, 5])
def test_label_trustworthiness_and_continuity_follow_their_definition(classes):
    rng = np.random.default_rng(classes)
    labels = rng.integers(-1, classes, 150)
    vectors = rng.normal(size=(150, 6)) + rng.normal(size=(classes + 1, 6))[labels]
    coords = rng.normal(size=(150, 2)) + rng.normal(size=(classes + 1, 2))[labels]
    np.testing.assert_allclose(
        label_trustworthiness_continuity(vectors, coords, labels), _by_definition(vectors, coords, labels)
    )


def test_a_map_fitted_with_labels_loses_continuity_and_a_shuffled_one_trustworthiness():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 100)
    noise = rng.normal(size=(200, 4))
    parted = np.stack([labels * 10 + rng.normal(size=200), rng.normal(size=200)], axis=1)
    trust, continuity = label_trustworthiness_continuity(noise, parted, labels)
    assert trust == 1
    assert continuity < 0.7
    trust, continuity = label_trustworthiness_continuity(parted, rng.permutation(parted), labels)
    assert trust < 0.7
    assert continuity == 1


def test_one_class_gives_no_measure_and_no_warning():
    one = measure_faithfulness(
        np.zeros((3, 2)), np.array([[1], [2], [0]]), np.zeros(3, int), np.zeros((3, 5))
    )
    assert np.isnan(one.label_trustworthiness)
    assert not one.is_low
    np.testing.assert_array_equal(one.purity_D, [1, 1, 1])


def test_neighbors_on_the_map_equal_brute_force():
    rng = np.random.default_rng(1)
    coords = rng.normal(size=(80, 2))
    who = rng.integers(0, 6, 80)
    far = np.linalg.norm(coords[:, None] - coords, axis=2)
    far[who[:, None] == who] = np.inf
    np.testing.assert_array_equal(nearest_on_map(coords, 5, who), np.argsort(far, axis=1)[:, :5])
    far = np.linalg.norm(coords[:, None] - coords, axis=2)
    np.fill_diagonal(far, np.inf)
    np.testing.assert_array_equal(nearest_on_map(coords, 5), np.argsort(far, axis=1)[:, :5])


def test_where_others_run_out_there_is_no_neighbor():
    near = nearest_on_map(np.arange(8.0).reshape(4, 2), 3, [0, 0, 0, 1])
    np.testing.assert_array_equal(near, [[3, -1, -1], [3, -1, -1], [3, -1, -1], [2, 1, 0]])
    np.testing.assert_array_equal(nearest_on_map(np.zeros((1, 2)), 2), [[-1, -1]])


def test_confusion_corrects_for_the_size_of_the_classes():
    # 8 points of class 0 and 2 of class 1, everybody beside everybody: no class is nearer than the other.
    labels = np.array([0] * 8 + [1] * 2)
    ids = np.stack([np.delete(np.arange(10), i) for i in range(10)])
    shares = neighbor_confusion(ids, labels, 3)
    np.testing.assert_allclose(shares[0], [(7 / 8) / (7 / 8 + 1), 1 / (7 / 8 + 1), 0])
    np.testing.assert_allclose(shares[1], [1 / 1.5, 0.5 / 1.5, 0])
    assert np.isnan(shares[2]).all()


def test_purity_mismatch_and_lie_of_four_points():
    # In the embedding 0-1 and 2-3 are neighbors, on the map 0-2 and 1-3.
    labels = np.array([0, 0, 1, 1])
    coords = np.array([[0, 0], [9, 9], [0, 1], [9, 8.0]])
    measured = measure_faithfulness(coords, np.array([[1], [0], [3], [2]]), labels, np.eye(4))
    np.testing.assert_array_equal(measured.purity_D, 1)
    np.testing.assert_array_equal(measured.purity_2, 0)
    np.testing.assert_array_equal(measured.distortion, 1)
    assert not measured.mismatch.any()
    swapped = measure_faithfulness(coords, np.array([[2], [3], [0], [-1]]), labels, np.eye(4))
    np.testing.assert_array_equal(swapped.mismatch, [True, True, True, False])
    assert np.isnan(swapped.purity_D[3])


def test_the_point_itself_and_unlabeled_neighbors_do_not_count():
    labels = np.array([0, 1, -1])
    measured = measure_faithfulness(np.eye(3)[:, :2], np.array([[0, 1], [1, 2], [0, 1]]), labels, np.eye(3))
    np.testing.assert_array_equal(measured.purity_D, [0, np.nan, np.nan])


def test_neighbors_of_the_same_identity_count_nowhere():
    # 0 and 1 are one identity's, of one class; in both spaces the next nearest is of another class.
    labels, who = np.array([0, 0, 1, 1]), np.array(["p", "p", "q", "r"])
    coords = np.array([[0, 0], [0.1, 0], [1, 0], [1.2, 0]])
    ids = np.array([[1, 2], [0, 2], [3, 1], [2, 1]])
    measured = measure_faithfulness(coords, ids, labels, np.eye(4), identities=who)
    assert measured.purity_D[0] == 0
    assert measured.purity_2[0] == 0
    assert measure_faithfulness(coords, ids, labels, np.eye(4)).purity_D[0] > 0


def test_shapes_that_disagree_are_refused_by_name():
    with pytest.raises(ArgumentError, match="vectors: must have one row for each of the 4 labels"):
        measure_faithfulness(np.zeros((4, 2)), np.zeros((4, 1), int), np.zeros(4, int), np.zeros((3, 2)))
