"""An index in shards: it answers as one in one piece, mapped or read, and only the shards that change are written."""

import sys
from pathlib import Path

import numpy as np
import pytest
from test_index import KINDS, columns_of, look_everywhere, vectors_of

from metric_face.errors import ArgumentError, FileFormatError
from metric_face.search.index import EmbeddingIndex
from metric_face.search.sharded_store import ShardedStore

NUMBERS = range(500)
QUERIES = vectors_of(range(1000, 1040))


def built(folder: Path, kind: str = "flat", **options) -> EmbeddingIndex:
    return EmbeddingIndex.build_in(
        folder, vectors_of(NUMBERS), columns_of(NUMBERS), **{"shards": 3, "kind": kind, **options}
    )


def everywhere(index: EmbeddingIndex) -> EmbeddingIndex:
    index._store.effort = index._store.efforts[1]
    return index


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw"])
def test_shards_find_what_one_piece_finds(kind: str, mmap: bool, tmp_path: Path) -> None:
    whole = look_everywhere(EmbeddingIndex.build(vectors_of(NUMBERS), columns_of(NUMBERS), kind=kind))
    index = built(tmp_path / "index", kind, mmap=mmap)
    assert sorted(file.name for file in (tmp_path / "index").iterdir()) == [
        "index.json", "labels.parquet", "shard-00000.faiss", "shard-00001.faiss", "shard-00002.faiss"
    ]  # fmt: skip
    exclude = [f"identity {number}" for number in range(len(QUERIES))]
    for again in (index, EmbeddingIndex.load(tmp_path / "index")):
        everywhere(again)
        for asked in ({}, {"exclude": exclude}, {"where": {"even": True}}, {"where": {"number": [3, 400]}}):
            ours, theirs = (one.search(QUERIES, 12, **asked) for one in (again, whole))
            np.testing.assert_array_equal(ours.ids, theirs.ids)
            np.testing.assert_allclose(ours.similarities, theirs.similarities, rtol=1e-6, atol=1e-7)
        np.testing.assert_array_equal(again.lookup("number", ours), ours.ids)


@pytest.mark.parametrize("kind", ["ivf", "ivfsq", "ivfpq", "hnsw"])
def test_the_recall_that_is_stated_is_that_of_new_queries(kind: str, tmp_path: Path) -> None:
    index = built(tmp_path / "index", kind, recall=0.9)
    truth = EmbeddingIndex.build(vectors_of(NUMBERS), kind="flat").search(QUERIES, 10).ids
    for one in (index, EmbeddingIndex.load(tmp_path / "index")):
        found = one.search(QUERIES, 10).ids
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])
        assert abs(recall - one.recall.reached) < 0.12
        assert one._store.effort == index._store.effort
    assert kind == "ivfpq" or recall > 0.85


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_shards_change_one_at_a_time(kind: str, mmap: bool, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    built(folder, kind, mmap=mmap)
    before = {file.name: file.stat().st_ino for file in folder.iterdir()}
    with EmbeddingIndex.changing(folder) as index:
        index.remove(list(range(10)))
        index.add(vectors_of([600]), columns_of([600]), ids=[600])
    after = {file.name: file.stat().st_ino for file in folder.iterdir()}
    assert after["shard-00001.faiss"] == before["shard-00001.faiss"]
    assert after["shard-00000.faiss"] != before["shard-00000.faiss"]
    loaded = everywhere(EmbeddingIndex.load(folder))
    alive = [*range(10, 500), 600]
    assert loaded.ids.tolist() == alive
    np.testing.assert_array_equal(loaded.columns["number"], alive)
    found = loaded.search(vectors_of([600, 10, 499]), len(alive))
    assert (np.sort(found.ids, axis=1) == alive).all()
    if not kind.startswith("ivf") or kind == "ivf":
        assert found.ids[:, 0].tolist() == [600, 10, 499]


def test_a_full_shard_is_followed_by_another(tmp_path: Path) -> None:
    built(tmp_path / "index", "ivf")
    with EmbeddingIndex.changing(tmp_path / "index") as index:
        index.add(vectors_of(range(600, 700)), columns_of(range(600, 700)))
    index = everywhere(EmbeddingIndex.load(tmp_path / "index"))
    assert [len(part) for part in index._store.parts] == [166, 167, 167, 100]
    assert index.search(vectors_of([650]), 1).ids.tolist() == [[550]]


def test_an_error_leaves_every_shard_as_it_was(tmp_path: Path) -> None:
    index = built(tmp_path / "index", mmap=True)
    with pytest.raises(ArgumentError, match="no row of zeros"):
        index.add(np.zeros((1, 8)), columns_of([1]))
    assert [shard.file is None for shard in index._store.shards] == [False] * 3
    assert len(index) == len(index._store) == 500


def test_a_mapped_index_says_so_whenever_it_is_loaded(tmp_path: Path) -> None:
    index = EmbeddingIndex.build_in(tmp_path / "one", vectors_of(NUMBERS), mmap=True, kind="ivf")
    for one in (index, EmbeddingIndex.load(tmp_path / "one")):
        with pytest.raises(ArgumentError, match="an index read with mmap=True cannot change"):
            one.remove([1])
    with EmbeddingIndex.changing(tmp_path / "one") as index:
        index.remove([1])
    assert EmbeddingIndex.load(tmp_path / "one")._store.is_mapped
    assert len(EmbeddingIndex.load(tmp_path / "one", mmap=False).remove([2])) == 498


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["ivf", "ivfsq", "ivfpq"])
def test_a_search_of_mapped_lists_takes_no_memory_for_threads(kind: str, tmp_path: Path) -> None:
    """FAISS reads mapped lists ahead with 32 threads a shard, each with a stack of 8 MiB, unless told not to."""
    index = built(tmp_path / "index", kind, mmap=True)
    index.search(QUERIES[:1], 5)
    index = EmbeddingIndex.load(tmp_path / "index")
    before = reserved()
    index.search(QUERIES[:1], 5)
    assert reserved() - before < 64 * 2**10


def reserved() -> int:
    """KiB of data that the process has asked the system for."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmData"))


def test_shards_merge_into_one_piece(tmp_path: Path) -> None:
    index = built(tmp_path / "index", "ivfsq")
    merged = EmbeddingIndex.merge([index])
    assert not isinstance(merged._store, ShardedStore)
    found = everywhere(merged).search(QUERIES, 5)
    np.testing.assert_array_equal(found.ids, everywhere(index).search(QUERIES, 5).ids)


@pytest.mark.parametrize("damage", ["missing", "truncated", "altered", "swapped"])
def test_a_damaged_shard_is_named(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    built(folder, mmap=True)
    first, second = folder / "shard-00000.faiss", folder / "shard-00001.faiss"
    content = bytearray(second.read_bytes())
    if damage == "missing":
        second.unlink()
    elif damage == "truncated":
        second.write_bytes(content[:-8])
    elif damage == "altered":
        content[-1] ^= 1
        second.write_bytes(content)
    else:
        second.write_bytes(first.read_bytes())
    with pytest.raises(FileFormatError, match=r"shard-00001\.faiss"):
        EmbeddingIndex.load(folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shards": 0}, "shards must be a whole number of at least 1, found 0"),
        ({"shards": 501}, "shards must be at most the number of vectors, 500, found 501"),
        ({"memory_budget": 10}, "memory_budget must be at least"),
        ({"kind": "lsh"}, "kind must be auto"),
        ({"recall": 2}, "recall must lie above 0"),
    ],
)
def test_errors_of_build_in(options: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=message):
        built(tmp_path / "index", **options)
    assert list(tmp_path.iterdir()) == []
