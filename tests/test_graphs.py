"""Kept graphs equal those searched anew; what is stale, damaged, foreign or unwritable is neither trusted nor fatal."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_oracle import kinds_of_vectors, nearest_by_brute_force, rounding_of

from metric_face.errors import ArgumentError
from metric_face.search import graph_cache as graphs
from metric_face.search.graph_cache import DEPTH, DEPTH_BETWEEN, graph_file, kept_graph
from metric_face.search.neighbor_graph import NeighborGraph

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(60, 5)).astype(np.float32)
PEOPLE = np.repeat(np.arange(12), 5)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The k of each search made."""
    made: list[int] = []
    search = graphs._search
    monkeypatch.setattr(
        graphs, "_search", lambda vectors, k, *rest: made.append(k) or search(vectors, k, *rest)
    )
    return made


def same(one: NeighborGraph, other: NeighborGraph) -> bool:
    """The same neighbors; their float32 similarities may differ in the last bit where k was another."""
    close = np.allclose(one.similarities, other.similarities, rtol=0, atol=3e-7)
    return np.array_equal(one.ids, other.ids) and close


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_kept_equals_brute_force_in_counts_order_and_ties(seed, tmp_path_factory):
    """Identities of every size, some larger than k or with all the items; asked for once deep and then less deep."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 70)), int(rng.integers(1, 8))
    identities = rng.integers(0, rng.choice([1, 2, 6, n]), n)
    excluded = identities[:, None] == identities
    file = tmp_path_factory.mktemp("kept") / "graph.npz"
    for vectors in kinds_of_vectors(rng, n, d):
        for k in (int(rng.integers(1, 40)), int(rng.integers(1, 40))):
            kept = kept_graph(file, vectors, k, exclude=identities)
            ids, values = nearest_by_brute_force(vectors, vectors, k, "cosine", excluded)
            np.testing.assert_array_equal(kept.ids, ids)
            np.testing.assert_allclose(kept.similarities, values, rtol=1e-5, atol=rounding_of(vectors))
            np.testing.assert_array_equal((kept.ids >= 0).sum(axis=1), np.minimum(k, (~excluded).sum(axis=1)))
            assert same(kept, NeighborGraph.build(vectors, k, exclude=identities))
            assert kept.k == k


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_between_two_parts_equals_brute_force(seed, tmp_path_factory):
    rng = np.random.default_rng(seed)
    n, m, d = int(rng.integers(1, 40)), int(rng.integers(1, 60)), int(rng.integers(1, 8))
    k = int(rng.integers(1, 70))
    file = tmp_path_factory.mktemp("kept") / "graph.npz"
    for both in kinds_of_vectors(rng, n + m, d):
        queries, base = both[:n], both[n:]
        first, again = (kept_graph(file, queries, k, base=base) for _ in range(2))
        ids, values = nearest_by_brute_force(queries, base, k, "cosine")
        np.testing.assert_array_equal(first.ids, ids)
        np.testing.assert_allclose(first.similarities, values, rtol=1e-5, atol=rounding_of(both))
        assert same(first, again)


def test_one_search_serves_every_depth(tmp_path: Path, searches: list[int]) -> None:
    file = tmp_path / "neighbors" / "all.npz"
    for k in (20, 30, 1):
        assert same(
            kept_graph(file, VECTORS, k, exclude=PEOPLE), NeighborGraph.build(VECTORS, k, exclude=PEOPLE)
        )
    assert searches == [DEPTH]
    between = tmp_path / "neighbors" / "val-in-train.npz"
    for k in (5, 100):
        kept_graph(between, VECTORS[:20], k, base=VECTORS[20:])
    assert searches == [DEPTH, DEPTH_BETWEEN]
    kept_graph(file, VECTORS, 45, exclude=PEOPLE)  # deeper than anybody asked before: searched, and kept
    kept_graph(file, VECTORS, 45, exclude=PEOPLE)
    assert searches == [DEPTH, DEPTH_BETWEEN, 45]
    assert sorted(path.name for path in file.parent.iterdir()) == ["all.npz", "val-in-train.npz"]


def test_people_may_be_called_as_one_likes(tmp_path: Path, searches: list[int]) -> None:
    """One analysis has names, another their codes: it is the same graph."""
    file = tmp_path / "all.npz"
    names = np.array([f"p{99 - identity}" for identity in PEOPLE])
    one = kept_graph(file, VECTORS, 8, exclude=PEOPLE)
    assert same(one, kept_graph(file, VECTORS, 8, exclude=names))
    assert len(searches) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda vectors, identities: (vectors * np.float32(1.5), identities),
        lambda vectors, identities: (vectors[::-1].copy(), identities),
        lambda vectors, identities: (vectors[:-1], identities[:-1]),
        lambda vectors, identities: (vectors[:, :4].copy(), identities),
        lambda vectors, identities: (vectors, np.roll(identities, 1)),
        lambda vectors, identities: (vectors, None),
    ],
    ids=["model", "order", "fewer", "dimensions", "identities", "no exclusion"],
)
def test_a_stale_graph_is_searched_again_and_replaced(tmp_path, searches, change) -> None:
    file = tmp_path / "all.npz"
    kept_graph(file, VECTORS, 6, exclude=PEOPLE)
    vectors, identities = change(VECTORS, PEOPLE)
    for _ in range(2):
        now = kept_graph(file, vectors, 6, exclude=identities)
        assert same(now, NeighborGraph.build(vectors, 6, exclude=identities))
        assert now.same_identity_excluded == (identities is not None)
    assert len(searches) == 2


def test_another_base_is_another_graph(tmp_path: Path, searches: list[int]) -> None:
    file = tmp_path / "val-in-train.npz"
    kept_graph(file, VECTORS[:20], 6, base=VECTORS[20:])
    now = kept_graph(file, VECTORS[:20], 6, base=VECTORS[21:])
    assert same(now, NeighborGraph.between(VECTORS[:20], VECTORS[21:], 6))
    assert len(searches) == 2


def test_a_damaged_file_is_searched_again_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "all.npz"
    right = kept_graph(file, VECTORS, 6, exclude=PEOPLE)
    whole = file.read_bytes()
    for content in (b"", b"no zip", whole[:100], whole[:-30], whole[:900] + b"?" + whole[901:]):
        file.write_bytes(content)
        assert same(kept_graph(file, VECTORS, 6, exclude=PEOPLE), right)
        assert file.read_bytes() == whole


def test_a_foreign_graph_and_one_without_a_source_are_replaced(tmp_path: Path, searches: list[int]) -> None:
    file = tmp_path / "all.npz"
    right = kept_graph(file, VECTORS, 6, exclude=PEOPLE)
    NeighborGraph.build(VECTORS, DEPTH).save(file)  # somebody's own, kept under our name
    assert same(kept_graph(file, VECTORS, 6, exclude=PEOPLE), right)
    kept = NeighborGraph.load(file)
    replace(kept, ids=kept.ids + 60).save(file)  # points at items that are not there
    assert same(kept_graph(file, VECTORS, 6, exclude=PEOPLE), right)
    assert len(searches) == 3
    assert same(NeighborGraph.load(file).head(6), right)


def test_where_nothing_can_be_written_the_graph_is_searched_all_the_same(tmp_path, searches) -> None:
    (tmp_path / "neighbors").write_text("a file where the folder should be")
    file = graph_file(tmp_path, "all")
    for _ in range(2):
        assert kept_graph(file, VECTORS, 6, exclude=PEOPLE).k == 6
    assert len(searches) == 2
    kept_graph(None, VECTORS, 6)
    assert searches[-1] == 6  # nothing is kept, so nothing deeper is searched


def test_files_are_named_after_what_they_hold(tmp_path: Path) -> None:
    assert graph_file(tmp_path, "val") == tmp_path / "neighbors" / "val.npz"
    assert graph_file(tmp_path, "val", "train").name == "val-in-train.npz"
    assert graph_file(tmp_path, "../evil/part").parent == tmp_path / "neighbors"


def test_bad_vectors_are_refused_whether_kept_or_not(tmp_path: Path) -> None:
    for file in (None, tmp_path / "all.npz"):
        with pytest.raises(ArgumentError, match="exclude must hold one identity for each of the 60"):
            kept_graph(file, VECTORS, 6, exclude=[1])
        with pytest.raises(ArgumentError, match="queries must have D = 5"):
            kept_graph(file, VECTORS[:, :3], 6, base=VECTORS)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_analyzes_of_a_run_share_its_graphs(
    toy: Path, tmp_path: Path, searches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from training_cases import tiny_config

    from metric_face import evaluate, extract, fit
    from metric_face.diagnosis.from_run import context_from_run
    from metric_face.inference.index_building import build_index
    from metric_face.visualization.maps import visualize
    from metric_face.visualization.projection import Projection

    flat = np.random.default_rng(0).normal(size=(96, 2)).astype(np.float32)
    monkeypatch.setattr(
        "metric_face.visualization.maps.project", lambda *_, **__: Projection(flat, 0, 15, 0.1)
    )
    run = fit(tiny_config(toy, trainer__epochs=1), tmp_path / "run", quiet=True)
    extract(run, run.table, folder=run.folder / "embeddings")
    first = evaluate(run)
    context = context_from_run(run)
    graph = context.graph
    assert searches == [DEPTH_BETWEEN, DEPTH]
    made = visualize(run, split="all", folder=tmp_path / "pictures", thumbnails=False)
    assert made.page.is_file()
    build_index(run)
    assert same(context_from_run(run).graph, graph)
    assert evaluate(run) == first
    assert len(searches) == 2
    stored = run.embeddings()
    replace(stored, vectors=stored.vectors[:, ::-1] + np.float32(0.5)).save(run.folder / "embeddings")
    evaluate(run)
    assert len(searches) == 3  # embedded anew: what was kept is of other vectors
    identities = stored.table.identities
    assert (identities[graph.ids] != identities[:, None]).all()
