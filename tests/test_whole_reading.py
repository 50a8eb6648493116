"""A reader of a folder that is swapped meanwhile gets one state of it, and an error of one that stays."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import metric_face.search.files as index_files
from metric_face.errors import FileFormatError, OutputError
from metric_face.files import place_of, read_whole, replace_folder
from metric_face.gallery import Gallery
from metric_face.inference import Predictor
from metric_face.run import Run
from metric_face.search import EmbeddingIndex


def write(folder: Path, text: str) -> None:
    with replace_folder(folder) as new:
        (new / "a").write_text(text)
        (new / "b").write_text(text)
    for name in ("a", "b"):
        assert (folder / name).read_text() == text


def swap(folder: Path, text: str) -> None:
    """As a writer does whose kind of folder may be replaced."""
    folder.rename(folder.with_name(f"before {text}"))
    write(folder, text)


def test_a_swap_between_two_files_is_no_mixture(tmp_path: Path) -> None:
    folder, calls = tmp_path / "folder", []
    write(folder, "old")

    def read() -> tuple[str, str]:
        first = (folder / "a").read_text()
        calls.append(first)
        if len(calls) == 1:
            swap(folder, "new")
        return first, (folder / "b").read_text()

    assert read_whole(folder, read) == ("new", "new")
    assert calls == ["old", "new"]


def test_a_folder_that_comes_while_it_is_missed_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "folder"

    def read() -> str:
        if not folder.exists():
            write(folder, "new")
            raise OutputError("absent")
        return (folder / "a").read_text()

    assert read_whole(folder, read) == "new"


def test_of_a_folder_that_stays_the_error_is_raised_at_once(tmp_path: Path) -> None:
    calls = []

    def read() -> str:
        calls.append(1)
        return (tmp_path / "absent" / "a").read_text()

    with pytest.raises(FileNotFoundError):
        read_whole(tmp_path / "absent", read)
    assert len(calls) == 1


@pytest.mark.parametrize("mmap", [False, True])
def test_an_index_that_changes_while_it_is_read_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mmap: bool
) -> None:
    folder, check, checked = tmp_path / "index", index_files.check_file, []
    vectors = np.eye(4, dtype=np.float32)
    EmbeddingIndex.build(vectors[:2], {"path": ["a", "b"]}).save(folder)

    def changed_by_another(path: Path, *given: object) -> None:
        checked.append(path)
        if len(checked) == 1:
            EmbeddingIndex.build(vectors, {"path": list("abcd")}).save(folder)
        check(path, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(index_files, "check_file", changed_by_another)
    index = EmbeddingIndex.load(folder, mmap=mmap, verify=False)
    assert len(index) == 4
    assert index.columns["path"].tolist() == list("abcd")
    (folder / "index.faiss").write_bytes(b"damaged")
    with pytest.raises(FileFormatError, match=r"index\.faiss"):
        EmbeddingIndex.load(folder, mmap=mmap, verify=False)


@pytest.mark.parametrize("opened", [Gallery, Predictor])
def test_an_index_between_two_places_is_there(indexed: Run, tmp_path: Path, opened: type) -> None:
    """Its writer was killed, or has not yet gone on, after it moved the old one aside."""
    shutil.copytree(indexed.folder, tmp_path / "run")
    home = tmp_path / "run" / "index"
    place_of(home).mkdir()
    home.rename(place_of(home) / "ready")
    opened(tmp_path / "run")
    assert (home / "index.json").is_file()
