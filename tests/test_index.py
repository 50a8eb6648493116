"""EmbeddingIndex: found values and order against brute force, labels that stay with vectors, errors."""

import os
import subprocess
import sys
import textwrap
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_oracle import METRICS, kinds_of_vectors, nearest_by_brute_force, rounding_of

from metric_face.errors import ArgumentError, ModelMismatchError
from metric_face.search.index import EmbeddingIndex
from metric_face.vectors import normalize

KINDS = ["flat", "ivf", "hnsw", "ivfsq", "ivfpq"]
DIMENSIONS = 8


def vector_of(number):
    """A vector that belongs to one id and to no other."""
    return np.random.default_rng(number).normal(size=DIMENSIONS).astype(np.float32)


def vectors_of(numbers):
    return np.array([vector_of(number) for number in numbers], np.float32).reshape(-1, DIMENSIONS)


def columns_of(numbers):
    return {
        "identity": [f"identity {number // 3}" for number in numbers],
        "number": np.asarray(numbers, np.int64),
        "half": np.asarray(numbers) / 2,
        "even": np.asarray(numbers) % 2 == 0,
    }


@cache
def trained(kind, metric="cosine"):
    numbers = np.arange(400)
    return EmbeddingIndex.build(vectors_of(numbers), columns_of(numbers), kind=kind, metric=metric)


def look_everywhere(index):
    """Let an approximate index answer exactly."""
    if index.kind.startswith("ivf"):
        index.faiss_index.nprobe = index.faiss_index.nlist
    elif index.kind == "hnsw":
        index.faiss_index.hnsw.efSearch = 1000
    return index


def unit(vectors):
    """What an index holds for the cosine."""
    return normalize(np.asarray(vectors, np.float32))


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_flat_values_and_order_are_those_of_brute_force(metric, seed):
    rng = np.random.default_rng(seed)
    n, d, k = int(rng.integers(1, 90)), int(rng.integers(1, 20)), int(rng.integers(1, 30))
    for vectors in kinds_of_vectors(rng, n, d):
        queries = vectors[rng.integers(0, n, 7)]
        identities = rng.integers(0, rng.choice([1, 3, n]), n)
        index = EmbeddingIndex.build(vectors, {"identity": identities}, kind="flat", metric=metric)
        asked = rng.integers(0, 3, 7)
        for exclude, excluded in ((None, None), (asked, asked[:, None] == identities)):
            found = index.search(queries, k, exclude=exclude)
            held = (queries, vectors) if metric != "cosine" else (unit(queries), unit(vectors))
            ids, values = nearest_by_brute_force(*held, k, metric, excluded)
            np.testing.assert_array_equal(found.ids, ids)
            np.testing.assert_allclose(found.similarities, values, rtol=1e-5, atol=rounding_of(vectors))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_approximate_kinds_that_look_everywhere_equal_brute_force(kind, metric):
    index = look_everywhere(trained(kind, metric))
    queries = vectors_of(range(1000, 1050))
    found = index.search(queries, 20)
    ids, values = nearest_by_brute_force(queries, vectors_of(range(400)), 20, metric)
    np.testing.assert_array_equal(found.ids, ids)
    np.testing.assert_allclose(found.similarities, values, rtol=1e-5, atol=rounding_of(queries))


@pytest.mark.parametrize("kind", KINDS)
def test_equals_come_in_order_and_similarities_descend(kind):
    vectors = np.repeat(vectors_of(range(60)), 5, axis=0)
    index = look_everywhere(EmbeddingIndex.build(vectors, kind=kind))
    found = index.search(vectors[::5], 5)
    assert (np.diff(found.similarities) <= 0).all()
    is_tied = np.diff(found.similarities) == 0
    assert (np.diff(found.ids)[is_tied] > 0).all()
    if not kind.startswith("ivf") or kind == "ivf":
        np.testing.assert_array_equal(found.ids, np.arange(300).reshape(60, 5))


def test_ivfpq_orders_by_its_own_similarities_and_is_near_the_truth():
    index = look_everywhere(trained("ivfpq"))
    queries = vectors_of(range(1000, 1050))
    found = index.search(queries, 10)
    assert (np.diff(found.similarities) <= 0).all()
    ids, values = nearest_by_brute_force(queries, vectors_of(range(400)), 400, "cosine")
    true = np.take_along_axis(values, np.argsort(ids, axis=1), axis=1)[np.arange(50)[:, None], found.ids]
    assert np.abs(true - found.similarities).max() < 0.3
    assert true.mean() > values[:, :10].mean() - 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_recall_reached_is_the_recall_of_new_queries(kind):
    index = EmbeddingIndex.build(vectors_of(range(400)), kind=kind, recall=0.9)
    queries = vectors_of(range(2000, 2400))
    found = index.search(queries, 10).ids
    truth, _ = nearest_by_brute_force(queries, vectors_of(range(400)), 10, "cosine")
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])
    assert abs(recall - index.recall.reached) < 0.12
    assert index.recall.target == 0.9
    assert kind == "ivfpq" or recall > 0.85


@pytest.mark.parametrize("kind", KINDS)
def test_exclusion_leaves_k_of_other_identities(kind):
    index = trained(kind)
    found = index.search(
        vectors_of(range(30)), 5, exclude=[f"identity {number // 3}" for number in range(30)]
    )
    assert (found.ids >= 0).all()
    assert (found.ids // 3 != np.arange(30)[:, None] // 3).all()


@pytest.mark.parametrize("kind", KINDS)
def test_an_identity_that_fills_every_first_answer_is_asked_around(kind):
    rng = np.random.default_rng(0)
    vectors = np.concatenate([1 + 0.1 * rng.normal(size=(500, 4)), -1 + 0.1 * rng.normal(size=(30, 4))])
    identities = np.repeat([7, 8], [500, 30])
    index = EmbeddingIndex.build(vectors, {"identity": identities}, kind=kind)
    found = index.search(vectors[:20], 6, exclude=np.full(20, 7))
    assert (found.ids >= 500).all()
    too_many = index.search(vectors[:2], 40, exclude=[7, 7])
    assert ((too_many.ids >= 0).sum(axis=1) == 30).all()
    assert (index.search(vectors[:2], 3, exclude=[9, 9]).ids >= 0).all()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_labels_stay_with_their_vectors(kind, tmp_path_factory, data):
    index, alive, next_id = trained(kind).empty(), {}, 0
    steps = data.draw(st.lists(st.sampled_from(["add", "remove", "merge", "save"]), min_size=1, max_size=8))
    for step in steps:
        numbers = list(range(next_id, next_id + data.draw(st.integers(0, 12))))
        if step == "remove" and alive:
            gone = data.draw(st.lists(st.sampled_from(sorted(alive)), unique=True))
            index.remove(gone)
            for number in gone:
                del alive[number]
        elif step == "save" and alive:
            folder = tmp_path_factory.mktemp("index") / "index"
            index.save(folder)
            index = EmbeddingIndex.load(folder)
        elif numbers:
            next_id += len(numbers)
            alive.update(dict.fromkeys(numbers))
            if step == "merge":
                shard = trained(kind).empty().add(vectors_of(numbers), columns_of(numbers), ids=numbers)
                index = EmbeddingIndex.merge([index, shard])
            else:
                index.add(vectors_of(numbers), columns_of(numbers), ids=numbers)
    check_labels(look_everywhere(index), sorted(alive))


def check_labels(index, numbers):
    assert sorted(index.ids.tolist()) == numbers
    for name, values in columns_of(index.ids).items():
        np.testing.assert_array_equal(index.columns[name], values)
    found = (
        index.search(vectors_of(numbers), max(1, len(numbers)))
        if numbers
        else index.search(vectors_of([0]), 2)
    )
    assert (np.sort(found.ids, axis=1) == (np.array(numbers) if numbers else -1)).all()
    if numbers and index.kind in ("flat", "ivf", "hnsw"):
        assert found.ids[:, 0].tolist() == numbers
    np.testing.assert_array_equal(index.lookup("number", found), found.ids)


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw"])
def test_shards_trained_apart_merge(kind):
    shards = [
        EmbeddingIndex.build(vectors_of(part), columns_of(part), kind=kind, ids=part)
        for part in (range(100), range(100, 350))
    ]
    shards[0].remove([5, 6])
    merged = look_everywhere(EmbeddingIndex.merge(shards))
    check_labels(merged, [number for number in range(350) if number not in (5, 6)])
    assert [len(shard) for shard in shards] == [98, 250]
    check_labels(look_everywhere(shards[0]), [number for number in range(100) if number not in (5, 6)])


def test_ivfpq_shards_trained_apart_are_refused():
    shards = [
        EmbeddingIndex.build(vectors_of(part), kind="ivfpq", ids=part) for part in (range(50), range(50, 100))
    ]
    with pytest.raises(ArgumentError, match=r"must share their training .* first\.empty\(\) and \.add\(\)"):
        EmbeddingIndex.merge(shards)


def test_renumbered_merge_counts_from_zero():
    shards = [EmbeddingIndex.build(vectors_of(range(3))), EmbeddingIndex.build(vectors_of(range(3, 7)))]
    with pytest.raises(
        ArgumentError, match=r"shards must have different ids, found 0 in two of them; .*renumber=True"
    ):
        EmbeddingIndex.merge(shards)
    merged = EmbeddingIndex.merge(shards, renumber=True)
    assert merged.search(vectors_of(range(7)), 1).ids.ravel().tolist() == list(range(7))


def test_hnsw_is_built_again_when_too_much_was_removed():
    numbers = list(range(200))
    index = EmbeddingIndex.build(vectors_of(numbers), columns_of(numbers), kind="hnsw")
    index.remove(numbers[:60])
    assert index.faiss_index.ntotal == 200
    index.remove(numbers[60:100])
    assert index.faiss_index.ntotal == 100
    check_labels(look_everywhere(index), numbers[100:])


def test_an_error_leaves_the_index_as_it_was():
    index = trained("flat").empty().add(vectors_of(range(5)), columns_of(range(5)))
    bad = vectors_of([5, 6])
    bad[1] = 0
    for vectors, labels, ids in (
        (bad, columns_of([5, 6]), None),
        (bad[:1], columns_of([5]), [3]),
        (bad[:1], {"identity": ["x"]}, None),
    ):
        with pytest.raises(ArgumentError):
            index.add(vectors, labels, ids=ids)
        check_labels(index, list(range(5)))
    with pytest.raises(ArgumentError, match="ids must be ids of the index, found 9"):
        index.remove([1, 9])
    check_labels(index, list(range(5)))


def test_embeddings_bring_their_table_and_fingerprint():
    frame = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "identity": [4, 4]})
    ours = SimpleNamespace(
        vectors=np.eye(2, dtype=np.float32), table=SimpleNamespace(frame=frame), fingerprint="abc"
    )
    index = EmbeddingIndex.build(ours)
    assert (index.fingerprint, list(index.columns)) == ("abc", ["path", "identity"])
    found = index.search(ours, 1, fingerprint="abc")
    assert index.lookup("path", found).ravel().tolist() == ["a.jpg", "b.jpg"]
    other = SimpleNamespace(vectors=np.eye(2, dtype=np.float32), table=ours.table, fingerprint="xyz")
    message = "must come from the model of the index, abc, found xyz"
    with pytest.raises(ModelMismatchError, match=f"queries {message}"):
        index.search(other, 1)
    with pytest.raises(ModelMismatchError, match=f"embeddings {message}"):
        index.add(other)
    with pytest.raises(ModelMismatchError, match=f"queries {message}"):
        index.search(np.eye(2), 1, fingerprint="xyz")
    with pytest.raises(ModelMismatchError, match=f"shard 1 {message}"):
        EmbeddingIndex.merge([index, EmbeddingIndex.build(other)], renumber=True)


def test_unknown_identities_belong_to_no_identity():
    index = EmbeddingIndex.build(np.eye(3), {"identity": ["a", None, None]})
    assert (index.search(np.eye(3), 3, exclude=["a", None, None]).ids >= 0).sum(axis=1).tolist() == [2, 3, 3]
    with pytest.raises(
        ArgumentError, match="exclude must hold identities as the index does, object, found int64"
    ):
        index.search(np.eye(3), 3, exclude=[1, 2, 3])


def test_one_query_and_missing_neighbors():
    index = EmbeddingIndex.build(np.eye(2), columns_of([0, 1]), metric="euclidean")
    found = index.search([1.0, 0.0], 3)
    assert found.ids.tolist() == [[0, 1, -1]]
    np.testing.assert_allclose(found.distances, [[0, np.sqrt(2), np.inf]])
    assert index.lookup("identity", found).tolist() == [["identity 0", "identity 0", None]]
    assert index.lookup("number", found).tolist() == [[0, 1, -1]]
    assert index.lookup("even", found).tolist() == [[True, False, False]]
    assert np.isnan(index.lookup("half", found)[0, 2])
    assert found.head(1).ids.tolist() == [[0]]
    assert (len(found), found.k) == (1, 3)


def test_repr_says_kind_and_recall():
    assert repr(EmbeddingIndex.build(np.eye(2))) == "EmbeddingIndex(2 x 2, flat, cosine, exact)"
    assert repr(trained("ivf")).startswith("EmbeddingIndex(400 x 8, ivf, cosine, recall@10 ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"embeddings": np.ones((0, 2))}, "embeddings must hold at least one vector, found none"),
        ({"kind": "lsh"}, "kind must be auto, flat, ivf, hnsw, ivfsq, ivfpq, found 'lsh'"),
        ({"metric": "l2"}, "metric must be one of cosine, inner_product, euclidean, found 'l2'"),
        ({"recall": 0}, "recall must lie above 0 and at most at 1, found 0"),
        ({"ids": [1, 1]}, "ids must each stand once in the index, found 1 twice"),
        ({"ids": [1]}, "ids must hold one id for each of the 2 vectors, found 1"),
        ({"ids": [-1, 1]}, "ids must be 0 or greater, found -1"),
        ({"ids": [0.5, 1]}, "ids must be whole numbers, found float64"),
        (
            {"labels": [1]},
            r"labels: column 'label' must have one value for each of the 2 vectors, found shape \(1,\)",
        ),
        ({"labels": {"__id__": [1, 2]}}, "a column name must not begin with two underscores"),
        ({"memory_budget": 8}, r"memory_budget must be at least .* found 8"),
    ],
)
def test_errors_of_build(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        EmbeddingIndex.build(**{"embeddings": np.eye(2), **arguments})


def test_errors_of_search():
    index = EmbeddingIndex.build(np.eye(2), ["a", "b"])
    for arguments, message in (
        ({"queries": np.eye(3)}, "queries must have D = 2 as the vectors searched, found 3"),
        ({"queries": np.zeros((1, 2))}, "queries must have no row of zeros under the cosine, found row 0"),
        ({"k": 0}, "k must be a whole number of at least 1, found 0"),
        ({"exclude": ["a", "b"]}, r"column must be one of \['label'\], found 'identity'"),
        ({"exclude": ["a"]}, "exclude must hold one identity for each of the 2 queries"),
    ):
        with pytest.raises(ArgumentError, match=message):
            index.search(**{"queries": np.eye(2), "k": 1, **arguments})
    with pytest.raises(ArgumentError, match="shards must hold at least one index"):
        EmbeddingIndex.merge([])
    with pytest.raises(
        ArgumentError, match="shards must have one metric, found cosine in shard 0 and euclidean"
    ):
        EmbeddingIndex.merge([index, EmbeddingIndex.build(np.eye(2), metric="euclidean")])


def test_a_grown_index_says_when_its_recall_was_measured() -> None:
    index = EmbeddingIndex.build(vectors_of(range(200)), kind="hnsw")
    assert "not measured" not in repr(index)
    index.add(vectors_of(range(200, 900)))
    assert repr(index).endswith("recall@10 not measured since it changed)")


def test_shards_merge_beside_another_librarys_changes_to_faiss(tmp_path):
    """pytorch-metric-learning imports faiss.contrib.torch_utils, after which FAISS returns tensors."""
    lines = """
        import faiss.contrib.torch_utils
        import numpy as np
        from metric_face import EmbeddingIndex
        X = np.random.default_rng(0).standard_normal((600, 16)).astype(np.float32)
        for kind in ("flat", "hnsw", "ivf", "ivfsq", "ivfpq"):
            whole = EmbeddingIndex.build(X, kind=kind)
            near = whole.search(X[:5], k=3).ids
            whole.save("index")
            assert (EmbeddingIndex.load("index", mmap=True).search(X[:5], k=3).ids == near).all()
            if kind != "hnsw":
                shards = [whole.empty().add(X[rows], ids=rows) for rows in np.split(np.arange(600), 2)]
                assert type(EmbeddingIndex.merge(shards).search(X[:5], k=3).ids) is np.ndarray
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(lines)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
