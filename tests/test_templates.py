"""A template says which ids are answered and in which order; nothing unreadable stops the others."""

import shutil
from pathlib import Path

import pytest

from metric_face.data.templates import Template, listed
from metric_face.data.unseen import Unseen
from metric_face.errors import DataError
from metric_face.inference.submission import collect_images
from metric_face.inference.watch import gather


def template(folder: Path, text: str, name: str = "info.csv") -> Template:
    (folder / name).write_text(text, encoding="utf-8")
    return Template.read(folder / name)


def test_ids_are_text_in_the_order_of_the_file(tmp_path: Path) -> None:
    read = template(tmp_path, "\ufeffImageID,ans\n007.png,0\nb.png,0\n\na.png,0\n")
    assert read.ids == ("007.png", "b.png", "a.png")
    assert read.filled({"a.png": 5, "007.png": 3}, 9) == (
        "ImageID,ans\n007.png,3\nb.png,9\na.png,5\n",
        ["b.png"],
    )


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("ImageID,ans\na,0\n", ("ImageID", "ans")),
        ("ans,ImageID\n0,a\n", ("ImageID", "ans")),
        ("id,label\na,0\n", ("id", "label")),
        ("id,x,y\na,0,0\n", ("id", "ans")),
        ("image\na\n", ("image", "ans")),
        (" ImageID , ans\na,0\n", ("ImageID", "ans")),
    ],
)
def test_the_column_of_ids_and_that_of_answers(tmp_path: Path, text: str, columns: tuple[str, str]) -> None:
    read = template(tmp_path, text)
    assert read.columns == columns
    assert read.ids == ("a",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"info\.csv: cannot be read as a table \(it is empty\)"),
        ("ImageID,ans\n", "must hold a header and at least one id, found 1 line"),
        ("ImageID,ans\na,0\n,0\n", "ImageID must not be empty, found none in row 2; fill it in"),
        ("ImageID,ans\na,0\nb,0\na,0\n", "ImageID must stand once, found a in rows 1 and 3; drop one"),
    ],
)
def test_what_is_no_template_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        template(tmp_path, text)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"ImageID;ans\na, b.png;0\n007.png;0\n", "its values are separated by semicolons"),
        (b"ans\tImageID\n0\ta, b.png\n0\t007.png\n", "its values are separated by tabs"),
        ('ImageID,ans\n"a, b.png",0\n007.png,0\n'.encode("utf-16"), "read as UTF-16"),
        ("name;ans\na, b.png;0\n007.png;0\n".encode("utf-8-sig"), "its values are separated by semicolons"),
    ],
)
def test_a_template_of_another_dialect_is_read_and_reported(
    tmp_path: Path, content: bytes, note: str
) -> None:
    (tmp_path / "info.csv").write_bytes(content)
    read = Template.read(tmp_path / "info.csv")
    assert read.ids == ("a, b.png", "007.png")
    assert read.notes == (f"{tmp_path / 'info.csv'}: {note}",)
    assert read.columns[1] == "ans"


def test_a_dialect_is_a_list_of_images_too(toy: Path, tmp_path: Path) -> None:
    shutil.copy(toy / "images" / "p00_0.png", tmp_path)
    (tmp_path / "list.csv").write_bytes("ImageID;ans\np00_0.png;0\n".encode("utf-16"))
    assert [Path(file).name for file in collect_images([str(tmp_path / "list.csv")]).files] == ["p00_0.png"]
    unseen = Unseen.read(tmp_path / "list.csv")
    assert unseen.template is not None
    assert [path.name for path in unseen.table.paths] == ["p00_0.png"]


def test_a_template_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_bytes("ImageID,ans\n".encode("utf-16"))
    (tmp_path / "old.csv").write_bytes("ImageID,ans\n\xe4.png,0\n".encode("cp1252"))
    for name, message in (
        ("wide.csv", "must hold a header and at least one id, found 1 line"),
        ("nowhere.csv", r"cannot be read \(No such file or directory\)"),
        ("old.csv", r"line 2 is not UTF-8 \(byte 0xe4\); save it as UTF-8, as with iconv -f CP1252"),
    ):
        with pytest.raises(DataError, match=rf"{name}: {message}"):
            Template.read(tmp_path / name)


def test_an_id_is_matched_by_its_end_whole_names_before_stems(tmp_path: Path) -> None:
    read = template(tmp_path, "ImageID,ans\nb/1.png,0\na/1.png,0\n2,0\n3.jpg,0\n4.5,0\nnone.png,0\n")
    paths = ["x/a/1.png", "x/b/1.png", "x/2.jpeg", "x/3.jpg", "x/3.jpg.png", "x/4.5.png", "x/none.txt"]
    assert read.match(paths) == {"b/1.png": 1, "a/1.png": 0, "2": 2, "3.jpg": 3, "4.5": 5}


def test_an_id_of_two_images_is_refused(tmp_path: Path) -> None:
    read = template(tmp_path, "ImageID,ans\n1.png,0\n")
    with pytest.raises(DataError, match=r"1\.png must name one image, found a/1\.png and b/1\.png"):
        read.match(["a/1.png", "b/1.png"])


def test_a_template_finds_its_images_below(toy: Path, tmp_path: Path) -> None:
    (tmp_path / "eval" / "images").mkdir(parents=True)
    for name in ("p00_0.png", "p01_0.png", "p02_0.png"):
        shutil.copy(toy / "images" / name, tmp_path / "eval" / "images")
    read = template(tmp_path / "eval", "ImageID,ans\np02_0.png,0\ngone.png,0\np00_0.png,0\n")
    for asked in (
        collect_images([str(read.source)]),
        collect_images([str(tmp_path / "eval")], submitted=True),
    ):
        assert [Path(file).name for file in asked.files] == ["p02_0.png", "p00_0.png"]
        assert asked.template == read
        assert [str(error) for error in asked.failed.values()] == [
            f"gone.png: no image of that name in {tmp_path / 'eval'} or below; restore it"
        ]
    asked = collect_images([str(tmp_path / "eval" / "images")], read.source)
    assert [Path(file).name for file in asked.files] == ["p02_0.png", "p00_0.png"]
    plain = collect_images([str(tmp_path / "eval")])  # no submission is wanted: all the images
    assert plain.template is None
    assert len(plain.files) == 3


def test_a_template_of_other_images_is_refused(toy: Path, tmp_path: Path) -> None:
    read = template(tmp_path, "ImageID,ans\nzz.png,0\n")
    with pytest.raises(DataError, match=r"none of its 1 ids names an image in .*; name the folder of images"):
        collect_images([str(toy)], read.source)


def test_a_name_that_leads_to_no_image_stops_no_other(toy: Path, tmp_path: Path) -> None:
    files, failed = gather([str(toy / "images" / "p00_0.png"), "nowhere.png", str(tmp_path)])
    assert [Path(file).name for file in files] == ["p00_0.png"]
    assert list(failed) == ["nowhere.png", str(tmp_path)]
    with pytest.raises(DataError, match="no such file"):
        collect_images(["nowhere.png"])


def test_repeated_names_are_refused_before_anything_is_computed(toy: Path) -> None:
    image = str(toy / "images" / "p00_0.png")
    with pytest.raises(DataError, match=r"must differ to be ImageIDs, found 2 of p00_0\.png"):
        collect_images([image, image], submitted=True)


def test_a_list_is_cut() -> None:
    assert listed("abc") == "a, b, c"
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"
