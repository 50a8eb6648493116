"""Exact search on vectors that float32 arithmetic cannot tell apart, against float64, in every place that searches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_oracle import METRICS, similarities

from metric_face.classifiers.knn import KNNClassifier
from metric_face.metrics.retrieval import retrieval_metrics
from metric_face.search.exact import Exclusion, nearest
from metric_face.search.in_place import nearest_in_place
from metric_face.search.index import EmbeddingIndex
from metric_face.search.neighbor_graph import NeighborGraph
from metric_face.vectors import normalize


def hard_vectors(rng, n, d):
    """Name and (n, d) float32 vectors: far from the origin, one huge column, an outlier, tiny, huge, in two heaps."""
    plain = rng.normal(size=(n, d))
    for mean in (0, 200, 500, 3000, 1e5, 1e6):
        yield f"mean {mean:g}", plain + mean
    yield "a constant column", np.c_[plain, np.full(n, 5000.0)]
    for size in (1e3, 1e6, 1e12):
        yield f"a column of {size:g}", np.c_[plain, size * rng.normal(size=n)]
    for size in (1e4, 1e10):
        outlier = plain.copy()
        outlier[n // 2] *= size
        yield f"an outlier of {size:g}", outlier
        yield f"an outlier of {size:g} far from the origin", outlier + 300
    for scale in (1e-20, 1e-10, 1e10, 1e15):
        yield f"scale {scale:g}", plain * scale
        yield f"scale {scale:g}, mean 1000", (plain + 1000) * scale
    yield "two heaps", plain + 1e5 * rng.choice([-1, 1], n)[:, None]
    yield "copies", (plain + 1000)[rng.integers(0, max(1, n // 8), n)]
    yield "a grid", rng.integers(0, 2, (n, d)) + 4096.0
    yield "heavy tails", plain * np.exp(6 * rng.normal(size=(n, 1)))
    yield "all equal", np.ones((n, d)) * 3e4


def check(ids, values, queries, base, metric, is_excluded=None):
    """Every neighbor is as near as the one that float64 puts in its place, and stands there once."""
    ranks, similar = similarities(queries, base, metric)
    if is_excluded is not None:
        ranks[is_excluded] = -np.inf
    k = ids.shape[1]
    wanted = -np.sort(-ranks, axis=1)[:, :k]
    there = wanted > -np.inf
    np.testing.assert_array_equal(ids[:, : there.shape[1]] >= 0, there)
    assert (ids[:, there.shape[1] :] == -1).all()
    for row in ids:
        assert len(set(row[row >= 0])) == (row >= 0).sum()
    got = np.take_along_axis(ranks, np.maximum(ids[:, : there.shape[1]], 0), axis=1)
    scale = np.abs(wanted)
    if metric == "inner_product":  # a sum of both signs errs by its terms
        scale = np.outer(*(np.linalg.norm(part.astype(np.float64), axis=1) for part in (queries, base))).max(
            1
        )[:, None]
    rounding = np.broadcast_to(1e-13 * scale, wanted.shape)
    if metric == "cosine":  # vectors of length one are rounded themselves
        rounding = rounding + 1e-14 * np.sqrt(np.abs(wanted)) + 1e-30
    assert (np.abs(got[there] - wanted[there]) <= rounding[there]).all()
    if metric != "inner_product":
        said = np.take_along_axis(similar, np.maximum(ids[:, : there.shape[1]], 0), axis=1)
        np.testing.assert_allclose(
            values[:, : there.shape[1]][there], said[there], rtol=1e-6, atol=1e-6 if metric == "cosine" else 0
        )
    assert (values[:, :-1] >= values[:, 1:]).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n", [1, 2, 7, 255, 257, 600])
def test_neighbors_are_those_of_float64(n, metric):
    rng = np.random.default_rng(n)
    for name, vectors in hard_vectors(rng, n, 6):
        vectors = vectors.astype(np.float32)
        identities = rng.integers(0, max(1, n // 3), n)
        for exclude, groups in ((None, np.arange(n)), (identities, identities)):
            graph = NeighborGraph.build(vectors, 5, exclude=exclude, metric=metric)
            print(name)  # shown where it fails
            check(graph.ids, graph.similarities, vectors, vectors, metric, groups[:, None] == groups)


@pytest.mark.parametrize("metric", METRICS)
def test_every_place_that_searches_agrees(metric):
    rng = np.random.default_rng(3)
    for name, vectors in hard_vectors(rng, 300, 8):
        print(name)
        vectors = vectors.astype(np.float32)
        base, queries = vectors[:260], vectors[260:]
        graph = NeighborGraph.between(queries, base, 7, metric=metric)
        check(graph.ids, graph.similarities, queries, base, metric)
        classifier = KNNClassifier(7, metric=metric).fit(base, np.arange(260) % 3)
        np.testing.assert_array_equal(classifier.search(queries)[0], graph.ids)
        index = EmbeddingIndex.build(base, kind="flat", metric=metric)
        if metric == "cosine":  # the index holds float32 vectors of length one
            base, queries = normalize(base), normalize(queries)
        for asked in (queries, queries[:2]):
            found = index.search(asked, 7)
            check(found.ids, found.similarities, asked, base, metric)


def test_a_column_without_news_changes_no_answer():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 100)
    plain = rng.normal(size=(1000, 16)) + 3 * rng.normal(size=(10, 16))[labels]
    vectors = np.c_[plain, np.full(1000, 5000.0)].astype(np.float32)
    first = NeighborGraph.build(vectors, 1, metric="euclidean").ids[:, 0]
    assert (labels[first] == labels).all()
    classifier = KNNClassifier(5, metric="euclidean").fit(vectors, labels)
    assert classifier.score(vectors, labels) == 1


def test_queries_of_any_size_are_answered():
    rng = np.random.default_rng(1)
    base = rng.normal(size=(300, 4)).astype(np.float32)
    for scale in (1e-30, 1e-12, 1e12, 1e25):
        queries = (rng.normal(size=(9, 4)) * scale).astype(np.float32)
        for metric in METRICS:
            graph = NeighborGraph.between(queries, base, 4, metric=metric)
            check(graph.ids, graph.similarities, queries, base, metric)


def test_products_beyond_float32_are_still_in_order():
    base = np.array([[1e20], [3e20], [2e20]], np.float32)
    graph = NeighborGraph.between(np.array([[1e20], [-1e20]], np.float32), base, 3, metric="inner_product")
    assert graph.ids.tolist() == [[1, 2, 0], [0, 2, 1]]
    assert np.isfinite(graph.similarities).all()


def test_a_tensor_with_a_gradient_is_read():
    torch = pytest.importorskip("torch")
    vectors = torch.eye(4, requires_grad=True)
    index = EmbeddingIndex.build(vectors, kind="flat")
    assert index.search(vectors[2], 1).ids.tolist() == [[2]]
    assert NeighborGraph.build(vectors.to(torch.bfloat16), 1).ids[:, 0].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("metric", METRICS)
def test_retrieval_is_scored_on_the_order_of_float64(metric):
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(12), 10)
    for name, vectors in hard_vectors(rng, 120, 6):
        print(name)
        vectors = (vectors + np.std(vectors) * rng.normal(size=(12, vectors.shape[1]))[labels]).astype(
            np.float32
        )
        got = retrieval_metrics(vectors, labels, metric=metric)
        ranks = similarities(vectors, vectors, metric)[0]
        np.fill_diagonal(ranks, -np.inf)
        hits = labels[np.argsort(-ranks, axis=1, kind="stable")] == labels[:, None]
        if name in ("copies", "a grid", "all equal"):
            continue  # equals: their order is another test's
        np.testing.assert_array_equal(got.per_query["recall@1"], hits[:, 0])
        np.testing.assert_allclose(got.r_precision, hits[:, :9].mean(), rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_search_in_place_finds_what_the_other_finds(seed):
    rng = np.random.default_rng(seed)
    count, k = int(rng.integers(1, 400)), int(rng.integers(1, 20))
    base = rng.normal(size=(count, 6)).astype(np.float32)
    base[rng.integers(0, count, count // 2)] = base[0]  # more equals than candidates, at times
    base = normalize(base)
    queries = np.concatenate([base[:3], normalize(rng.normal(size=(4, 6)).astype(np.float32))])
    groups = rng.integers(0, 3, count), rng.integers(0, 3, len(queries))
    for excluded in (None, Exclusion(groups[1], groups[0])):
        ours = nearest_in_place(queries, base, k, "cosine", excluded)
        theirs = nearest(queries, base, k, "cosine", excluded)
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_allclose(ours[1], theirs[1], atol=1e-6)
