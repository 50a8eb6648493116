"""Retrieval by several labels at once, by drawn queries, and by kinds of items where classes are large."""

import numpy as np
import pytest

from metric_face.errors import ArgumentError
from metric_face.metrics import LabelRetrieval, draw_queries, rank_neighbors, retrieval_metrics
from metric_face.search import Cells, Points, Queries
from tests.search_oracle import kinds_of_vectors


def faces(rng, identities=60, images=5, dimensions=12):
    """Vectors around identities and classes; the identities, two classes, and seven."""
    owners = np.repeat(np.arange(identities), images)
    two, seven = rng.integers(0, 2, identities), rng.integers(0, 7, identities)
    centers = rng.normal(size=(identities, dimensions)) + two[:, None] * 0.5
    vectors = centers[owners] + 0.7 * rng.normal(size=(len(owners), dimensions))
    return vectors.astype(np.float32), owners, two[owners], seven[owners]


def tallies_of(owners, labels, **options):
    return [
        LabelRetrieval(codes, owners, exclude_same_identity=codes is not owners, **options)
        for codes in labels
    ]


def test_labels_share_one_ranking_and_score_as_alone():
    rng = np.random.default_rng(0)
    vectors, owners, *classes = faces(rng)
    tallies = tallies_of(owners, [owners, *classes])
    rank_neighbors(vectors, tallies)
    for codes, tally in zip([owners, *classes], tallies, strict=True):
        alone = retrieval_metrics(
            vectors, codes, identities=owners, exclude_same_identity=codes is not owners
        )
        shared = tally.result()
        for name, values in alone.per_query.items():
            np.testing.assert_array_equal(values, shared.per_query[name])
            np.testing.assert_allclose(alone.without[name], shared.without[name], rtol=1e-12)


def test_every_pair_of_items_is_multiplied_once_for_all_labels(monkeypatch):
    """Each label used to multiply and sort again, and each class of half of the items to sort ids."""
    rng = np.random.default_rng(1)
    vectors, owners, two, _ = faces(rng)
    multiplied, sorted_items = [], []
    product, best = Queries.against_all, Queries.best

    def counted(self, rows, wide=None, out=None):
        multiplied.append(len(rows) * len(self.points))
        return product(self, rows, wide, out)

    def counted_best(self, row, ranks, length, depth):
        sorted_items.append(depth)
        return best(self, row, ranks, length, depth)

    monkeypatch.setattr(Queries, "against_all", counted)
    monkeypatch.setattr(Queries, "best", counted_best)
    rank_neighbors(
        vectors, tallies_of(owners, [owners, two, two[::-1].copy(), two ^ 1], recall_intervals=True)
    )
    assert sum(multiplied) == len(vectors) ** 2
    assert max(sorted_items) < len(vectors) / 4  # of identities alone; two classes sort kinds of items
    assert len(sorted_items) <= 3 * len(vectors)


@pytest.mark.parametrize("excluded", [False, True])
def test_intervals_of_recall_alone_equal_those_of_all(excluded):
    rng = np.random.default_rng(2)
    vectors, owners, two, seven = faces(rng)
    for codes in (owners, two, seven):
        if excluded and codes is owners:
            continue
        chosen = {"identities": owners, "exclude_same_identity": excluded, "ks": (1, 5, 40)}
        every = retrieval_metrics(vectors, codes, **chosen)
        recall = retrieval_metrics(vectors, codes, recall_intervals=True, **chosen)
        assert list(recall.without) == ["recall@1", "recall@5", "recall@40"]
        for name, values in recall.without.items():
            np.testing.assert_allclose(values, every.without[name], rtol=1e-12)
            assert recall.interval(name) == every.interval(name)
        assert recall.map_at_r == every.map_at_r
        with pytest.raises(ArgumentError, match=r"map_at_r was left out; .* recall_intervals=False"):
            recall.interval("map_at_r")


def test_recall_without_a_group_that_is_nearest_to_all_looks_further():
    """One identity stands nearest to everybody else: without it, a neighbor far down the ranking counts."""
    rng = np.random.default_rng(3)
    owners = np.concatenate([np.zeros(80, int), np.repeat(np.arange(1, 21), 4)])
    labels = owners % 3
    vectors = np.where(owners[:, None] == 0, 0.01, 1.0) * rng.normal(size=(len(owners), 4))
    chosen = {"identities": owners, "exclude_same_identity": True, "metric": "euclidean"}
    every = retrieval_metrics(vectors, labels, **chosen)
    recall = retrieval_metrics(vectors, labels, recall_intervals=True, **chosen)
    np.testing.assert_allclose(recall.without["recall@5"], every.without["recall@5"], rtol=1e-12)


@pytest.mark.parametrize("metric", ["cosine", "inner_product", "euclidean"])
def test_kinds_in_order_are_those_of_the_items_in_order(metric):
    rng = np.random.default_rng(4)
    near = rng.normal(size=(300, 9))
    near[150:160] = near[140:150] * (1 + 1e-15 * rng.normal(size=(10, 9)))  # equal in float32: a few ties
    far = near.copy()
    far[:3] *= 1e6
    for vectors in [near, far, 5 + 1e-6 * near, *kinds_of_vectors(rng, 300, 9)]:
        vectors = vectors.astype(np.float32)
        asked = Queries.of(Points.of(vectors, metric), vectors)
        for count in (2, 40, 300):
            codes = rng.permutation(300) % count
            for row in (0, 7, 145):
                ranks, lengths = asked.against_all(np.array([row]))
                ranks[0, [row, 299 - row]] = -np.inf
                for depth in (1, 150, 297, 298):
                    want = codes[asked.best(row, ranks[0], lengths[0], depth)]
                    got = Cells(codes, count).nearest(asked, row, ranks[0], lengths[0], depth)
                    np.testing.assert_array_equal(got, want)


def test_a_few_ties_are_settled_without_putting_all_items_in_order(monkeypatch):
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(400, 8)).astype(np.float32)
    vectors[200:204] = vectors[100]
    asked = Queries.of(Points.of(vectors, "cosine"), vectors)
    ranks, lengths = asked.against_all(np.array([3]))
    codes = np.arange(400) % 7
    want = codes[asked.best(3, ranks[0], lengths[0], 390)]
    monkeypatch.delattr(Queries, "best")
    np.testing.assert_array_equal(Cells(codes, 7).nearest(asked, 3, ranks[0], lengths[0], 390), want)


def test_drawn_queries_lie_as_far_from_all_as_they_say():
    rng = np.random.default_rng(6)
    vectors, owners, two, _ = faces(rng, identities=80)
    chosen = {"identities": owners, "exclude_same_identity": True, "recall_intervals": True}
    whole = retrieval_metrics(vectors, two, **chosen)
    assert (whole.num_drawn, whole.drawing_error("map_at_r")) == (400, 0.0)
    parts = [retrieval_metrics(vectors, two, queries=100, seed=seed, **chosen) for seed in range(60)]
    assert {part.num_queries for part in parts} == {100}
    row = {query: at for at, query in enumerate(whole.query_ids.tolist())}
    for name in ("recall@1", "r_precision", "map_at_r"):
        values = whole.per_query[name]
        for part in parts[:3]:  # a query finds what it finds among all
            at = [row[query] for query in part.query_ids.tolist()]
            np.testing.assert_array_equal(part.per_query[name], values[at])
        means = np.array([part.per_query[name].mean(dtype=np.float64) for part in parts])
        said = np.mean([part.drawing_error(name, 0.95) for part in parts])
        assert 0.75 < said / (1.96 * means.std(ddof=1)) < 1.33
        assert np.mean(np.abs(means - values.mean(dtype=np.float64)) < said) > 0.85


def test_drawing_is_within_bounds_and_repeatable():
    np.testing.assert_array_equal(draw_queries(5), np.arange(5))
    np.testing.assert_array_equal(draw_queries(5, 9), np.arange(5))
    drawn = draw_queries(1000, 30, seed=1)
    np.testing.assert_array_equal(drawn, draw_queries(1000, 30, seed=1))
    assert len(np.unique(drawn)) == 30
    for most in (0, -1):
        with pytest.raises(
            ArgumentError, match=rf"queries must be at least 1, or None for all, found {most}"
        ):
            draw_queries(1000, most)
    with pytest.raises(ArgumentError, match="found 0"):
        retrieval_metrics(np.eye(4), [0, 0, 1, 1], queries=0)
