"""Datasets of Hugging Face and torchvision as a table: files in place, pictures written, nothing half done."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Picture
from torch.utils.data import Subset
from torchvision.datasets import FakeData, ImageFolder

from metric_face import ImageTable
from metric_face.errors import ArgumentError, DataError, OutputError


class Image:
    """As ``datasets.Image``: decoded, or the file and its bytes."""

    def __init__(self, decode: bool = True) -> None:
        self.decode = decode


class ClassLabel:
    names = ("cat", "dog")


class Value:
    pass


class HuggingFace:
    """What is read of a ``datasets.Dataset``."""

    def __init__(self, rows: list[dict[str, Any]], features: dict[str, Any]) -> None:
        self.rows, self.features, self.column_names = rows, features, list(features)

    def cast_column(self, name: str, feature: Any) -> "HuggingFace":
        return HuggingFace(self.rows, {**self.features, name: feature})

    def select(self, rows: list[int]) -> "HuggingFace":
        return HuggingFace([self.rows[row] for row in rows], self.features)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> dict[str, Any]:
        assert not self.features["image"].decode  # the file is asked for, not its pixels
        return self.rows[row]


def drawn(shade: int, mode: str = "RGB") -> Picture.Image:
    return Picture.new(mode, (9, 7), shade)


def jpeg(shade: int) -> bytes:
    buffer = io.BytesIO()
    drawn(shade).save(buffer, "JPEG")
    return buffer.getvalue()


def hugging_face(rows: list[dict[str, Any]]) -> HuggingFace:
    return HuggingFace(
        rows, {"image": Image(), "labels": ClassLabel(), "path": Value(), "tags": Value(), "age": Value()}
    )


def test_bytes_are_kept_and_class_numbers_named(tmp_path: Path) -> None:
    rows = [
        {"image": {"bytes": jpeg(n), "path": f"{n}.jpg"}, "labels": n % 2, "path": "x", "tags": [1], "age": n}
        for n in range(3)
    ]
    table = ImageTable.from_dataset(hugging_face(rows), tmp_path / "taken")
    assert list(table.frame.columns) == ["path", "labels", "path_given", "age"]
    assert table.frame["labels"].tolist() == ["cat", "dog", "cat"]
    assert [path.read_bytes() for path in table.paths] == [jpeg(n) for n in range(3)]
    again = ImageTable.read(tmp_path / "taken")
    assert again.frame["path"].tolist() == table.frame["path"].tolist()
    assert again.frame["age"].tolist() == ["0", "1", "2"]


def test_files_are_read_where_they_lie(tmp_path: Path) -> None:
    drawn(5).save(tmp_path / "é.png")
    rows = [{"image": {"bytes": None, "path": str(tmp_path / "é.png")}, "labels": 0, "path": "", "age": None}]
    table = ImageTable.from_dataset(hugging_face(rows))
    assert list(table.paths) == [tmp_path / "é.png"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["é.png"]


def test_splits_of_a_mapping(tmp_path: Path) -> None:
    rows = [{"image": {"bytes": jpeg(n), "path": None}, "labels": 1, "age": n} for n in range(4)]
    parts = {"train": hugging_face(rows[:3]), "validation": hugging_face(rows[3:])}
    seen: list[tuple[int, int]] = []
    table = ImageTable.from_dataset(parts, tmp_path / "t", progress=lambda *at: seen.append(at))
    assert table.frame["split"].tolist() == ["train"] * 3 + ["val"]
    assert seen[-1] == (4, 4)


def test_splits_of_a_mapping_are_named_as_in_folders_and_tables(tmp_path: Path) -> None:
    rows = [{"image": {"bytes": jpeg(n), "path": None}, "labels": 1, "age": n} for n in range(4)]
    parts = {name: hugging_face(rows[at : at + 1]) for at, name in enumerate(("Training", "dev", "testing"))}
    table = ImageTable.from_dataset(parts, tmp_path / "t")
    assert table.frame["split"].tolist() == ["train", "val", "test"]
    assert ImageTable.read(tmp_path / "t" / "images.csv").splits == table.splits
    twice = {**parts, "validation": hugging_face(rows[3:])}
    with pytest.raises(ArgumentError, match=r"its splits 'dev' and 'validation' are both 'val'; join or"):
        ImageTable.from_dataset(twice, tmp_path / "u")
    assert not (tmp_path / "u").exists()


def test_torchvision_folders_stay_in_place(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        drawn(9).save(tmp_path / name / "0.png")
    table = ImageTable.from_dataset(ImageFolder(str(tmp_path)))
    assert table.frame["label"].tolist() == ["a", "b"]
    assert [path.name for path in table.paths] == ["0.png", "0.png"]
    assert ImageTable.from_dataset(Subset(ImageFolder(str(tmp_path)), [1])).frame["label"].tolist() == ["b"]


def test_torchvision_pictures_are_written_whole(tmp_path: Path) -> None:
    data = FakeData(4, (3, 8, 8), num_classes=3)
    table = ImageTable.from_dataset(Subset(data, [2, 0]), tmp_path / "written")
    for path, row in zip(table.paths, (2, 0), strict=True):
        with Picture.open(path) as picture:
            np.testing.assert_array_equal(np.asarray(picture), np.asarray(data[row][0]))
    assert table.frame["label"].tolist() == [data[2][1], data[0][1]]


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "RGBA", "CMYK", "I;16", "F"])
def test_pictures_of_every_mode_are_written(mode: str, tmp_path: Path) -> None:
    table = ImageTable.from_dataset([(drawn(1, mode), "x")], tmp_path / "written")
    with Picture.open(table.paths[0]) as picture:
        assert picture.size == (9, 7)


def test_what_is_no_such_dataset_is_refused(tmp_path: Path) -> None:
    two = HuggingFace([], {"image": Image(), "mask": Image()})
    cases: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        (iter([]), {}, ArgumentError, "dataset must have a length, found list_iterator"),
        ({1, 2}, {}, ArgumentError, "dataset must be one of Hugging Face or torchvision, found set"),
        ([1], {}, ArgumentError, "dataset must yield pairs of image and target, found int in row 0"),
        (two, {}, ArgumentError, "image must name the column of images, found image, mask among image, mask"),
        (hugging_face([]), {"image": "none"}, ArgumentError, "image must be one of image, labels"),
        ([(np.zeros((3, 3)), 0)], {}, DataError, "row 0: must hold an image .* found ndarray"),
        (
            [(drawn(0), 0)],
            {"folder": None},
            ArgumentError,
            "folder must be given for images that are in no file",
        ),
        ([], {}, DataError, "needs at least one image"),
    ]
    for dataset, settings, kind, message in cases:
        with pytest.raises(kind, match=message) as caught:
            ImageTable.from_dataset(dataset, **{"folder": tmp_path / "none", **settings})
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "none").exists()
    with pytest.raises(DataError, match="row 0: holds bytes that are no image"):
        ImageTable.from_dataset([({"bytes": b"not", "path": None}, 0)], tmp_path / "none")


def test_nothing_of_others_is_replaced_and_nothing_is_half_written(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.txt").write_text("kept")
    with pytest.raises(OutputError):
        ImageTable.from_dataset([(drawn(0), 0)], tmp_path / "mine")
    with pytest.raises(DataError):
        ImageTable.from_dataset([(drawn(0), 0), (None, 0)], tmp_path / "new")
    assert sorted(file.name for file in tmp_path.iterdir() if not file.name.startswith(".")) == ["mine"]
    assert pd.Series([(tmp_path / "mine" / "precious.txt").read_text()]).tolist() == ["kept"]
