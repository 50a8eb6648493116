"""A plain CSV file is read by columns, and gives what reading it line by line gives; paths are made when asked for."""

import random
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metric_face.data import csv_text
from metric_face.data.csv_text import read_csv_text
from metric_face.data.image_paths import ImagePaths, refuse_outside, rows_holding
from metric_face.data.table import ImageTable
from metric_face.errors import DataError
from metric_face.files import inside
from metric_face.missing import is_missing, missing_rows

_CELLS = [
    "a.jpg",
    "",
    " ",
    "\t ",
    "\u3000",
    "\x1f",
    "x y",
    " b ",
    "NA",
    "nan",
    "None",
    "1",
    "007",
    "\u00e9\u4e2d",
    "\U0001f600",
    "-",
    "=1",
]
_CELLS += ["a\u2028b", "a\x0bb", "\x85", "'", "a'b", "a;b", "\u202etxt", "\ufeff", "1e5", "true"]


def outcome(file: Path) -> object:
    try:
        frame, notes = read_csv_text(file, ("path",))
    except DataError as error:
        return str(error)
    return frame, notes


def both(file: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, object]:
    """What a file gives, and what it gives line by line."""
    got = outcome(file)
    with monkeypatch.context() as patch:
        patch.setattr(csv_text, "read_plain", lambda *_: None)
        return got, outcome(file)


def assert_same(got: object, want: object) -> None:
    if isinstance(want, str):
        assert got == want
        return
    assert isinstance(want, tuple)
    assert isinstance(got, tuple)
    pd.testing.assert_frame_equal(got[0], want[0])
    assert got[1] == want[1]


@pytest.mark.parametrize("seed", range(40))
def test_any_text_is_read_as_line_by_line(seed, tmp_path, monkeypatch) -> None:
    rng = random.Random(seed)
    width, end = rng.randint(1, 4), rng.choice(["\n", "\r\n"])
    separator = rng.choice([",", ";", "\t"])
    names = rng.sample(["path", " identity", "label ", "r\u00f4le", "split"], width)
    if rng.random() < 0.8:
        names[0] = "path"
    lines = [separator.join(names)]
    for _ in range(rng.randint(0, 30)):
        lines.append(separator.join(rng.choice(_CELLS) for _ in range(width)))
        lines += rng.choice([[], [], [], [""], [" "], [separator * (width - 1)]])
    if rng.random() < 0.25:  # a line with one value too many or too few
        at = rng.randint(0, len(lines) - 1)
        lines[at] = rng.choice(
            [lines[at] + separator + "z", lines[at] + separator, lines[at].rpartition(separator)[0]]
        )
    text = rng.choice(["", "", "\ufeff", "\n"]) + end.join(lines) + rng.choice(["", end, end + end])
    file = tmp_path / "t.csv"
    file.write_bytes(text.encode())
    assert_same(*both(file, monkeypatch))


@pytest.mark.parametrize(
    "content",
    [
        b"path,label\na.jpg,x\rb.jpg,y\n",
        b"path,label\ra.jpg,x\r",
        b"path,label\na.jpg,x\x00\n",
        b"path,label\na.jpg,\xff\n",
        b'path,label\n"a,b.jpg",x\n',
        b'path,label\n"a"b.jpg,x\n',
        b'path,"la\nbel"\na.jpg,x\n',
        b"path,path\na.jpg,x\n",
        b"path,,label\na.jpg,,x\n",
        b"path,label,\na.jpg,x,\n",
        b"sep=;\npath;label\na.jpg;x\n",
        b"",
        b"\n\n",
        b"path\n",
        "path,label\na.jpg,x\n".encode("utf-16"),
        b"path,label\n" + b"a.jpg," + b"x" * 200_000 + b"\n",
    ],
)
def test_what_is_not_plain_is_refused_or_read_as_before(content, tmp_path, monkeypatch) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    assert_same(*both(file, monkeypatch))


def test_a_large_plain_file_is_read_without_a_look_at_each_line(tmp_path, monkeypatch) -> None:
    """Every row used to cost a list, a call and a path object: sixteen times as long as pandas."""
    file = tmp_path / "t.csv"
    file.write_text("path,identity\n" + "".join(f"images/{i}.jpg,p{i // 5}\n" for i in range(20_000)))
    calls = 0

    def count(frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    ImageTable.read(file)  # what is imported on the way is not counted
    sys.setprofile(count)
    try:
        table = ImageTable.read(file)
    finally:
        sys.setprofile(None)
    assert len(table) == 20_000
    assert calls < 5_000
    assert_same(*both(file, monkeypatch))


def test_blanks_of_every_kind_are_missing() -> None:
    """Arrow and Python agree on what a blank is, for every character there is."""
    letters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
    column = pd.Series([*letters, "", None, "  \t", " a"], dtype="str")
    want = [is_missing(value) for value in column.tolist()]
    np.testing.assert_array_equal(missing_rows(column), want)
    np.testing.assert_array_equal(missing_rows(column[::-1]), want[::-1])


def test_paths_are_a_sequence_that_holds_no_path() -> None:
    names = pd.Series([f"images/{i:07d}.jpg" for i in range(20_000)], dtype="str")
    table = ImageTable(pd.DataFrame({"path": names}), Path("/data"))
    tracemalloc.start()
    paths = table.paths
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 100_000  # a list of them has 6 MB
    assert isinstance(paths, ImagePaths)
    assert (len(paths), paths[0], paths[-1]) == (
        20_000,
        Path("/data/images/0000000.jpg"),
        Path("/data/images/0019999.jpg"),
    )
    assert list(paths[3:9:3]) == [Path("/data/images/0000003.jpg"), Path("/data/images/0000006.jpg")]
    assert paths[:2] == [Path("/data/images/0000000.jpg"), Path("/data/images/0000001.jpg")]
    assert paths[5] in paths[4:7]
    with pytest.raises(IndexError):
        paths[20_000]


def test_names_that_leave_the_folder_are_refused_as_one_by_one(tmp_path) -> None:
    (tmp_path / "here.jpg").touch()
    names = [
        "a.jpg",
        "a/../b.jpg",
        "..a/b..jpg",
        "../c.jpg",
        "a/../../c.jpg",
        "..",
        "/nowhere/x.jpg",
        "/",
        "//x",
        "~/x",
        "./x",
        " /x",
    ]
    names += [str(tmp_path / "here.jpg"), str(tmp_path)]
    for name in names:
        try:
            inside(tmp_path, name)
            want = None
        except DataError as error:
            want = str(error)
        column = pd.Series(["first.jpg", name, "last.jpg"], dtype="str")
        for kept in (column, column.astype(object)):
            if want is None:
                refuse_outside(tmp_path, kept)
            else:
                with pytest.raises(DataError) as found:
                    refuse_outside(tmp_path, kept)
                assert str(found.value) == want


@pytest.mark.parametrize("kind", ["arrow", "python", "object"])
def test_rows_that_hold_a_part_are_those_that_python_finds(kind) -> None:
    values = ["a/b.png", "a.", ".b", None, "x\\y", "..", "", "é..ü", "a/.b"]
    dtype = (
        object if kind == "object" else pd.StringDtype({"arrow": "pyarrow"}.get(kind, kind), na_value=np.nan)
    )
    names = pd.Series(values, dtype=dtype)
    for part in ("..", "\\", "ü", "nothing"):
        for some in (names, names.iloc[3:6].reset_index(drop=True), names.iloc[:0]):
            expected = [row for row, value in enumerate(some) if isinstance(value, str) and part in value]
            assert rows_holding(some, part).tolist() == expected
