"""An index in Milvus: it finds what FAISS finds, is complete or recognized as not, and drops nothing of others."""

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_index import columns_of, vectors_of

import metric_face
from metric_face.errors import ArgumentError, FileFormatError, MissingExtraError, OutputError
from metric_face.run import Run
from metric_face.search.index import EmbeddingIndex
from metric_face.search.milvus_places import collection_for, uri_of
from metric_face.search.stored_vectors import stored_vectors

pytest.importorskip("pymilvus")
pytest.importorskip("milvus_lite")

NUMBERS = range(300)
QUERIES = vectors_of(range(1000, 1012))
ODD = [
    'a "quoted" name',
    "back\\slash",
    "it's",
    "größe 한",
    "two\nlines",
    "{x}",
    "100%",
    "[1, 2]",
    'or c0 == "x"',
    None,
]


def built(home: Path, numbers=NUMBERS, **options) -> EmbeddingIndex:
    known = {"kind": "flat", "fingerprint": "abc", "store": f"milvus:{home / 'vectors.db'}"}
    return EmbeddingIndex.build_in(
        home / "index", vectors_of(numbers), columns_of(numbers), **{**known, **options}
    )


def close(index: EmbeddingIndex) -> None:
    index._store.client.close()


def client_of(home: Path):
    from pymilvus import MilvusClient

    return MilvusClient(str(home / "vectors.db"))


@pytest.mark.parametrize("metric", ["cosine", "inner_product", "euclidean"])
def test_the_neighbors_are_those_of_the_exact_index(metric: str, tmp_path: Path) -> None:
    whole = EmbeddingIndex.build(vectors_of(NUMBERS), columns_of(NUMBERS), kind="flat", metric=metric)
    index = built(tmp_path, metric=metric)
    exclude = [f"identity {number}" for number in range(len(QUERIES))]
    for again in (index, EmbeddingIndex.load(tmp_path / "index")):
        for asked in ({}, {"exclude": exclude}, {"where": {"even": True}}, {"where": {"number": [3, "200"]}}):
            ours, theirs = (one.search(QUERIES, 12, **asked) for one in (again, whole))
            np.testing.assert_array_equal(ours.ids, theirs.ids)
            np.testing.assert_allclose(ours.similarities, theirs.similarities, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(again.lookup("number", ours), ours.ids)
        rows = np.array([7, 0, 7, 299])
        np.testing.assert_array_equal(stored_vectors(again, rows), stored_vectors(whole, rows))
    close(index)


def test_conditions_take_any_text(tmp_path: Path) -> None:
    names = np.array(ODD * 3, object)
    columns = {
        "name": names,
        "half": [None if row % 4 == 0 else row / 2 for row in range(30)],
        "größe, c": range(30),
    }
    vectors = vectors_of(range(30))
    whole = EmbeddingIndex.build(vectors, columns)
    index = EmbeddingIndex.build_in(
        tmp_path / "index", vectors, columns, kind="flat", store=f"milvus:{tmp_path / 'ü v.db'}"
    )
    wheres = [{"name": name} for name in ODD] + [{"name": ["it's", None]}, {"half": None}, {"half": [0.5, 1]}]
    wheres += [
        {"größe, c": [1, 2, "3"], "half": None},
        {"half": "inf"},
        {"name": "absent"},
        {"größe, c": 1.5},
    ]
    for where in wheres:
        ours, theirs = (one.search(vectors[:2], 30, where=where).ids for one in (index, whole))
        np.testing.assert_array_equal(ours, theirs)
    close(index)


@pytest.mark.parametrize("kind", ["ivf", "hnsw", "ivfsq"])
def test_approximate_kinds_are_tuned_to_the_recall_asked_for(kind: str, tmp_path: Path) -> None:
    numbers, queries = range(1500), vectors_of(range(3000, 3300))
    index = built(tmp_path, numbers, kind=kind, recall=0.9)
    truth = EmbeddingIndex.build(vectors_of(numbers), kind="flat").search(queries, 10).ids
    found = EmbeddingIndex.load(tmp_path / "index").search(queries, 10).ids
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])
    assert recall > 0.85
    assert abs(recall - index.recall.reached) < 0.1
    assert json.loads((tmp_path / "index" / "index.json").read_text("utf-8"))["kind"] == kind
    close(index)


def test_an_index_that_is_built_slowly_is_not_tuned_on_exact_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Milvus compares all vectors until its index is there; one that came late had the least effort."""
    from milvus_lite.engine.collection import Collection

    work = Collection._bg_compact_and_index
    monkeypatch.setattr(Collection, "_bg_compact_and_index", lambda self: (time.sleep(1), work(self)))
    index = built(tmp_path, range(1500), kind="ivf", recall=0.9)
    assert 0.85 < index.recall.reached < 1
    close(index)


def test_a_kind_that_the_file_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(
        ArgumentError, match=r"kind must be flat, ivf, hnsw or ivfsq in a file of Milvus Lite"
    ):
        built(tmp_path, range(1500), kind="ivfpq")
    assert list(tmp_path.iterdir()) == []


def test_it_grows_shrinks_and_is_relabeled_within_changing(tmp_path: Path) -> None:
    close(built(tmp_path))
    whole = EmbeddingIndex.build(vectors_of(NUMBERS), columns_of(NUMBERS), kind="flat")
    folder = tmp_path / "index"
    index = EmbeddingIndex.load(folder)
    for change in (lambda: index.add(vectors_of([600])), lambda: index.remove([1])):
        with pytest.raises(ArgumentError, match=r"changes within EmbeddingIndex\.changing\(folder\)"):
            change()
    with pytest.raises(ArgumentError, match="cannot be saved elsewhere"):
        index.save(tmp_path / "other")
    close(index)
    for change in (
        lambda one: one.remove(list(range(299, 250, -1))).remove(where={"identity": "identity 3"}),
        lambda one: one.add(vectors_of(range(600, 640)), columns_of(range(600, 640))),
        lambda one: one.relabel({"half": 7.5}, where={"even": True}),
    ):
        change(whole)
        with EmbeddingIndex.changing(folder) as index:
            change(index)
        close(index)
        index = EmbeddingIndex.load(folder)
        assert index.ids.tolist() == whole.ids.tolist()
        assert index._store.strays == 0
        for where in (None, {"half": [7.5, 2]}, {"even": False}):
            ours, theirs = (one.search(QUERIES, 9, where=where) for one in (index, whole))
            np.testing.assert_array_equal(ours.ids, theirs.ids)
        close(index)


def test_what_was_not_kept_is_neither_found_nor_left(tmp_path: Path) -> None:
    close(built(tmp_path))
    folder, new = tmp_path / "index", vectors_of(range(900, 905))
    with pytest.raises(RuntimeError), EmbeddingIndex.changing(folder) as index:  # noqa: PT012
        index.add(new, columns_of(range(900, 905)))
        raise RuntimeError
    close(index)
    index = EmbeddingIndex.load(folder)
    whole = EmbeddingIndex.build(vectors_of(NUMBERS), kind="flat")
    assert index._store.strays == 5
    np.testing.assert_array_equal(index.search(new, 4).ids, whole.search(new, 4).ids)
    close(index)
    with EmbeddingIndex.changing(folder) as index:
        pass
    close(index)
    index = EmbeddingIndex.load(folder)
    assert (len(index), index._store.strays) == (300, 0)
    close(index)


BUILDER = """
    import sys
    import numpy as np
    from metric_face import EmbeddingIndex
    from metric_face.search import milvus_store

    home, count, milvus_store._INSERT_BYTES = sys.argv[1], *map(int, sys.argv[2:])
    vectors = np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32)
    EmbeddingIndex.build_in(home + "/index", vectors, kind="flat", store="milvus:" + home + "/vectors.db")
"""


@pytest.mark.slow
def test_a_killed_insert_is_recognized_and_built_again(tmp_path: Path) -> None:
    # Milvus Lite leaves a file to another process only when the one that opened it has ended.
    build = [sys.executable, "-c", textwrap.dedent(BUILDER), str(tmp_path)]
    subprocess.run([*build, "300", "1000000"], check=True, timeout=120)
    process = subprocess.Popen([*build, "100000", "2000"])
    name = collection_for(tmp_path / "index", collection_for(tmp_path / "index", None))
    until = time.monotonic() + 60
    while time.monotonic() < until and not any(name in str(path) for path in tmp_path.rglob("*")):
        time.sleep(0.02)
    time.sleep(0.5)
    assert process.poll() is None
    process.kill()
    process.wait(60)
    # The index that was there still answers.
    index = EmbeddingIndex.load(tmp_path / "index")
    assert len(index.search(QUERIES, 3)) == len(QUERIES)
    assert len(index) == 300
    assert index._store.client.has_collection(name)
    assert not index._store.client.has_collection(f"{name}_about")
    close(index)
    index = built(tmp_path, range(50))
    assert len(index) == 50
    ours = {name, f"{name}_about"}
    assert set(index._store.client.list_collections()) == ours  # neither the half one nor the one replaced
    close(index)


def test_a_collection_without_its_settings_is_incomplete(tmp_path: Path) -> None:
    index = built(tmp_path)
    name = index._store.collection
    index._store.client.drop_collection(f"{name}_about")
    close(index)
    message = f"collection {name} is incomplete, .* run 'metric-face index' again"
    with pytest.raises(FileFormatError, match=message):
        EmbeddingIndex.load(tmp_path / "index")
    close(built(tmp_path))
    assert len(EmbeddingIndex.load(tmp_path / "index")) == 300


def test_a_collection_that_lacks_vectors_or_is_of_another_build_is_refused(tmp_path: Path) -> None:
    index = built(tmp_path)
    index._store.client.delete(index._store.collection, ids=[5])
    close(index)
    with pytest.raises(FileFormatError, match="holds 299 vectors, the folder says 300"):
        EmbeddingIndex.load(tmp_path / "index")
    description = (tmp_path / "index" / "index.json").read_bytes()
    labels = (tmp_path / "index" / "labels.parquet").read_bytes()
    close(built(tmp_path))
    close(built(tmp_path))  # takes the first one's name again
    (tmp_path / "index" / "index.json").write_bytes(description)
    (tmp_path / "index" / "labels.parquet").write_bytes(labels)
    with pytest.raises(FileFormatError, match=r"build must be .* as the folder says"):
        EmbeddingIndex.load(tmp_path / "index")


def test_a_collection_of_another_maker_is_never_dropped(tmp_path: Path) -> None:
    name = collection_for(tmp_path / "index", None)
    client = client_of(tmp_path)
    client.create_collection(name, dimension=4)
    client.create_collection("mine", dimension=4)
    client.close()
    with pytest.raises(OutputError, match=f"{name}: was not made by metric_face, so it is not dropped"):
        built(tmp_path)
    client = client_of(tmp_path)
    assert set(client.list_collections()) == {name, "mine"}
    client.close()
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize(
    ("store", "message"),
    [
        ("faiss:x.db", r"store must be milvus:FILE\.db or milvus:http"),
        ("milvus:", r"store must be milvus:FILE\.db"),
        ("milvus:vectors", r"must name a file that ends in \.db, found 'vectors'"),
        ("milvus:/nowhere/at/all/x.db", "must lie in a folder that exists; make /nowhere/at/all"),
        ("milvus:http://user:secret@host:19530", "without a password, .* set METRIC_FACE_MILVUS_TOKEN"),
        ("milvus:ftp://host", "must name a server as http://HOST:PORT"),
        ("milvus:http://", "must name a server as http://HOST:PORT"),
    ],
)
def test_a_store_that_cannot_be_is_refused(store: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=message) as raised:
        built(tmp_path, store=store)
    assert "secret" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_shards_of_a_database_and_long_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="shards and mmap have no meaning; leave them out"):
        built(tmp_path, shards=2)
    with pytest.raises(
        ArgumentError, match="column 'text' must hold texts of at most 65,535 bytes in Milvus"
    ):
        EmbeddingIndex.build_in(
            tmp_path / "index",
            np.eye(2),
            {"text": ["x", "ü" * 40_000]},
            store=f"milvus:{tmp_path / 'v.db'}",
        )
    assert not (tmp_path / "index").exists()


def test_a_server_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRIC_FACE_MILVUS_TOKEN", "user:secret")
    with pytest.raises(
        OutputError, match=r"milvus:http://127\.0\.0\.1:1: cannot be opened \(check"
    ) as raised:
        built(tmp_path, store="milvus:http://127.0.0.1:1")
    assert "secret" not in str(raised.value)


def test_a_relative_file_is_found_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert uri_of("milvus:v.db") == str(tmp_path / "v.db")


def test_a_missing_package_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'metric_face\[milvus\]'"):
        built(tmp_path)
    assert list(tmp_path.iterdir()) == []


OPENER = """
    import sys, time
    from metric_face import EmbeddingIndex
    index = EmbeddingIndex.load(sys.argv[1])
    print(len(index), flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_a_file_that_another_process_has_open_is_refused_in_a_line(tmp_path: Path) -> None:
    build = [sys.executable, "-c", textwrap.dedent(BUILDER), str(tmp_path), "300", "1000000"]
    subprocess.run(build, check=True, timeout=120)
    opener = [sys.executable, "-c", textwrap.dedent(OPENER), str(tmp_path / "index")]
    with subprocess.Popen(opener, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"300\n"
        second = subprocess.run(opener, capture_output=True, text=True, timeout=120)
        first.kill()
    said = second.stderr.splitlines()
    assert said[-1].endswith("cannot be opened (no other process may have it open): Open local milvus failed")
    assert "Lite server" not in second.stderr
    assert second.returncode == 1


@pytest.mark.slow
def test_the_command_builds_it_and_knn_answers_from_it(indexed: Run, toy: Path, tmp_path: Path) -> None:
    def command(*words: object) -> dict:
        done = subprocess.run(
            [sys.executable, "-m", "metric_face", *map(str, words), "--json"],
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout, parse_float=lambda text: round(float(text), 5))

    out, store = tmp_path / "index", f"milvus:{tmp_path / 'v.db'}"
    said = command("index", indexed.folder, "--out", out, "--store", store, "--kind", "flat")
    assert said["vectors"] > 0
    images = sorted((toy / "images").iterdir())[:3]
    ours = command("knn", indexed.folder, *images, "--index", out)["answers"]
    assert ours == command("knn", indexed.folder, *images)["answers"]
    before = command("search", indexed.folder, images[0], "--index", out)
    assert before == command("search", indexed.folder, images[0])
    paths = pd.read_parquet(out / "labels.parquet")["path"].tolist()
    command("gallery", "remove", indexed.folder, "--row", 0, "--index", out)
    assert pd.read_parquet(out / "labels.parquet")["path"].tolist() == paths[1:]
    with EmbeddingIndex.changing(out) as index:
        index.remove(where={"path": index.columns["path"].tolist()[:2]})
        index.add(indexed.embeddings().take([0, 1]))
    close(index)
    predictor = metric_face.Predictor(indexed.folder, out)
    assert len(predictor.predict(images, exclude=["nobody"] * 3)) == 3
    close(predictor.index)
