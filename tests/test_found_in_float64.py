"""What ivf and hnsw find is ordered, valued and judged in float64, where float32 sums have no digits left."""

import numpy as np
import pytest

from metric_face.search.index import EmbeddingIndex
from metric_face.search.tuning import HeldOut


def far_from_the_origin(count: int, seed: int) -> np.ndarray:
    """Clusters of spread 1 whose mean is 3,000: squared lengths are 1e8, gaps between neighbors 0.1."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(99).normal(size=(20, 12)) * 3
    return (centers[rng.integers(0, 20, count)] + rng.normal(size=(count, 12)) + 3000).astype(np.float32)


@pytest.mark.parametrize("metric", ["euclidean", "inner_product", "cosine"])
@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_what_is_found_is_in_the_order_of_float64(kind: str, metric: str) -> None:
    base, queries = far_from_the_origin(1500, 0), far_from_the_origin(40, 1)
    index = EmbeddingIndex.build(base, kind=kind, metric=metric, threads=1)
    index.remove([3, 40, 41])
    found = index.search(queries, 8)
    rows, asked = np.asarray(found.ids), queries.astype(np.float64)
    wide = base.astype(np.float64)
    if metric == "cosine":  # of the vectors of length one that the index holds
        asked, wide = (
            (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32).astype(np.float64)
            for v in (asked, wide)
        )
    if metric == "euclidean":
        wanted = -np.linalg.norm(asked[:, None] - wide[rows], axis=2)
    else:
        wanted = (asked[:, None] * wide[rows]).sum(axis=2)
    np.testing.assert_allclose(found.similarities, wanted, rtol=3e-7)
    assert (np.diff(found.similarities, axis=1) <= 0).all()
    tied = np.diff(found.similarities, axis=1) == 0
    assert (np.diff(rows, axis=1)[tied] > 0).all()


@pytest.mark.parametrize("metric", ["euclidean", "inner_product", "cosine"])
def test_the_share_that_is_found_equals_a_float64_brute_force(metric: str) -> None:
    vectors, rng = far_from_the_origin(600, 2), np.random.default_rng(0)
    asked = np.sort(rng.choice(600, 50, replace=False))
    held = HeldOut(vectors, asked, metric)
    wide = vectors.astype(np.float64)
    if metric == "cosine":
        wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    order = np.random.default_rng(0).permutation(asked)  # that of the queries
    far = np.linalg.norm(wide[order][:, None] - wide, axis=2)
    similar = -far if metric == "euclidean" else wide[order] @ wide.T

    similar[:, asked] = -np.inf
    best = np.argsort(-similar, axis=1, kind="stable")
    found = np.concatenate([best[:, :6], best[:, 30:34]], axis=1)
    shares = held.recall(slice(None), found)
    if metric == "euclidean":
        np.testing.assert_allclose(shares, 0.6)
    else:  # values of products lie so close together here that float32 cannot tell some of them apart
        assert (shares >= 0.6 - 1e-9).all()
    np.testing.assert_allclose(held.recall(slice(None), best[:, :10]), 1)
    np.testing.assert_allclose(held.recall(slice(None), np.full((50, 10), -1)), 0)


@pytest.mark.parametrize("kind", ["ivf", "hnsw", "flat"])
def test_recall_is_not_that_of_another_index(kind: str, tmp_path) -> None:
    index = EmbeddingIndex.build(far_from_the_origin(300, 0), kind=kind, metric="euclidean")
    built = index.recall.reached
    assert built is not None
    index.add(np.empty((0, 12), np.float32))
    assert index.recall.reached == built
    index.add(far_from_the_origin(3000, 5))
    index.save(tmp_path / "index")
    for one in (index, EmbeddingIndex.load(tmp_path / "index"), EmbeddingIndex.merge([index.empty(), index])):
        if kind == "flat":
            assert one.recall.reached == 1
            assert repr(one).endswith("euclidean, exact)")
        else:
            assert (one.recall.reached, one.recall.num_queries, one.recall.count) == (None, 0, 3300)
            assert repr(one).endswith("recall@10 not measured since it changed)")
