"""The neighbor graph against a brute-force oracle: values, order, ties, exclusion; and its file."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_oracle import METRICS, kinds_of_vectors, nearest_by_brute_force, rounding_of

from metric_face.errors import ArgumentError, FileFormatError
from metric_face.search import exact as exact_search
from metric_face.search.neighbor_graph import NeighborGraph
from metric_face.search.order import Queries


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_values_and_order_are_those_of_brute_force(metric, seed):
    rng = np.random.default_rng(seed)
    n, d, k = int(rng.integers(1, 90)), int(rng.integers(1, 20)), int(rng.integers(1, 50))
    identities = rng.integers(0, rng.choice([1, 2, 5, n]), n) if rng.random() < 0.6 else None
    groups = np.arange(n) if identities is None else identities
    for vectors in kinds_of_vectors(rng, n, d):
        graph = NeighborGraph.build(vectors, k, exclude=identities, metric=metric)
        ids, values = nearest_by_brute_force(vectors, vectors, k, metric, groups[:, None] == groups)
        np.testing.assert_array_equal(graph.ids, ids)
        np.testing.assert_allclose(graph.similarities, values, rtol=1e-5, atol=rounding_of(vectors))


def test_dtypes_and_record():
    graph = NeighborGraph.build(np.eye(4), 2)
    assert (graph.ids.dtype, graph.similarities.dtype) == (np.int64, np.float32)
    assert (len(graph), graph.k, graph.metric, graph.same_identity_excluded) == (4, 2, "cosine", False)
    assert NeighborGraph.build(np.eye(4), 2, exclude=[0, 0, 1, 1]).same_identity_excluded


def test_equal_vectors_come_in_order_of_their_ids():
    graph = NeighborGraph.build(np.ones((50, 3)), 7)
    assert graph.ids[0].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert graph.ids[49].tolist() == [0, 1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(graph.similarities, 1, atol=1e-6)


def test_a_collapsed_embedding_is_no_reason_to_compare_everything_again(monkeypatch):
    rows = []
    compare = Queries.pairs
    monkeypatch.setattr(
        Queries, "pairs", lambda self, at, ids: rows.append(len(at)) or compare(self, at, ids)
    )
    NeighborGraph.build(np.ones((2000, 3)), 5)
    assert sum(rows) <= 2000 * 100


def test_one_huge_identity_does_not_make_rows_fall_short():
    rng = np.random.default_rng(0)
    identities = np.repeat([0, 1, 2], [900, 60, 40])
    centers = rng.normal(size=(3, 8))
    vectors = centers[identities] + 0.1 * rng.normal(size=(1000, 8))  # own identity fills every first answer
    graph = NeighborGraph.build(vectors, 10, exclude=identities)
    assert (graph.ids >= 0).all()
    assert (identities[graph.ids] != identities[:, None]).all()
    ids, _ = nearest_by_brute_force(vectors, vectors, 10, "cosine", identities[:, None] == identities)
    np.testing.assert_array_equal(graph.ids, ids)


def test_exact_counts_where_too_few_are_valid():
    identities = np.array(["a", "a", "a", "b", "c"])
    graph = NeighborGraph.build(np.random.default_rng(1).normal(size=(5, 3)), 4, exclude=identities)
    assert (graph.ids >= 0).sum(axis=1).tolist() == [2, 2, 2, 4, 4]
    assert (graph.similarities[graph.ids < 0] == -np.inf).all()
    alone = NeighborGraph.build(np.eye(3), 2, exclude=[7, 7, 7])
    assert (alone.ids == -1).all()
    assert (NeighborGraph.build(np.ones((1, 2)), 3).ids == -1).all()


def test_items_of_unknown_identity_belong_to_no_identity():
    graph = NeighborGraph.build(np.eye(4), 3, exclude=np.array(["a", "a", None, None], object))
    assert (graph.ids >= 0).sum(axis=1).tolist() == [2, 2, 3, 3]


def test_chunks_do_not_change_the_answer(monkeypatch):
    vectors = np.random.default_rng(2).integers(-1, 2, (300, 6)) + 0.5
    whole = NeighborGraph.build(vectors, 9, exclude=np.arange(300) // 7)
    monkeypatch.setattr(exact_search, "_BLOCK_BYTES", 1)
    cut = NeighborGraph.build(vectors, 9, exclude=np.arange(300) // 7)
    np.testing.assert_array_equal(whole.ids, cut.ids)
    np.testing.assert_array_equal(whole.similarities, cut.similarities)


@pytest.mark.parametrize("metric", METRICS)
def test_lists_find_most_of_it_and_say_how_much(metric):
    rng = np.random.default_rng(5)
    centers = rng.normal(size=(40, 8))
    vectors = centers[rng.integers(0, 40, 3000)] + 0.5 * rng.normal(size=(3000, 8))
    identities = np.arange(3000) // 7
    exact, near = (
        NeighborGraph.build(vectors, 10, exclude=identities, metric=metric, kind=kind, recall=0.95)
        for kind in ("flat", "ivf")
    )
    found = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact.ids, near.ids, strict=True)])
    assert exact.recall == 1
    assert near.recall >= 0.94
    assert abs(found - near.recall) < 0.03
    assert (near.ids >= 0).all()
    assert (identities[near.ids] != identities[:, None]).all()
    assert (np.diff(near.similarities) <= 0).all()


def test_threads_are_set_for_the_search_alone():
    import faiss

    before = faiss.omp_get_max_threads()
    NeighborGraph.build(np.eye(3), 1, threads=1)
    assert faiss.omp_get_max_threads() == before


def test_distances_and_head():
    vectors = np.array([[0.0, 0], [3, 4], [0, 1]])
    graph = NeighborGraph.build(vectors, 2, metric="euclidean")
    np.testing.assert_allclose(graph.distances[0], [1, 5])
    assert graph.head(1).ids.tolist() == graph.ids[:, :1].tolist()
    cosine = NeighborGraph.build(np.eye(2), 2)
    np.testing.assert_allclose(cosine.distances, [[1, np.inf], [1, np.inf]])
    with pytest.raises(ArgumentError, match=r"k must be at most the 2 neighbors of this graph, found 3"):
        graph.head(3)
    with pytest.raises(ArgumentError, match="'inner_product' has no distance"):
        _ = NeighborGraph.build(np.eye(2), 1, metric="inner_product").distances


def test_an_object_with_vectors_is_taken():
    class Extracted:
        vectors = np.eye(3, dtype=np.float32)

    assert NeighborGraph.build(Extracted(), 1).ids.ravel().tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("vectors", "arguments", "message"),
    [
        (np.ones(3), {}, r"embeddings must have shape \(N, D\), found \(3,\)"),
        (np.array([[1.0], [np.nan]]), {}, "embeddings must be finite, found nan or infinity in row 1"),
        (np.array([[1.0], [0.0]]), {}, "embeddings must have no row of zeros under the cosine, found row 1"),
        (np.array([["a"]]), {}, r"embeddings must be an \(N, D\) array of numbers"),
        (np.eye(2), {"k": 0}, "k must be a whole number of at least 1, found 0"),
        (np.eye(2), {"k": True}, "k must be a whole number of at least 1, found True"),
        (np.eye(2), {"metric": "l2"}, "metric must be one of cosine, inner_product, euclidean, found 'l2'"),
        (np.eye(2), {"kind": "hnsw"}, "kind must be auto, flat or ivf, found 'hnsw'"),
        (np.eye(2), {"exclude": [1]}, "exclude must hold one identity for each of the 2 embeddings, found 1"),
        (np.eye(2), {"threads": 0}, "threads must be at least 1, found 0"),
    ],
)
def test_errors_name_the_argument(vectors, arguments, message):
    with warnings.catch_warnings(), pytest.raises(ArgumentError, match=message):
        NeighborGraph.build(vectors, **{"k": 1, **arguments})


def test_save_and_load(tmp_path: Path):
    graph = NeighborGraph.build(np.random.default_rng(3).normal(size=(20, 4)), 5, exclude=np.arange(20) // 2)
    graph.save(tmp_path / "graph.npz")
    loaded = NeighborGraph.load(tmp_path / "graph.npz")
    np.testing.assert_array_equal(loaded.ids, graph.ids)
    np.testing.assert_array_equal(loaded.similarities, graph.similarities)
    assert (loaded.metric, loaded.same_identity_excluded, loaded.recall) == ("cosine", True, 1.0)
    assert [file.name for file in tmp_path.iterdir()] == ["graph.npz"]


def test_damaged_and_foreign_files_are_refused(tmp_path: Path):
    path = NeighborGraph.build(np.eye(30), 5).save(tmp_path / "graph.npz")
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"PK not a zip", whole[:-200] + b"x" * 200):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"graph\.npz is truncated or not a neighbor graph"):
            NeighborGraph.load(path)
    with pytest.raises(FileFormatError, match="does not exist"):
        NeighborGraph.load(tmp_path / "none.npz")
    np.savez(path, header=np.array('{"format": "other"}'), ids=np.eye(2))
    with pytest.raises(FileFormatError, match="is not a neighbor graph; give a file that"):
        NeighborGraph.load(path)
    np.savez(path, header=np.array([object()], dtype=object))
    with pytest.raises(FileFormatError, match="not a neighbor graph"):
        NeighborGraph.load(path)


def test_a_flipped_bit_anywhere_is_refused_or_harmless(tmp_path: Path) -> None:
    """In the arrays it breaks a checksum; in the archive's own records it may announce what no reader expects."""
    graph = NeighborGraph.build(np.random.default_rng(3).normal(size=(20, 4)), 5)
    path = graph.save(tmp_path / "graph.npz")
    whole = path.read_bytes()
    refused = 0
    for place in (*range(0, len(whole) - 160, 31), *range(len(whole) - 160, len(whole))):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << bit
            path.write_bytes(bytes(flipped))
            try:
                loaded = NeighborGraph.load(path)
            except FileFormatError:
                refused += 1
            else:
                np.testing.assert_array_equal(loaded.ids, graph.ids)
                np.testing.assert_array_equal(loaded.similarities, graph.similarities)
    assert refused > 500


def test_the_sparse_graph_is_what_scikit_learn_reads() -> None:
    from sklearn.neighbors import NearestNeighbors

    vectors = (
        np.random.default_rng(4).integers(0, 3, (40, 4)) + 1.0
    )  # equal vectors: distances of zero are kept
    graph = NeighborGraph.build(vectors, 6, metric="euclidean")
    sparse = graph.to_sparse()
    assert (sparse.shape, sparse.nnz) == ((40, 40), 240)
    distances, _ = NearestNeighbors(n_neighbors=6).fit(vectors).kneighbors()
    np.testing.assert_allclose(
        NearestNeighbors(n_neighbors=6, metric="precomputed").fit(sparse).kneighbors(sparse)[0],
        distances,
        atol=1e-6,
    )
    np.testing.assert_array_equal(sparse.indices.reshape(40, 6), graph.ids)
    few = NeighborGraph.build(np.eye(4), 3, exclude=[0, 0, 0, 1])
    assert np.diff(few.to_sparse().indptr).tolist() == [1, 1, 1, 3]


def test_swapped_arrays_are_refused(tmp_path: Path):
    path = NeighborGraph.build(np.eye(6), 3).save(tmp_path / "graph.npz")
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, "ids": arrays["ids"][::-1]})
    with pytest.raises(FileFormatError, match="was altered: its checksum does not match"):
        NeighborGraph.load(path)
    np.savez(
        path, **{**arrays, "header": np.array(str(arrays["header"]).replace('"version": 2', '"version": 9'))}
    )
    with pytest.raises(FileFormatError, match="has version 9, this program reads 2; build it again"):
        NeighborGraph.load(path)


@pytest.mark.parametrize("num_queries", [5, 6])
def test_faiss_gets_its_own_setting_back(num_queries):
    import faiss

    before = faiss.cvar.distance_compute_blas_threshold
    with exact_search.matrix_products(num_queries):
        assert (faiss.cvar.distance_compute_blas_threshold < before) == (num_queries > 5)
    assert faiss.cvar.distance_compute_blas_threshold == before
