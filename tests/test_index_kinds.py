"""Which kind of index is chosen, what it weighs, and that tuning finds the least effort that is enough."""

import numpy as np
import pytest

from metric_face.errors import ArgumentError
from metric_face.search.index import EmbeddingIndex
from metric_face.search.kinds import get_effort, plan_index, set_effort

MILLION = 1_000_000


def clustered(count, dimensions=16, seed=0):
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(99).normal(size=(60, dimensions))
    return (centers[rng.integers(0, 60, count)] + 0.5 * rng.normal(size=(count, dimensions))).astype(
        np.float32
    )


@pytest.mark.parametrize(
    ("count", "dimensions", "budget", "kind"),
    [
        (10_000, 512, None, "flat"),
        (100_000, 512, None, "flat"),
        (200_000, 128, None, "hnsw"),
        (200_000, 128, 200_000 * 580, "ivf"),
        (MILLION, 128, None, "ivf"),
        (MILLION, 512, 3 << 30, "ivf"),
        (MILLION, 512, 1 << 30, "ivfsq"),
        (MILLION, 512, 400 << 20, "ivfpq"),
        (50_000, 512, 20 << 20, "ivfpq"),
    ],
)
def test_the_kind_follows_from_size_and_memory(count, dimensions, budget, kind):
    plan = plan_index("auto", count, dimensions, budget)
    assert plan.kind == kind
    assert budget is None or plan.memory(count, dimensions) <= budget


def test_codes_are_as_long_as_the_memory_allows():
    lengths = [
        plan_index("ivfpq", MILLION, 128, budget).code_bytes for budget in (30 << 20, 80 << 20, 160 << 20)
    ]
    assert lengths == [16, 64, 128]
    assert plan_index("ivfpq", MILLION, 128, None).code_bytes == 64


def test_a_budget_too_small_names_the_least():
    with pytest.raises(
        ArgumentError, match=r"memory_budget must be at least 11,\d+,\d+ bytes for 1000000 vectors"
    ):
        plan_index("auto", MILLION, 128, 1000)
    with pytest.raises(ArgumentError, match=r"as flat, found 1,000; raise it or choose ivfpq"):
        plan_index("flat", MILLION, 128, 1000)


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw", "ivfsq", "ivfpq"])
def test_the_file_weighs_what_the_plan_says(kind, tmp_path):
    vectors = clustered(4000)
    index = EmbeddingIndex.build(vectors, kind=kind)
    size = (index.save(tmp_path / "index") / "index.faiss").stat().st_size
    assert size == pytest.approx(plan_index(kind, 4000, 16, None).memory(4000, 16), rel=0.1)


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_the_target_is_reached_with_little_more_than_needed(kind):
    index = EmbeddingIndex.build(clustered(5000), kind=kind, recall=0.95)
    assert index.recall.reached >= 0.94
    assert index.recall.num_queries == 300
    assert index.recall.count == 5000
    queries, exact = clustered(300, seed=1), EmbeddingIndex.build(clustered(5000), kind="flat")
    truth = exact.search(queries, 10).ids

    def recall():
        found = index.search(queries, 10).ids
        return np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])

    chosen = get_effort(index.faiss_index)
    assert recall() >= 0.93
    if kind == "ivf":
        assert 1 < chosen < index.faiss_index.nlist
        set_effort(index.faiss_index, chosen // 2)
        assert recall() < 0.95


def test_a_target_out_of_reach_is_reported():
    index = EmbeddingIndex.build(clustered(3000), kind="ivfpq", memory_budget=60_000, recall=0.98)
    assert index.recall.target == 0.98
    assert index.recall.reached < 0.9


def test_held_out_queries_are_in_the_index_after_all():
    vectors = clustered(1000)
    for kind in ("ivf", "hnsw"):
        index = EmbeddingIndex.build(vectors, kind=kind)
        assert len(index) == 1000
        assert (index.search(vectors, 1).ids.ravel() == np.arange(1000)).mean() > 0.97


def test_the_same_seed_builds_the_same_index():
    first, second = (EmbeddingIndex.build(clustered(2000), kind="ivf", seed=3, threads=1) for _ in range(2))
    queries = clustered(50, seed=5)
    np.testing.assert_array_equal(first.search(queries, 10).ids, second.search(queries, 10).ids)
    assert first.recall == second.recall


@pytest.mark.parametrize("count", [1, 2, 3, 30])
@pytest.mark.parametrize("kind", ["ivf", "hnsw", "ivfsq", "ivfpq"])
def test_very_few_vectors_are_no_error(kind, count):
    vectors = clustered(count)
    if kind == "ivfpq" and count == 1:
        with pytest.raises(
            ArgumentError, match=r"kind 'ivfpq' needs at least 2 vectors .* found 1; choose flat"
        ):
            EmbeddingIndex.build(vectors, kind=kind)
        return
    index = EmbeddingIndex.build(vectors, kind=kind)
    assert (np.sort(index.search(vectors, count).ids) == np.arange(count)).all()
