"""The folder for TensorBoard's projector says what was put into it, and TensorBoard reads it."""

import numpy as np
import pytest
from PIL import Image

from metric_face.errors import ArgumentError, OutputError
from metric_face.pages import Column
from metric_face.visualization.projector import sprite_side, write_projector

VECTORS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
COLUMNS = [
    Column("age\tgroup", np.array([0, 1, -1, 1, 0]), ("<30", "여자\n")),
    Column("value", np.arange(5, dtype=np.float32)),
]
PATHS = [f"{k}.png" for k in range(5)]


@pytest.fixture
def images(tmp_path):
    for k, name in enumerate(PATHS[:4]):
        Image.new("RGB", (40, 30), (k * 60, 20, 200)).save(tmp_path / name)
    return [tmp_path / name for name in PATHS]  # the last one is not there


def test_vectors_labels_and_tiles_are_read_back(tmp_path, images):
    folder = write_projector(tmp_path / "out", VECTORS, COLUMNS, paths=PATHS, images=images)
    np.testing.assert_allclose(np.loadtxt(folder / "tensors.tsv", delimiter="\t"), VECTORS, rtol=1e-5)
    rows = [line.split("\t") for line in (folder / "metadata.tsv").read_text("utf-8").splitlines()]
    assert rows[0] == ["path", "age group", "value"]
    assert rows[1:4] == [["0.png", "<30", "0"], ["1.png", "여자", "1"], ["2.png", "-", "2"]]
    assert len(rows) == 6
    with Image.open(folder / "sprite.png") as sheet:
        assert sheet.size == (192, 192)  # 3 x 3 tiles of 64
        assert [sheet.getpixel((32 + 64 * (k % 3), 32 + 64 * (k // 3))) for k in range(4)] == [
            (k * 60, 20, 200) for k in range(4)
        ]
        assert sheet.getpixel((96, 96)) == (128, 128, 128)


def test_tensorboard_reads_the_configuration(tmp_path, images):
    projector = pytest.importorskip("tensorboard.plugins.projector")
    from google.protobuf import text_format

    folder = write_projector(tmp_path / "out", VECTORS, COLUMNS, paths=PATHS, images=images)
    text = (folder / "projector_config.pbtxt").read_text("utf-8")
    (one,) = text_format.Parse(text, projector.ProjectorConfig()).embeddings
    assert (folder / one.tensor_path).is_file()
    assert (folder / one.metadata_path).is_file()
    assert (folder / one.sprite.image_path).is_file()
    assert list(one.sprite.single_image_dim) == [64, 64]


def test_without_images_there_is_no_sprite_and_one_column_has_no_head(tmp_path):
    folder = write_projector(tmp_path / "out", VECTORS, [], paths=PATHS)
    assert sorted(path.name for path in folder.iterdir()) == [
        "metadata.tsv",
        "projector_config.pbtxt",
        "tensors.tsv",
    ]
    assert (folder / "metadata.tsv").read_text("utf-8").splitlines() == PATHS
    write_projector(folder, VECTORS[:2], [], paths=PATHS[:2])  # its own folder is replaced
    assert len((folder / "metadata.tsv").read_text("utf-8").splitlines()) == 2


def test_what_is_not_a_projector_is_not_replaced_and_lengths_must_agree(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt"):
        write_projector(tmp_path, VECTORS, [], paths=PATHS)
    with pytest.raises(ArgumentError, match="paths: must have one entry for each of the 5 vectors; found 2"):
        write_projector(tmp_path / "out", VECTORS, [], paths=PATHS[:2])
    with pytest.raises(ArgumentError, match="vectors: must hold at least one"):
        write_projector(tmp_path / "out", VECTORS[:0], [], paths=[])


def test_a_sprite_fits_what_browsers_take():
    for count in (1, 10, 16_384, 100_000, 262_144):
        side = sprite_side(count)
        assert side > 0
        assert np.ceil(np.sqrt(count)) * side <= 8192
    assert sprite_side(10**6) == 0
