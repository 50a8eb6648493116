"""What is done once: numbering identities, hashing a file in a process, cutting out a split, reading few values."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metric_face.data.table import ImageTable
from metric_face.embeddings.embeddings import Embeddings
from metric_face.errors import FileFormatError
from metric_face.files import known_digests, sha256_of
from metric_face.files.known_digests import known_sha256
from metric_face.inference.predictor import Predictor
from metric_face.search import EmbeddingIndex, known_identities
from metric_face.search.columns import Columns
from tests.search_oracle import nearest_by_brute_force


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are hashed from here on."""
    files: list[Path] = []

    def counted(file: Path) -> str:
        files.append(Path(file))
        return sha256_of(file)

    monkeypatch.setattr(known_digests, "sha256_of", counted)
    monkeypatch.setattr(known_digests, "_known", {})
    return files


def age(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files count as at rest."""
    monkeypatch.setattr(known_digests, "_AT_REST", -1)


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_the_identities_of_an_index_are_numbered_once(kind, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 8)).astype(np.float32)
    names = np.array([f"p{i // 6}" if i % 50 else None for i in range(300)], dtype=object)
    index = EmbeddingIndex.build(vectors, {"identity": names}, kind=kind)
    numbered, group_codes = [], known_identities.group_codes
    monkeypatch.setattr(
        known_identities, "group_codes", lambda *groups: numbered.append(1) or group_codes(*groups)
    )
    asked = np.array(["p3", "nobody known", "p49", None], dtype=object)
    excluded = (names[None, :] == asked[:, None]) & (asked != None)[:, None]  # noqa: E711
    want = nearest_by_brute_force(vectors[:4], vectors, 5, "cosine", excluded)[0]
    for _ in range(3):
        found = index.search(vectors[:4], 5, exclude=asked)
    np.testing.assert_array_equal(found.rows, want)
    assert len(numbered) == 1
    index.remove(where={"identity": "p3"})
    left = index.search(vectors[18:19], 5, exclude=["p49"])
    assert len(numbered) == 2  # the identities are others now
    assert "p3" not in index.columns["identity"][left.rows[0]]


def test_one_value_of_a_column_is_read_without_the_others(tmp_path) -> None:
    names = np.array(["a", None, "\u00e9", "x" * 100], dtype=object)
    Columns({"path": names, "age": np.arange(4)}, 4).write(tmp_path / "labels.parquet", {})
    columns, _ = Columns.read(tmp_path / "labels.parquet", [])
    assert [columns.value("path", row) for row in range(4)] == names.tolist()
    assert columns.value("age", 2) == 2
    assert not isinstance(columns._columns["path"], np.ndarray)
    assert columns["path"].tolist() == names.tolist()
    assert [columns.value("path", row) for row in range(4)] == names.tolist()


def test_one_image_asks_an_index_that_stays_on_disk(indexed, toy) -> None:
    predictor = Predictor(indexed.folder)
    answer = predictor.predict([toy / "images" / "p02_1.png"])[0]
    whole = EmbeddingIndex.load(indexed.folder / "index", mmap=False)
    assert predictor.index._read_only
    assert not whole._read_only
    assert not isinstance(predictor.index.columns._columns["path"], np.ndarray)
    vector = predictor.embed([toy / "images" / "p02_1.png"]) if hasattr(predictor, "embed") else None
    if vector is not None:
        want = whole.search(vector, 5)
        got = [neighbor.path for neighbor in answer.neighbors]
        assert got == whole.columns["path"][want.rows[0]].tolist()


def test_a_split_is_cut_out_once(monkeypatch) -> None:
    frame = pd.DataFrame({"path": [f"{i}.jpg" for i in range(40)], "split": ["train", "val"] * 20})
    whole = Embeddings(np.arange(80, dtype=np.float32).reshape(40, 2), ImageTable(frame, Path("nowhere")))
    taken, take = [], ImageTable.take
    monkeypatch.setattr(ImageTable, "take", lambda self, rows: taken.append(len(rows)) or take(self, rows))
    part = whole.in_split("val")
    assert len(taken) == 1
    np.testing.assert_array_equal(part.vectors, whole.vectors[1::2])
    assert part.table.frame["path"].tolist() == [f"{i}.jpg" for i in range(1, 40, 2)]


def test_a_file_is_hashed_once_in_a_process_and_again_where_it_changed(tmp_path, hashed, monkeypatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    for _ in range(3):
        assert known_sha256(file) == sha256_of(file)
    assert len(hashed) == 3  # it was changed a moment ago: a second change might leave no trace
    age(tmp_path, monkeypatch)
    for _ in range(3):
        assert known_sha256(file) == sha256_of(file)
    assert len(hashed) == 4
    before = file.stat()
    with open(file, "r+b") as stream:  # in place, of equal size, with its time put back
        stream.write(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert known_sha256(file) == sha256_of(file)
    assert len(hashed) == 5
    other = tmp_path / "other"
    other.write_bytes(b"six")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)
    assert known_sha256(file) == sha256_of(file)
    with pytest.raises(OSError, match="gone"):
        known_sha256(tmp_path / "gone")


def test_embeddings_are_hashed_once_and_damage_is_seen_at_once(
    indexed, tmp_path, hashed, monkeypatch
) -> None:
    from metric_face.run import Run

    shutil.copytree(indexed.folder, tmp_path / "run")
    age(tmp_path, monkeypatch)
    run = Run.open(tmp_path / "run")
    first = run.embeddings()
    count = len(hashed)
    assert count > 0
    again = Run.open(tmp_path / "run").embeddings(mmap=True)
    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert len(hashed) == count
    vectors = tmp_path / "run" / "embeddings" / "vectors.npy"
    before = vectors.stat()
    with open(vectors, "r+b") as stream:
        stream.seek(-3, os.SEEK_END)
        stream.write(bytes([255 - vectors.read_bytes()[-3]]))
    os.utime(vectors, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(FileFormatError, match=r"vectors\.npy: truncated or altered"):
        run.embeddings()
