"""Boxes cut a part out of an image, everywhere alike, by the end of its path."""

import hashlib
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO, cast

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from metric_face.auditing.box_checks import check_boxes, upright_size
from metric_face.auditing.inspection import inspect_data
from metric_face.cli.app import app
from metric_face.data import (
    BOX,
    ImageTable,
    ParquetRows,
    Unseen,
    box_of,
    compare_stamps,
    content_hashes,
    file_of,
    has_boxes,
    names_of,
    open_image,
    take_fingerprints,
    take_stamps,
)
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.measures.image_properties import image_properties
from metric_face.embeddings import Embeddings
from metric_face.errors import DataError, ImageError
from metric_face.extraction import extract
from metric_face.gallery.copies import without_copies
from metric_face.inference import Predictor
from metric_face.inference.submission import collect_images
from metric_face.run import Run
from metric_face.search import EmbeddingIndex, files_of, rows_of_files


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """A folder with an image of 40 x 20 pixels whose value is its column, another of noise, and a table."""
    columns = np.broadcast_to(np.arange(40, dtype=np.uint8)[None, :, None] * 6, (20, 40, 3))
    Image.fromarray(columns.copy()).save(tmp_path / "Ümlaut #1.png")
    noise = np.random.default_rng(0).integers(0, 255, (20, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "b.png")
    rows = [("Ümlaut #1.png", 4, 2, 14, 12), ("Ümlaut #1.png", 20, 0, 60.4, 9.6), ("b.png", "", "", "", "")]
    frame = pd.DataFrame(rows, columns=["path", "x1", "y1", "x2", "y2"]).assign(identity=["a", "b", "c"])
    frame.to_csv(tmp_path / "images.csv", index=False)
    return tmp_path


def test_four_columns_are_the_end_of_the_path(group: Path) -> None:
    table = ImageTable.read(group / "images.csv")
    assert table.frame["path"].tolist() == [
        "Ümlaut #1.png#xywh=4,2,10,10",
        "Ümlaut #1.png#xywh=20,0,40,10",
        "b.png",
    ]
    assert table.attributes == ()
    assert any("2 rows are boxes (x1, y1, x2, y2) of 1 images" in note for note in table.notes)
    assert ImageTable.read(group / "images.csv", box=None).attributes == ("x1", "y1", "x2", "y2")
    named = pd.read_csv(group / "images.csv").rename(
        columns={"x1": "left", "y1": "top", "x2": "right", "y2": "bottom"}
    )
    named.to_csv(group / "named.csv", index=False)
    other = ImageTable.read(group / "named.csv", box=("left", "top", "right", "bottom"))
    assert other.frame["path"].tolist() == table.frame["path"].tolist()
    named.drop(columns="bottom").to_csv(group / "lacking.csv", index=False)
    assert box_of(ImageTable.read(group / "lacking.csv").frame["path"][0]) is None


def test_the_part_is_that_of_the_upright_image_and_clipped(group: Path) -> None:
    table = ImageTable.read(group)
    whole = np.asarray(open_image(group / "Ümlaut #1.png"))
    np.testing.assert_array_equal(np.asarray(open_image(table.paths[0])), whole[2:12, 4:14])
    np.testing.assert_array_equal(np.asarray(open_image(str(table.paths[1]))), whole[0:10, 20:40])
    assert open_image(table.paths[2]).size == (40, 20)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[274] = orientation
        file = group / f"turned{orientation}.png"
        Image.fromarray(whole).save(file, exif=exif)
        upright = np.asarray(open_image(file))
        np.testing.assert_array_equal(np.asarray(open_image(f"{file}#xywh=3,5,9,7")), upright[5:12, 3:12])
        assert upright_size(str(file)) == upright.shape[1::-1]
    Image.fromarray(np.repeat(np.repeat(whole, 20, 0), 20, 1)).save(group / "large.jpg")
    reduced = open_image(
        f"{group / 'large.jpg'}#xywh=100,40,200,200", at_least=(20, 20)
    )  # no draft of other size
    assert reduced.size == (200, 200)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ("1,2,3,", "x1, y1, x2, y2 must all be there or all be missing, found 1, 2, 3, nothing"),
        ("1,2,x,4", "must be numbers of pixels, found 1, 2, x, 4"),
        ("5,2,5,4", "must be left, top, right, bottom, found 5, 2, 5, 4"),
        ("5,6,9,4", "must be left, top, right, bottom"),
        ("-9,1,-2,4", "must reach into the image"),
        ("1,1,inf,4", "must be numbers of pixels"),
        ("1,1,1e12,4", "must be pixels"),
    ],
)
def test_a_wrong_box_is_one_line(tmp_path: Path, box: str, said: str) -> None:
    (tmp_path / "a.csv").write_text(f"path,x1,y1,x2,y2\na.png,0,0,4,4\nb.png,{box}\n")
    with pytest.raises(DataError) as raised:
        ImageTable.read(tmp_path / "a.csv")
    assert "row 1: " in str(raised.value)
    assert said in str(raised.value)


def test_two_boxes_of_one_image_are_two_images_to_answer(group: Path) -> None:
    for name, separator, names in (("images.csv", ",", BOX), ("other.csv", ";", ("l", "t", "r", "b"))):
        frame = pd.read_csv(group / "images.csv").rename(columns=dict(zip(BOX, names, strict=True)))
        frame.to_csv(group / name, sep=separator, index=False)
        found = Unseen.read(group / name, names)
        assert found.template is None
        assert (
            found.table.frame["path"].tolist()
            == ImageTable.read(group / name, box=names).frame["path"].tolist()
        )
    (group / "ids.csv").write_text("ImageID\nb.png\n")
    assert Unseen.read(group / "ids.csv").template is not None
    assert collect_images([str(group / "ids.csv")]).template is not None
    assert not has_boxes(group / "absent.csv")


def test_knn_reads_a_table_of_boxes_as_every_command_does(group: Path) -> None:
    (group / "in").mkdir()
    (group / "b.png").rename(group / "in" / "b.png")
    for cell, expected in (
        ("in/b.png", None),
        (r"in\b.png", None),
        ("", "must not be empty"),
        ("../b.png", "inside"),
    ):
        (group / "in.csv").write_text(f"path,x1,y1,x2,y2\n{cell},1,2,3,4\n")
        if expected is None:
            request = collect_images([str(group / "in.csv")])
            assert request.template is None
            assert request.files == [str(group / "in" / "b.png#xywh=1,2,2,2")]
        else:
            with pytest.raises(DataError, match=expected):
                collect_images([str(group / "in.csv")])


def test_an_absolute_path_with_dots_may_have_a_box(group: Path) -> None:
    (group / "in").mkdir()
    named = f"{group}/in/../b.png"
    (group / "in" / "images.csv").write_text(f"path,x1,y1,x2,y2\n{named},1,2,3,4\n")
    table = ImageTable.read(group / "in" / "images.csv")
    assert open_image(table.paths[0]).size == (2, 2)
    (group / "b.png").unlink()
    with pytest.raises(DataError, match=r"b\.png': an absolute path must name an existing file"):
        ImageTable.read(group / "in" / "images.csv")


def test_properties_of_a_box_are_measured(group: Path) -> None:
    paths = ImageTable.read(group).paths
    found = image_properties(cast(Context, SimpleNamespace(images=paths)), np.arange(3))
    assert np.isfinite(found).all()
    weight = (group / "Ümlaut #1.png").stat().st_size
    np.testing.assert_allclose(found[0, -2:], [np.log(100), np.log(weight / 100)])


def test_the_same_crop_under_another_path_is_a_copy(group: Path) -> None:
    index = EmbeddingIndex.build(
        np.eye(2, dtype=np.float32),
        {"path": ["./Ümlaut #1.png#xywh=4,2,10,10", "x//b.png"]},
        metadata={"root": str(group.resolve())},
    )
    (group / "new.png").write_bytes((group / "Ümlaut #1.png").read_bytes())
    rows = ["new.png#xywh=4,2,10,10", "new.png#xywh=20,0,40,10", "Ümlaut #1.png#xywh=4,2,10,10"]
    table = ImageTable(pd.DataFrame({"path": rows}), group)
    keep, [line] = without_copies(index, Embeddings(np.eye(2, dtype=np.float32)[[0, 0, 0]], table))
    assert keep.tolist() == [1]
    assert line.startswith("1 image skipped as exact copies: new.png#xywh=4,2,10,10")


def test_files_of_a_table_and_of_an_index_are_written_alike(tmp_path: Path) -> None:
    names = [
        "./a.jpg",
        "a//b.jpg",
        "a/./c.jpg",
        ".hidden/d.jpg",
        "e.jpg",
        f"{tmp_path}//f.jpg",
        "g/../h.jpg",
        "i/.",
    ]
    index = EmbeddingIndex.build(
        np.ones((len(names), 2), np.float32), {"path": names}, metadata={"root": str(tmp_path.resolve())}
    )
    files = files_of(ImageTable(pd.DataFrame({"path": names}), tmp_path))
    assert [rows_of_files(index).get(str(file)) for file in files] == list(range(len(names)))


def test_a_file_is_read_once_for_all_of_its_boxes(group: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, digest, read = ImageTable.read(group).paths, hashlib.file_digest, []

    def counted(file: BinaryIO, name: str) -> "hashlib._Hash":
        read.append(Path(file.name).name)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    whole = hashlib.sha256((group / "Ümlaut #1.png").read_bytes()).hexdigest()
    expected = [f"{whole}{box_of(path)}" for path in paths[:2]]
    assert content_hashes(paths, boxes=True)[:2] == expected
    assert sorted(read) == ["b.png", "Ümlaut #1.png"]
    stamps = take_stamps(paths)
    assert stamps["sha256"].tolist()[:2] == [whole, whole]
    assert len(read) == 4
    os.utime(group / "Ümlaut #1.png", ns=(0, 0))
    assert len(compare_stamps(stamps, paths).changed) == 0
    assert len(read) == 5
    (group / "Ümlaut #1.png").write_bytes(b"another content")
    assert compare_stamps(stamps, paths).changed.tolist() == [0, 1]
    (group / "Ümlaut #1.png").unlink()
    assert compare_stamps(stamps, paths).missing.tolist() == [0, 1]
    with pytest.raises(ImageError, match=r"Ümlaut #1\.png: cannot be read"):
        content_hashes(paths)


def test_a_box_outside_its_image_is_a_broken_image(group: Path) -> None:
    with pytest.raises(ImageError, match="its box lies outside the image of 40 x 20 pixels"):
        open_image(group / "b.png#xywh=40,0,5,5")
    (group / "out.csv").write_text("path,x1,y1,x2,y2\nb.png,-5,-5,3,3\nb.png,99,0,120,9\n")
    table = ImageTable.read(group / "out.csv")
    assert table.frame["path"][0] == "b.png#xywh=0,0,3,3"
    report = inspect_data(table)
    assert [finding.rows for finding in report.findings if finding.id == "broken-images"] == [((1,),)]


def test_parquet_read_in_pieces_has_the_same_paths(group: Path) -> None:
    frame = pd.read_csv(group / "images.csv")
    frame.to_parquet(group / "images.parquet")
    rows = ParquetRows.open(group / "images.parquet")
    assert rows is not None
    rows.check()
    assert list(names_of(rows)) == ImageTable.read(group / "images.csv").frame["path"].tolist()
    assert rows.schema.names == ["path", "identity"]
    assert ImageTable.read(group / "images.parquet").frame["path"].tolist() == list(names_of(rows))


def test_copies_are_compared_by_file_and_box_and_photographs_by_file(group: Path) -> None:
    table = ImageTable.read(group)
    digests = take_fingerprints(table.paths).digests
    assert len(set(digests)) == 3
    one, two, _ = content_hashes(table.paths)  # for the split: crops of one photograph stay together
    assert one == two
    assert len(set(content_hashes(table.paths, boxes=True))) == 3
    assert [str(file_of(path).name) for path in table.paths] == ["Ümlaut #1.png", "Ümlaut #1.png", "b.png"]


def test_the_audit_says_how_much_boxes_cover(group: Path) -> None:
    found = {finding.id: finding for finding in check_boxes(ImageTable.read(group))}
    values = found["crop-coverage"].values
    assert (values["boxes"], values["images"], values["files"]) == (2, 3, 1)
    assert (values["least"], values["most"]) == (pytest.approx(100 / 800), pytest.approx(200 / 800))
    assert values["cut"] == 2  # the centered square is columns 10 to 30: 4 of 10 and 10 of 20 are in it
    assert found["boxes-clipped"].values["first"] == "Ümlaut #1.png#xywh=20,0,40,10"
    assert "A box covers 18.8% of its image (median; 12.5% to 25.0%)" in found["crop-coverage"].sentence
    assert "pixels of the upright image" in found["boxes-clipped"].remedy
    assert list(check_boxes(ImageTable.read(group / "images.csv", box=None))) == []


@pytest.mark.slow
def test_a_run_sees_the_same_part_in_extraction_kNN_gallery_and_pages(
    indexed: Run, toy: Path, tmp_path: Path
) -> None:
    names = [f"p{number:02d}_0.png" for number in range(6)]
    sheet = Image.new("RGB", (32 * 6, 40), (9, 9, 9))
    for place, name in enumerate(names):
        sheet.paste(Image.open(toy / "images" / name), (32 * place, 5))
    sheet.save(tmp_path / "sheet.png")
    rows = [f"sheet.png,{32 * place},5,{32 * place + 32},37" for place in range(6)]
    (tmp_path / "boxes.csv").write_text("\n".join(["path,x1,y1,x2,y2", *rows]) + "\n")
    table = ImageTable.read(tmp_path / "boxes.csv")
    cut = extract(indexed, table, precision="fp32")
    alone = extract(indexed, ImageTable(pd.DataFrame({"path": names}), toy / "images"), precision="fp32")
    np.testing.assert_array_equal(cut.vectors, alone.vectors)
    predictor = Predictor(indexed.folder)
    by_box = predictor.predict([str(path) for path in table.paths])
    by_file = predictor.predict([toy / "images" / name for name in names])
    assert [one.predicted for one in by_box] == [one.predicted for one in by_file]
    done = CliRunner().invoke(app, ["knn", str(indexed.folder), str(tmp_path / "boxes.csv"), "--json"])
    assert done.exit_code == 0, done.output
    answers = json.loads(done.stdout)["answers"]
    assert [one["path"].rpartition("#")[2] for one in answers] == [
        f"xywh={32 * place},5,32,32" for place in range(6)
    ]
    shown = CliRunner().invoke(
        app,
        [
            "search",
            str(indexed.folder),
            f"{tmp_path / 'sheet.png'}#xywh=0,5,32,32",
            "--page",
            str(tmp_path / "s.html"),
        ],
    )
    assert shown.exit_code == 0, shown.output
    assert "#xywh=0,5,32,32" in (tmp_path / "s.html").read_text("utf-8")
    kept = extract(indexed, table, folder=tmp_path / "vectors", precision="fp32")
    np.testing.assert_array_equal(kept.vectors, cut.vectors)
    assert len(kept.state().missing) + len(kept.state().changed) == 0
    sheet.putpixel((0, 0), (1, 2, 3))
    sheet.save(tmp_path / "sheet.png")
    assert len(kept.state().changed) == 6
