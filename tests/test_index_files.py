"""The folder of an index: what is read is what was written, and what was not is refused with what is wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_index import KINDS, columns_of, trained, vectors_of

from metric_face.errors import ArgumentError, FileFormatError
from metric_face.search.faiss_file import check_sizes
from metric_face.search.index import EmbeddingIndex


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    index = EmbeddingIndex.build(
        vectors_of(range(50)),
        columns_of(range(50)),
        fingerprint="abc",
        transform={"size": 112},
        metadata={"run": "größte"},
    )
    return index.save(tmp_path / "index")


def rewrite_json(folder: Path, seal: bool = True, **changes) -> None:
    """Change the description; sealed, its own checksum is right, as a careful forger's would be."""
    from metric_face.search.files import _checksum

    content = json.loads((folder / "index.json").read_text("utf-8"))
    content.update(changes)
    if seal:
        content.pop("checksum")
        content["checksum"] = _checksum(content)
    (folder / "index.json").write_text(json.dumps(content), "utf-8")


def describe_files_anew(folder: Path) -> None:
    from metric_face.files.atomic import sha256_of

    files = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": sha256_of(folder / name)}
        for name in ("index.faiss", "labels.parquet")
    }
    rewrite_json(folder, files=files)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_answers_like_what_was_written(kind, mmap, tmp_path):
    index = trained(kind).empty().add(vectors_of(range(90)), columns_of(range(90)), ids=np.arange(90) + 1000)
    index.remove([1003, 1007])
    index.save(tmp_path / "index")
    loaded = EmbeddingIndex.load(tmp_path / "index", mmap=mmap)
    before, after = (i.search(vectors_of(range(200, 220)), 5) for i in (index, loaded))
    np.testing.assert_array_equal(before.ids, after.ids)
    # A flat index that is mapped is searched where it lies, and its products are rounded another way.
    rounding = 2e-7 if mmap and kind == "flat" else 0
    np.testing.assert_allclose(before.similarities, after.similarities, rtol=0, atol=rounding)
    np.testing.assert_array_equal(loaded.lookup("number", after), after.ids - 1000)
    assert list(loaded.columns) == list(index.columns)
    assert (loaded.kind, loaded.metric, loaded.recall) == (index.kind, index.metric, index.recall)
    assert repr(loaded) == repr(index)


def test_description_is_kept(folder):
    loaded = EmbeddingIndex.load(folder)
    assert (loaded.fingerprint, loaded.transform) == ("abc", {"size": 112})
    assert loaded.metadata == {"run": "größte"}
    assert sorted(file.name for file in folder.iterdir()) == ["index.faiss", "index.json", "labels.parquet"]
    content = json.loads((folder / "index.json").read_text("utf-8"))
    assert (content["kind"], content["count"], content["recall"]["reached"]) == ("flat", 50, 1.0)


def test_a_mapped_index_cannot_change(folder):
    index = EmbeddingIndex.load(folder, mmap=True)
    for change in (lambda: index.add(vectors_of([60])), lambda: index.remove([1])):
        with pytest.raises(
            ArgumentError, match="an index read with mmap=True cannot change; load it without"
        ):
            change()


def test_saving_replaces_the_folder_whole(folder):
    EmbeddingIndex.build(vectors_of(range(3))).save(folder)
    assert len(EmbeddingIndex.load(folder)) == 3
    assert [file.name for file in folder.parent.iterdir()] == ["index"]


@pytest.mark.parametrize("name", ["index.faiss", "labels.parquet"])
def test_truncated_altered_and_missing_files_are_refused(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1])
    with pytest.raises(
        FileFormatError, match=rf"{name} must have {len(content)} bytes, found {len(content) - 1}"
    ):
        EmbeddingIndex.load(folder, verify=False)
    (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(
        FileFormatError, match=rf"{name} was altered or is of another index: its checksum does not"
    ):
        EmbeddingIndex.load(folder)
    (folder / name).unlink()
    with pytest.raises(FileFormatError, match=rf"{name} is missing; copy the whole folder"):
        EmbeddingIndex.load(folder)


def test_swapped_files_are_refused(folder, tmp_path):
    other = EmbeddingIndex.build(vectors_of(range(100, 150)), columns_of(range(100, 150))).save(
        tmp_path / "other"
    )
    for name in ("index.faiss", "labels.parquet"):
        own = (folder / name).read_bytes()
        shutil.copy(other / name, folder / name)
        with pytest.raises(FileFormatError, match=rf"{name} (must have|was altered or is of another index)"):
            EmbeddingIndex.load(folder)
        (folder / name).write_bytes(own)
    assert len(EmbeddingIndex.load(folder)) == 50


def test_foreign_and_damaged_descriptions_are_refused(folder, tmp_path):
    with pytest.raises(FileFormatError, match=r"holds no index \(no index\.json\)"):
        EmbeddingIndex.load(tmp_path)
    path = folder / "index.json"
    whole = path.read_text("utf-8")
    for content, message in (
        (whole[:40], r"index\.json: truncated or not JSON"),
        ("[]", r"index\.json: must hold a JSON object, found \[\]; build the index again"),
        ("[" * 100_000, r"index\.json: truncated or not JSON"),
        ("null", r"index\.json: must hold a JSON object, found None"),
        ('{"format": "other"}', "describes no index of metric_face; give a folder that"),
        (whole.replace("abc", "xyz"), r"index\.json was altered: its checksum does not match"),
        (
            whole.replace('"version": 1', '"version": 9'),
            "has version 9, this program reads 1; update metric_face",
        ),
    ):
        path.write_text(content, "utf-8")
        with pytest.raises(FileFormatError, match=message):
            EmbeddingIndex.load(folder)
    os.truncate(path, 2**36)
    with pytest.raises(FileFormatError, match=r"index\.json: must have at most 67,108,864 bytes, found"):
        EmbeddingIndex.load(folder)


def test_a_well_sealed_lie_is_found_before_faiss_reads(folder):
    rewrite_json(folder, kind="ivf")
    with pytest.raises(
        FileFormatError, match="begins as b'IxFI' of 8 dimensions, which is no ivf index of 8"
    ):
        EmbeddingIndex.load(folder)
    rewrite_json(folder, kind="lsh")
    with pytest.raises(
        FileFormatError, match="names the kind 'lsh' and the metric 'cosine', which this program"
    ):
        EmbeddingIndex.load(folder)
    rewrite_json(folder, kind="flat", count=49)
    with pytest.raises(FileFormatError, match=r"labels\.parquet holds 50 rows .* says 49"):
        EmbeddingIndex.load(folder)
    rewrite_json(folder, count=50, columns=["identity"])
    with pytest.raises(FileFormatError, match=r"labels\.parquet holds 50 rows of"):
        EmbeddingIndex.load(folder)


def test_a_faiss_file_that_is_none_is_refused(folder):
    path = folder / "index.faiss"
    whole = path.read_bytes()
    path.write_bytes(b"nonsense")
    describe_files_anew(folder)
    with pytest.raises(FileFormatError, match="begins as b'nons' of"):
        EmbeddingIndex.load(folder)
    path.write_bytes(whole[:200])
    describe_files_anew(folder)
    with pytest.raises(
        FileFormatError,
        match=r"index\.faiss does not fit what it says of itself \(400 numbers at byte 45 of 200\)",
    ):
        EmbeddingIndex.load(folder)


def test_vectors_of_another_count_are_refused(folder, tmp_path):
    other = EmbeddingIndex.build(vectors_of(range(51))).save(tmp_path / "other")
    shutil.copy(other / "index.faiss", folder / "index.faiss")
    describe_files_anew(folder)
    with pytest.raises(
        FileFormatError, match=r"index\.faiss holds 51 vectors of 8 dimensions, index\.json says 50"
    ):
        EmbeddingIndex.load(folder)


def test_reading_and_searching_import_neither_torch_nor_pandas(folder):
    script = f"""
import sys
import numpy as np
from metric_face.search.index import EmbeddingIndex
index = EmbeddingIndex.load({str(folder)!r})
found = index.search(np.ones((1, 8), np.float32), 3)
for name in index.columns:
    index.lookup(name, found)
heavy = [name for name in ("torch", "pandas", "sklearn", "umap", "matplotlib") if name in sys.modules]
print(heavy)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_sealed_file_states_is_compared_with_its_length(kind, tmp_path):
    """No changed byte makes FAISS allocate what the file cannot hold, end in another error, or find other rows."""
    index = EmbeddingIndex.build(vectors_of(range(90)), kind=kind)
    folder = index.save(tmp_path / "index")
    path = folder / "index.faiss"
    whole, refused = path.read_bytes(), 0
    places = [*range(0, 220), *range(220, len(whole), max(1, len(whole) // 40))]
    for place in places:
        for bit in (0, 5, 7):
            changed = bytearray(whole)
            changed[place] ^= 1 << bit
            path.write_bytes(bytes(changed))
            try:
                check_sizes(path)
            except FileFormatError:
                refused += 1
    assert refused > 60
    for place in (14, 20, 40, 60, len(whole) // 2):
        changed = bytearray(whole)
        changed[place] ^= 128
        path.write_bytes(bytes(changed))
        describe_files_anew(folder)
        try:
            found = EmbeddingIndex.load(folder).search(vectors_of(range(5)), 3)
        except FileFormatError:
            continue
        assert ((found.rows >= -1) & (found.rows < 90)).all()


@pytest.mark.parametrize(
    "change", [{"files": {}}, {"recall": {}}, {"recall": 1}, {"columns": None}, {"files": None}]
)
def test_a_sealed_description_without_its_parts_is_refused(folder, change):
    rewrite_json(folder, **change)
    with pytest.raises(FileFormatError, match=r"index\.json lacks what an index needs"):
        EmbeddingIndex.load(folder)
