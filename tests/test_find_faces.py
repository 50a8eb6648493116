"""Faces as boxes: geometry against brute force, alignment against least squares, the detector on drawn faces."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from metric_face import ImageTable, find_faces
from metric_face.cli.app import app
from metric_face.data import open_image
from metric_face.errors import ArgumentError, DataError, FileFormatError, MissingExtraError
from metric_face.faces import DetectedFaces, FaceDetector
from metric_face.faces.alignment import TEMPLATE, align_face, similarity
from metric_face.faces.geometry import move_boxes, square_boxes, suppress_overlaps
from metric_face.faces.networks import FaceNetwork, load_networks
from metric_face.synthetic_faces import make_faces

NO_EXTRA = find_spec("mtcnn") is None or find_spec("lz4") is None
with_extra = pytest.mark.skipif(NO_EXTRA, reason="pip install 'metric_face[faces]'")


def drawn_boxes(count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    corner = generator.uniform(0, 60, (count, 2))
    boxes = np.concatenate([corner, corner + generator.uniform(10, 50, (count, 2))], axis=1)
    return boxes, generator.permutation(count) / count


@pytest.mark.parametrize("of", ["union", "smaller"])
def test_suppression_is_that_of_a_loop_over_pixels(of: str) -> None:
    boxes, scores = drawn_boxes(40)
    boxes = boxes.round()
    masks = np.zeros((40, 120, 120), bool)
    for mask, (left, top, right, bottom) in zip(masks, boxes.astype(int), strict=True):
        mask[top:bottom, left:right] = True
    kept: list[int] = []
    for row in np.argsort(-scores):
        shared = [(masks[row] & masks[other]).sum() for other in kept]
        whole = [
            min(masks[row].sum(), masks[other].sum())
            if of == "smaller"
            else (masks[row] | masks[other]).sum()
            for other in kept
        ]
        if all(one <= 0.3 * both for one, both in zip(shared, whole, strict=True)):
            kept.append(int(row))
    assert suppress_overlaps(boxes, scores, 0.3, of).tolist() == kept  # type: ignore[arg-type]
    assert 1 < len(kept) < 40
    assert len(suppress_overlaps(np.empty((0, 4)), np.empty(0), 0.3)) == 0


def test_boxes_are_moved_and_made_square_one_by_one() -> None:
    boxes, _ = drawn_boxes(20)
    shifts = np.random.default_rng(1).normal(size=(20, 4))
    for (left, top, right, bottom), shift, moved, square in zip(
        boxes, shifts, move_boxes(boxes, shifts), square_boxes(boxes, 0.25), strict=True
    ):
        wide, high = right - left, bottom - top
        expected = (
            left + shift[0] * wide,
            top + shift[1] * high,
            right + shift[2] * wide,
            bottom + shift[3] * high,
        )
        np.testing.assert_allclose(moved, expected)
        np.testing.assert_allclose(square[2:] - square[:2], 1.5 * max(wide, high))
        np.testing.assert_allclose((square[2:] + square[:2]) / 2, ((left + right) / 2, (top + bottom) / 2))
    assert square_boxes(np.empty((0, 4))).shape == (0, 4)


def test_a_planted_similarity_is_found_again() -> None:
    points = np.random.default_rng(0).normal(size=(5, 2)) * 30
    angle, scale, shift = 0.7, 1.8, np.array([12.0, -5.0])
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn, moved = similarity(points, scale * points @ rotation.T + shift)
    np.testing.assert_allclose([abs(turn), np.angle(turn)], [scale, angle])
    np.testing.assert_allclose([moved.real, moved.imag], shift)


def test_where_none_fits_exactly_it_is_umeyama_s() -> None:
    """Against the closed form by singular values, and the same problem as linear least squares."""
    generator = np.random.default_rng(0)
    points, targets = generator.normal(size=(5, 2)) * 30, generator.normal(size=(5, 2)) * 30
    turn, shift = similarity(points, targets)
    here, there = points - points.mean(0), targets - targets.mean(0)
    left, values, right = np.linalg.svd(there.T @ here / 5)
    sign = np.diag([1, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    scale = np.trace(np.diag(values) @ sign) / here.var(axis=0).sum()
    matrix = scale * left @ sign @ right
    np.testing.assert_allclose([turn.real, turn.imag], matrix[:, 0])
    np.testing.assert_allclose([shift.real, shift.imag], targets.mean(0) - matrix @ points.mean(0))
    rows = [row for x, y in points for row in ([x, -y, 1, 0], [y, x, 0, 1])]
    solved = np.linalg.lstsq(np.array(rows), targets.ravel(), rcond=None)[0]
    np.testing.assert_allclose([turn.real, turn.imag, shift.real, shift.imag], solved)


@pytest.mark.parametrize(("scale", "angle"), [(1.0, 0.0), (0.6, 0.5), (4.0, -0.8), (9.0, 2.5)])
def test_five_spots_lie_on_the_template_of_a_crop(scale: float, angle: float) -> None:
    turn = scale * np.exp(1j * angle)
    places = (TEMPLATE - 56) @ [1, 1j] * turn + 600 * (1 + 1j)
    points = np.column_stack([places.real, places.imag])
    columns, rows = np.meshgrid(np.arange(1200), np.arange(1200))
    for x, y in points:
        near = (columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2
        spot = 255 * np.exp(-near / (2 * (3 * scale) ** 2))
        crop = align_face(Image.fromarray(spot.astype(np.uint8)).convert("RGB"), points)
        assert crop.size == (112, 112)
        weights = np.asarray(crop, dtype=float)[..., 0]
        weights[weights < 60] = 0
        center = [(weights * (at + 0.5)).sum() / weights.sum() for at in np.mgrid[:112, :112][::-1]]
        expected = TEMPLATE[np.argmin(((points - (x, y)) ** 2).sum(1))]
        np.testing.assert_allclose(center, expected, atol=0.3)


def planted(scores: Mapping[tuple[int, int], float]) -> Any:
    """Networks that see a face where the first pixel of a window is white: the proposal's map is planted."""

    def propose(pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        high, wide = (pixels.shape[2] - 10) // 2, (pixels.shape[3] - 10) // 2
        chances = torch.zeros(1, high, wide)
        if pixels.shape[2] == 60:  # one scale alone
            for (x, y), score in scores.items():
                chances[0, y, x] = score
        return torch.zeros(1, 4, high, wide), chances, torch.zeros(1, 0)

    def look(pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        shares = torch.tensor([0.2, 0.8, 0.5, 0.3, 0.7, 0.1, 0.1, 0.5, 0.9, 0.9]).repeat(len(pixels), 1)
        return torch.full((len(pixels), 4), 0.25), torch.full((len(pixels),), 0.9), shares

    return {"propose": propose, "refine": look, "accept": look}


def test_a_planted_map_of_scores_becomes_boxes_and_points_by_hand() -> None:
    detect = FaceDetector(smallest=20, networks=planted({(3, 4): 0.9, (4, 4): 0.7, (20, 15): 0.5}))
    found = detect(Image.new("RGB", (100, 100)))
    # window (3, 4) at scale 12/20: from (10, 13.3) to (30, 33.3), rounded; twice moved by a quarter of its 20 pixels
    np.testing.assert_allclose(found.boxes, [[20, 23, 40, 43]])
    np.testing.assert_allclose(found.scores, [0.9], rtol=1e-6)
    expected = [
        [15 + 20 * x, 18 + 20 * y] for x, y in [(0.2, 0.1), (0.8, 0.1), (0.5, 0.5), (0.3, 0.9), (0.7, 0.9)]
    ]
    np.testing.assert_allclose(found.points[0], expected, atol=1e-4)
    for threshold in (0.89, 0.91):
        strict = FaceDetector(smallest=20, threshold=threshold, networks=planted({(3, 4): 0.9}))
        assert len(strict(Image.new("RGB", (100, 100)))) == (threshold < 0.9)
    assert len(FaceDetector(networks=planted({}))(Image.new("RGB", (3, 200)))) == 0


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(FileFormatError, match="stage 'refine' have other shapes"):
        FaceNetwork("refine").load_arrays([np.zeros((3, 3, 3, 28), np.float32)])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"smallest": 3}, "smallest: must be at least 12 pixels, found 3; raise it"),
        ({"threshold": 1.0}, "threshold: must be above 0 and below 1, found 1.0; the default is 0.8"),
        (
            {"threshold": float("nan")},
            "threshold: must be above 0 and below 1, found nan; the default is 0.8",
        ),
        ({"margin": -0.1}, "margin: must be from 0 to 2 times a box, found -0.1; the default is 0.2"),
        ({"size": 4}, "size: must be from 16 to 2048 pixels, found 4; the default is 112"),
    ],
)
def test_what_is_out_of_range_is_refused_before_anything_is_read(words: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        find_faces("nowhere", **words)
    assert str(refused.value) == said


def two_faces(image: Image.Image) -> DetectedFaces:
    """Two faces on every image that is not black, the larger one at its border."""
    if not np.asarray(image).any():
        return DetectedFaces(np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2)))
    boxes = np.array([[-4.0, 2, 16, 22], [20, 20, 30, 30]])
    return DetectedFaces(boxes, np.array([0.9, 0.95]), boxes[:, None, :2] + TEMPLATE / 5)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four images: one of noise, a part of it, a black one, and a broken one."""
    (tmp_path / "photos").mkdir()
    noise = np.random.default_rng(0).integers(1, 255, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photos/Ümlaut, #1.png")
    Image.new("RGB", (40, 40)).save(tmp_path / "photos/black.png")
    (tmp_path / "photos/broken.jpg").write_bytes(b"no image")
    rows = [
        ("Ümlaut, #1.png", "a", "", "", "", ""),
        ("Ümlaut, #1.png", "b", 10, 5, 60, 40),
        ("black.png", "c", "", "", "", ""),
        ("broken.jpg", "d", "", "", "", ""),
    ]
    frame = pd.DataFrame(rows, columns=["path", "identity", "x1", "y1", "x2", "y2"])
    frame.to_csv(tmp_path / "photos/images.csv", index=False)
    return tmp_path / "photos"


@pytest.mark.parametrize("every", [False, True])
def test_a_table_of_boxes_is_written_and_read_back(photos: Path, every: bool) -> None:
    steps: list[tuple[int, int]] = []
    found = find_faces(
        photos, every=every, margin=0, detect=two_faces, out=photos / "boxes.csv",
        progress=lambda done, total: steps.append((done, total)),
    )  # fmt: skip
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert found.without == ("black.png",)
    assert list(found.failed) == ["broken.jpg"]
    assert found.lines()[1:] == ["no face: black.png", f"{4 if every else 2} faces on 2 of 4 images"]
    written = ImageTable.read(photos / "boxes.csv")
    assert written.frame["path"].tolist() == found.table.frame["path"].tolist()
    ends = ["#xywh=0,2,16,20", "#xywh=20,20,10,10", "#xywh=10,7,16,20", "#xywh=30,25,10,10"]
    names = [f"Ümlaut, #1.png{end}" for end in (ends if every else ends[::2])]
    assert written.frame["path"].tolist() == names
    assert written.frame["identity"].tolist() == (["a", "a", "b", "b"] if every else ["a", "b"])
    np.testing.assert_allclose(
        found.points[-1 if every else 1][0], TEMPLATE[0] / 5 + ([30, 25] if every else [6, 7])
    )
    assert open_image(written.paths[0]).size == (16, 20)
    elsewhere = photos.parent / "other/boxes.csv"
    find_faces(photos / "images.csv", detect=two_faces, out=elsewhere)
    assert [path.exists() for path in map(Path, pd.read_csv(elsewhere)["path"])] == [True, True]
    assert all(Path(path).is_absolute() for path in pd.read_csv(elsewhere)["path"])


def test_crops_are_a_folder_that_is_replaced_whole_and_no_other(photos: Path) -> None:
    home = photos.parent / "crops"
    for every, names in (
        (True, {"000000-1", "000000-2", "000001-1", "000001-2"}),
        (False, {"000000-1", "000001-1"}),
    ):
        find_faces(photos, every=every, detect=two_faces, aligned=home, size=64)
        assert {file.stem for file in home.glob("*.png")} == names
    table = ImageTable.read(home)
    assert table.frame["identity"].tolist() == ["a", "b"]
    assert {open_image(path).size for path in table.paths} == {(64, 64)}
    assert (
        open_image(table.paths[0]).tobytes()
        == align_face(
            open_image(photos / "Ümlaut, #1.png"),
            two_faces(open_image(photos / "Ümlaut, #1.png")).points[0],
            64,
        ).tobytes()
    )
    before = sorted(photos.parent.rglob("*"))
    with pytest.raises(DataError, match="faces: none found on 1 images, 0 of which cannot be used"):
        find_faces(ImageTable.read(photos).take([2]), detect=two_faces, aligned=home, out=photos / "none.csv")
    assert sorted(photos.parent.rglob("*")) == before


@pytest.mark.skipif(not NO_EXTRA, reason="the extra is installed")
def test_without_the_extra_a_line_names_it(photos: Path) -> None:
    with pytest.raises(
        MissingExtraError, match=r"^mtcnn is not installed; pip install 'metric_face\[faces\]'$"
    ):
        find_faces(photos)


def test_the_command_asks_what_to_write(photos: Path) -> None:
    done = CliRunner().invoke(app, ["faces", str(photos)])
    assert isinstance(done.exception, ArgumentError)
    assert str(done.exception) == "faces: name what to write: --out boxes.csv, or --aligned FOLDER"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn identities in the competition's folder."""
    home = tmp_path_factory.mktemp("drawn") / "faces"
    make_faces(home, identities=12, workers=1, label_errors=False)
    return home


@with_extra
@pytest.mark.slow
def test_drawn_faces_are_found_wherever_they_are_and_aligned(drawn: Path, tmp_path: Path) -> None:
    images = [open_image(file) for file in sorted((drawn / "train/images").glob("*/normal.*"))[:4]]
    detect = FaceDetector()
    alone = [detect(image) for image in images]
    assert [len(faces) for faces in alone] == [1] * 4
    group = Image.new("RGB", (1000, 600), "white")
    places = [(20, 20), (260, 300), (500, 30), (760, 310)]
    for image, place in zip(images, places, strict=True):
        group.paste(image, place)
    together = detect(group)
    assert len(together) == 4
    order = np.argsort(together.boxes[:, 0])
    moved = np.array([one.boxes[0] + np.tile(place, 2) for one, place in zip(alone, places, strict=True)])
    np.testing.assert_allclose(together.boxes[order], moved, atol=12)
    for image in images:
        turned = image.rotate(15, expand=True, fillcolor="white")
        crop = align_face(turned, detect(turned).points[0])
        again = detect(crop).points[0]
        assert np.abs(again - TEMPLATE).mean() < 6  # of 112 pixels
        assert abs(np.subtract(*again[:2, 1])) < 6  # upright


@with_extra
@pytest.mark.slow
def test_the_command_writes_boxes_and_crops_of_drawn_faces(drawn: Path, tmp_path: Path) -> None:
    whole = ImageTable.read(drawn)
    some = whole.take(range(14))
    some.with_column("path", list(map(str, some.paths))).frame.to_csv(tmp_path / "some.csv", index=False)
    words = [
        "faces",
        str(tmp_path / "some.csv"),
        "--out",
        str(tmp_path / "b.csv"),
        "--aligned",
        str(tmp_path / "crops"),
        "--json",
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found.keys() >= {"images", "faces", "without", "failed", "out", "aligned"}
    assert len(found["faces"]) + len(found["without"]) == found["images"] == 14
    assert not [name for name in found["without"] if "normal" in name]
    table = ImageTable.read(tmp_path / "b.csv")
    assert len(table) == len(found["faces"]) == len(list((tmp_path / "crops").glob("*.png")))
    assert {"gender", "age", "mask"} <= set(table.attributes)
    again = CliRunner().invoke(app, ["faces", str(tmp_path / "b.csv"), "--aligned", str(tmp_path / "crops")])
    assert again.exit_code == 0, again.output


@with_extra
def test_altered_weights_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pnet.lz4").write_bytes(b"altered")
    monkeypatch.setattr("metric_face.faces.networks._weights_folder", lambda: tmp_path)
    with pytest.raises(FileFormatError, match=r"pnet\.lz4: must be the weights of mtcnn 1\.0\.0"):
        load_networks()
