"""Which classes are said to mix, where their names stand, and how a joint class gets its hues and shades."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from metric_face.pages.columns import Column
from metric_face.visualization.faithfulness import neighbor_confusion
from metric_face.visualization.mixing import (
    LEAST_SHARE,
    class_centers,
    mixing_pairs,
    with_mixing,
)


@pytest.fixture(scope="module")
def mixed():
    """Nine classes apart, of which 2 and 7 are one cloud, and 0 and 1 touch."""
    rng = np.random.default_rng(0)
    means = 40 * rng.normal(size=(9, 6))
    means[7] = means[2]
    means[1] = means[0] + 1.5
    codes = np.repeat(np.arange(9), 30)
    vectors = means[codes] + rng.normal(size=(270, 6))
    ids = NearestNeighbors(n_neighbors=11).fit(vectors).kneighbors(vectors)[1][:, 1:]
    return Column("who", codes, tuple(f"c{k}" for k in range(9))), ids, vectors


def test_the_pairs_that_mix_are_found_by_their_neighbors(mixed):
    column, ids, _ = mixed
    found = with_mixing(column, ids)
    assert found.links[0][:2] == (2, 7)
    theirs = (column.values[ids] == 7)[column.values == 2].mean()
    ours = (column.values[ids] == 2)[column.values == 7].mean()
    assert found.links[0][2] == pytest.approx((theirs + ours) / 2)  # classes of one size: no correction
    assert {pair[:2] for pair in found.links} <= {(2, 7), (0, 1)}
    assert set(found.leading[:2]) == {2, 7}
    assert sorted(found.leading) == list(range(9))
    assert set(found.colored()) >= {2, 7}


def test_pairs_are_ordered_cut_off_and_symmetric():
    confusion = np.array([[0.5, 0.3, 0.2], [0.5, 0.5, 0.0], [0.0, 0.02, 0.98]])
    assert mixing_pairs(confusion) == [(0, 1, 0.4), (0, 2, 0.1)]
    assert mixing_pairs(confusion, most=1) == [(0, 1, 0.4)]
    assert mixing_pairs(confusion.T) == mixing_pairs(confusion)
    assert mixing_pairs(np.full((3, 3), np.nan)) == []
    assert mixing_pairs(np.full((3, 3), LEAST_SHARE - 1e-9)) == []


def test_links_are_of_the_embedding_and_not_of_the_map(mixed):
    column, ids, _ = mixed
    confusion = neighbor_confusion(ids, column.values, 9)
    assert with_mixing(column, ids).links == tuple(mixing_pairs(confusion))
    one = Column("one", np.zeros(270, np.int64), ("all",))
    assert with_mixing(one, ids) is one


def test_a_name_stands_on_a_point_of_its_class(mixed):
    column, _, vectors = mixed
    coords = vectors[:, :2].astype(np.float32)
    more = Column("who", column.values, (*column.classes, "absent"))
    centers = class_centers(coords, more)
    assert centers[9] is None
    for code, center in enumerate(centers[:9]):
        own = coords[column.values == code]
        assert any(np.array_equal(np.float32(center), point) for point in own)
        far = np.linalg.norm(own - np.median(own, axis=0), axis=1)
        assert np.linalg.norm(center - np.median(own, axis=0)) == pytest.approx(far.min(), abs=1e-5)
