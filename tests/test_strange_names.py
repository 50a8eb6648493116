"""Names that no table, terminal or text file takes as they are: each works, or is one clear line; nothing hangs."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from metric_face.cli.failures import line_of
from metric_face.data.images import content_hashes, find_broken, open_image
from metric_face.data.readers import read_source
from metric_face.data.table import ImageTable
from metric_face.data.templates import refuse_repeated
from metric_face.errors import DataError, ImageError
from metric_face.inference.watch import image_files
from metric_face.run import Run

ESCAPE = "\x1b]0;owned\x07\x1b[31m\n\u202egnp.png"
NOT_UTF_8 = os.fsdecode(b"caf\xe9.png")


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Fail rather than hang."""

    def late(number: int, frame: object) -> None:
        raise AssertionError("still waiting for what will never come")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def special(folder: Path) -> list[Path]:
    """A pipe, a socket, a folder and devices, named as images where that can be."""
    pipe, plug, inner = folder / "pipe.png", folder / "plug.png", folder / "inner.png"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(plug))
    inner.mkdir()
    (folder / "link.png").symlink_to("/dev/zero")
    return [pipe, plug, inner, folder / "link.png", Path("/dev/null")]


def test_what_is_no_regular_file_is_refused_unopened(tmp_path: Path) -> None:
    paths = special(tmp_path)
    with within(20):
        for path in paths:
            with pytest.raises(
                ImageError, match="not a regular file but a folder, pipe, socket or device; replace"
            ):
                open_image(path)
            with pytest.raises(ImageError, match="not a regular file"):
                content_hashes([path])
        assert list(find_broken(paths)) == [0, 1, 2, 3, 4]


def test_what_is_no_regular_file_is_not_asked_about(tmp_path: Path) -> None:
    pipe, plug, _, link, _ = special(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "image.png")
    with within(20):
        assert image_files([str(tmp_path)]) == [str(tmp_path / "image.png")]
        for path in (pipe, plug, link):
            with pytest.raises(
                DataError, match="neither an image file nor a folder but a pipe, socket or device"
            ):
                image_files([str(path)])


def test_a_name_that_is_no_utf_8_cannot_be_submitted() -> None:
    with pytest.raises(
        DataError, match=r"must be UTF-8 to be ImageIDs, found caf\\xe9\.png; rename the file"
    ):
        refuse_repeated(["a.png", NOT_UTF_8])


def command(*words: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "metric_face", *map(str, words)],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        input=stdin,
        timeout=120,
    )


def harmless(text: str) -> bool:
    return not any(letter in text for letter in "\x1b\x07\u202e") and "Traceback" not in text


@pytest.mark.slow
def test_asking_about_strange_names(indexed: Run, toy: Path, tmp_path: Path) -> None:
    for name in (ESCAPE, NOT_UTF_8):
        (tmp_path / name).write_bytes((toy / "images" / "p00_0.png").read_bytes())
    asked = [str(tmp_path / name) for name in (ESCAPE, NOT_UTF_8)]
    said = command("knn", indexed.folder, *asked, "--show", 1)
    assert said.returncode == 0, said.stderr
    assert harmless(said.stdout + said.stderr)
    assert len(said.stdout.splitlines()) == 4
    assert "\\x1b]0;owned\\x07\\x1b[31m\\n\\u202egnp.png: " in said.stdout
    assert "caf\\xe9.png: " in said.stdout
    found = command("knn", indexed.folder, *asked, "--json")
    assert harmless(found.stdout)
    assert [one["path"] for one in json.loads(found.stdout)["answers"]] == asked
    page = command("knn", indexed.folder, *asked, "--explain", tmp_path / "page.html")
    assert page.returncode == 0, page.stderr
    listed = command("knn", indexed.folder, "-", "--json", stdin=f"{asked[1]}\n{ESCAPE.splitlines()[0]}\n")
    assert harmless(listed.stdout + listed.stderr)
    assert [json.loads(line)["path"] for line in listed.stdout.splitlines()] == [
        asked[1],
        ESCAPE.splitlines()[0],
    ]
    refused = command("knn", indexed.folder, *asked, "--csv", tmp_path / "info.csv")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "caf\\xe9.png; rename the file, or leave it out" in refused.stderr


@pytest.mark.slow
def test_an_error_that_names_a_strange_file_is_one_harmless_line(tmp_path: Path) -> None:
    for name in (ESCAPE, NOT_UTF_8):
        refused = command("audit", tmp_path / name)
        assert refused.returncode == 1
        assert harmless(refused.stderr)
        assert len(refused.stderr.splitlines()) == 1
        assert refused.stderr.startswith("error: ")


def test_an_output_whose_name_is_no_utf_8_is_refused_before_any_work(tmp_path: Path) -> None:
    name = tmp_path / os.fsdecode(b"caf\xe9")
    for words in (
        ["train", tmp_path, "--out", name],
        ["embed", tmp_path, "--csv", name],
        ["why", tmp_path, "--out", name],
    ):
        refused = command(*words)
        assert refused.returncode == 1
        assert refused.stderr.startswith("error: ")
        assert "caf\\xe9: must be a name in UTF-8" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1


def test_a_name_that_cannot_be_stored_is_reported_in_one_line() -> None:
    with pytest.raises(UnicodeEncodeError) as caught:
        f"path\n{NOT_UTF_8}\n".encode()
    assert line_of(caught.value) == (
        "caf\\xe9.png: a name here is no UTF-8, and cannot be stored; rename the file or folder"
    )


def test_images_below_a_folder_whose_name_is_no_utf_8_are_refused_alike(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(folder / "image.png")
    with pytest.raises(DataError, match="its path is no UTF-8, and a run cannot store it; rename the folder"):
        ImageTable.read(folder)


def test_a_file_in_a_folder_whose_name_is_no_utf_8_is_left_out_and_reported(tmp_path: Path) -> None:
    for name in ("image.png", NOT_UTF_8):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    read = read_source(tmp_path)
    assert read.frame["path"].tolist() == ["image.png"]
    assert "left out: 1 with a name that is not UTF-8" in " ".join(read.notes)
