"""A gallery that lives: additions, copies, removal, new labels, kills, two writers, and thresholds for new ones."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
import typer
from PIL import Image
from safetensors.torch import save_file

import metric_face
from metric_face.cli.gallery_usage import check_usage
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError, DataError, FileFormatError, ModelMismatchError
from metric_face.gallery import Gallery
from metric_face.inference import Predictor
from metric_face.inference.open_set import refit_thresholds
from metric_face.inference.target_votes import TargetVote
from metric_face.run import Run
from metric_face.search import EmbeddingIndex
from tests.conftest import draw_toy
from tests.test_command import command, refused

NAME = "test_efficientnet"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of identities alone, 12 x 4 images, with its index; copy it before it is changed."""
    home = tmp_path_factory.mktemp("made")
    torch.manual_seed(0)
    save_file(timm.create_model(NAME).state_dict(), home / "weights.safetensors")
    draw_toy(home / "toy", identities=12)
    metric_face.embed_backbone(
        home / "toy",
        NAME,
        home / "run",
        weights=home / "weights.safetensors",
        overrides=("data.size=[32, 32]", "trainer.export_onnx=false", "data.attributes=[]"),
        precision="fp32",
    )
    metric_face.build_index(home / "run", folder=home / "run" / "index")
    return home / "run"


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


def new_faces(
    folder: Path, names: tuple[str, ...] = ("Änne", "김 민수"), each: int = 3, seed: int = 1
) -> Path:
    """Class folders of identities that no run has seen."""
    generator = np.random.default_rng(seed)
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            pixels = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def test_new_identities_are_known_at_once_and_gone_when_removed(run: Path, tmp_path: Path) -> None:
    photos = new_faces(tmp_path / "photos")
    gallery, warm = Gallery(run), Predictor(run)
    change = gallery.add(photos)
    assert warm.predict([photos / "Änne" / "1.png"])[0].targets["identity"].likeliest == "Änne"
    assert (warm.refresh(), len(warm.index)) == (False, 54)
    assert (change.added, change.images, change.skipped) == (6, 54, 0)
    assert change.new == {"identity": ["Änne", "김 민수"]}
    assert change.lines()[1] == "new in identity: Änne, 김 민수"
    predictor = Predictor(run)
    [answer] = predictor.predict([photos / "김 민수" / "1.png"])
    assert answer.neighbors[0].path == str(photos.resolve() / "김 민수" / "1.png")
    assert (answer.neighbors[0].identity, answer.neighbors[0].same_file) == ("김 민수", True)
    assert answer.targets["identity"].likeliest == "김 민수"
    [found] = metric_face.search_images(run, [photos / "Änne" / "0.png"], k=3, where={"split": "gallery"})
    assert {hit.columns["identity"] for hit in found.hits} <= {"Änne", "김 민수"}
    assert gallery.remove(where={"identity": "김 민수"}).removed == 3
    with pytest.raises(ArgumentError, match=r"identity=김 민수: no image of the index has it"):
        gallery.remove(where=["identity=김 민수"])
    relabeled = gallery.relabel({"identity": "Anna"}, rows=[str(photos.resolve() / "Änne" / "2.png")])
    assert (relabeled.relabeled, relabeled.new) == (1, {"identity": ["Anna"]})
    assert [row["identity"] for row in gallery.list(["split=gallery"])] == ["Änne", "Änne", "Anna"]
    assert len(gallery.list()) == 51
    assert not (run / "additions").exists()
    [note] = metric_face.build_index(run, folder=run / "index").metadata["notes"]
    assert (
        note
        == f"3 images that 'gallery add' put into {run / 'index'} are not in the new index; add them again"
    )


def test_an_index_with_additions_is_the_one_built_of_all(run: Path, tmp_path: Path) -> None:
    photos = new_faces(tmp_path / "photos")
    Gallery(run).add(photos, precision="fp32")
    index, own = EmbeddingIndex.load(run / "index"), Run.open(run).embeddings()
    table = metric_face.ImageTable.read(photos)
    more = metric_face.extract(Run.open(run), table, precision="fp32")
    whole = EmbeddingIndex.build(np.concatenate([own.vectors, more.vectors]))
    queries = np.random.default_rng(0).normal(size=(20, index.dimensions)).astype(np.float32)
    np.testing.assert_array_equal(index.search(queries, 10).rows, whole.search(queries, 10).rows)


def test_copies_and_what_is_there_are_skipped_with_a_line(run: Path, tmp_path: Path) -> None:
    photos = new_faces(tmp_path / "photos")
    own = Path(Run.open(run).table.root)
    shutil.copy(own / "images" / "p03_1.png", photos / "Änne" / "copy.png")
    shutil.copy(photos / "Änne" / "0.png", photos / "김 민수" / "again.png")
    change = Gallery(run).add(photos)
    assert (change.added, change.skipped) == (6, 2)
    [line] = change.notes
    assert line.startswith("2 images skipped as exact copies: ")
    again = Gallery(run).add(photos)
    assert (again.added, again.skipped, again.images) == (0, 8, 54)
    assert again.notes[0] == f"6 images of {photos} are in the gallery already; skipped"
    back = Gallery(run).add(own / "images", {"identity": "someone"})
    assert (back.added, back.skipped) == (0, 48)


def test_what_is_missing_is_one_line_and_changes_nothing(run: Path, indexed: Run, tmp_path: Path) -> None:
    before = (run / "index" / "index.json").read_bytes()
    flat = new_faces(tmp_path / "photos", ("a",)) / "a"
    with pytest.raises(DataError, match=r"needs the column 'identity', .*, or --as identity=VALUE"):
        Gallery(run).add(flat)
    with pytest.raises(DataError, match="no such file or folder"):
        Gallery(run).add(tmp_path / "gone")
    with pytest.raises(ArgumentError, match="name images, as --where identity=Anna"):
        Gallery(run).remove()
    with pytest.raises(ArgumentError, match="column must be one of"):
        Gallery(run).relabel({"age_group": "old"}, rows=[0])
    with pytest.raises(ArgumentError, match="'f1' or a false-accept rate"):
        Gallery(run).add(flat, {"identity": "a"}, refit="2")
    assert (run / "index" / "index.json").read_bytes() == before
    with pytest.raises(FileFormatError, match=r"no index there; run `metric-face index "):
        Gallery(run, tmp_path / "nowhere")
    with pytest.raises(ModelMismatchError, match="made by model"):
        Gallery(run, indexed.folder / "index")
    assert Gallery(run).add(flat, {"identity": "a"}).added == 3


def test_a_broken_image_stops_no_other(run: Path, tmp_path: Path) -> None:
    photos = new_faces(tmp_path / "photos", ("a", "b"))
    (photos / "a" / "broken.png").write_bytes(b"junk")
    change = Gallery(run).add(photos)
    assert (change.added, change.complete) == (6, False)
    assert "broken.png" in change.notes[0]


def test_attributes_of_a_table_are_coded_by_name(indexed: Run, toy: Path, tmp_path: Path) -> None:
    shutil.copytree(indexed.folder, tmp_path / "run")
    draw_toy(tmp_path / "more", identities=2, seed=9)
    frame = pd.read_csv(tmp_path / "more" / "images.csv")
    frame["identity"] = "new-" + frame["identity"]
    frame.loc[0, "color"] = "green"
    frame.to_csv(tmp_path / "more" / "images.csv", index=False)
    change = Gallery(tmp_path / "run").add(tmp_path / "more")
    assert change.added == 8
    assert change.new is not None
    assert change.new["color"] == ["green"]
    index = EmbeddingIndex.load(tmp_path / "run" / "index")
    for name, stored in index.metadata["targets"].items():
        if name != "joint":
            named = np.array(stored["classes"])[index.columns[f"code/{name}"][-8:]]
            assert named.tolist() == frame[name].astype(str).tolist()


def test_class_folders_name_the_one_attribute_that_the_index_knows_a_class_of(
    made: Path, tmp_path: Path
) -> None:
    draw_toy(tmp_path / "toy", identities=12)
    metric_face.embed_backbone(
        tmp_path / "toy",
        NAME,
        tmp_path / "run",
        weights=made.parent / "weights.safetensors",
        overrides=("data.size=[32, 32]", "trainer.export_onnx=false", "data.attributes=[color]"),
        precision="fp32",
    )
    metric_face.build_index(tmp_path / "run").save(tmp_path / "run" / "index")
    gallery = Gallery(tmp_path / "run")
    change = gallery.add(new_faces(tmp_path / "colors", ("red", "green")))
    assert (change.added, change.new) == (6, {"color": ["green"]})
    assert [one["color"] for one in gallery.list({"split": "gallery"})] == ["green"] * 3 + ["red"] * 3
    with pytest.raises(DataError, match=r"needs the column 'color', .*, or --as color=VALUE"):
        gallery.add(new_faces(tmp_path / "others", ("Anna", "Ben"), seed=2))


def start(run: Path, photos: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "metric_face", "gallery", "add", str(run), str(photos), "--json"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.mark.slow
def test_two_writers_at_once_both_add(run: Path, tmp_path: Path) -> None:
    folders = [
        new_faces(tmp_path / name, (f"who-{name}",), each=10, seed=seed) for seed, name in enumerate("xy")
    ]
    writers = [start(run, folder) for folder in folders]
    assert [writer.wait(280) for writer in writers] == [0, 0]
    rows = Gallery(run).list(["split=gallery"])
    assert sorted(row["identity"] for row in rows) == ["who-x"] * 10 + ["who-y"] * 10
    assert len({row["path"] for row in rows}) == 20


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True])
def test_a_killed_addition_leaves_the_index_whole_and_goes_on(run: Path, tmp_path: Path, late: bool) -> None:
    photos = new_faces(tmp_path / "photos", ("a",), each=40)
    before = (run / "index" / "labels.parquet").read_bytes()
    writer = start(run, photos)
    while not list((run / "additions").glob("*/embeddings.json" if late else ".*")):
        assert writer.poll() is None
        time.sleep(0.01)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    index = EmbeddingIndex.load(run / "index")
    assert len(index) in (48, 88)
    if len(index) == 48:
        assert (run / "index" / "labels.parquet").read_bytes() == before
    change = Gallery(run).add(photos)
    assert (change.added + change.skipped, change.images) == (40, 88)


def test_vectors_that_a_killed_call_kept_are_not_computed_again(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = new_faces(tmp_path / "photos")
    gallery = Gallery(run)

    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("metric_face.gallery.living.without_copies", stop)
    with pytest.raises(KeyboardInterrupt):
        gallery.add(photos)
    monkeypatch.undo()
    monkeypatch.setattr("metric_face.extraction.extract", stop)
    assert gallery.add(photos).added == 6


def test_unenrolled_set_the_threshold_of_identities(run: Path) -> None:
    index = metric_face.build_index(run, split="train", reject=0.25)
    vote = TargetVote.from_dict(index.metadata["targets"]["identity"])
    assert vote.rejects.startswith("false-accept rate 0.25")
    unenrolled = Run.open(run).embeddings("val")
    found = index.search(unenrolled.vectors, min(100, len(index)))
    certain = vote.certainties(found.rows, found.similarities, index.columns["code/identity"])
    assert (certain >= vote.threshold).mean() <= 0.25
    assert metric_face.build_index(run, split="train").metadata["targets"]["identity"]["rejects"] == ""


def test_an_unenrolled_one_is_unknown_with_the_nearest_anyway_and_the_threshold_is_refitted(
    run: Path, tmp_path: Path
) -> None:
    metric_face.build_index(run, split="train", reject=0.1, folder=run / "index")
    before = EmbeddingIndex.load(run / "index").metadata["targets"]["identity"]["threshold"]
    answers = Predictor(run).predict(Run.open(run).table.in_split("val").paths)
    unknown = [one for one in answers if one.predicted["identity"] == "unknown"]
    assert len(unknown) >= 0.8 * len(answers)
    assert all(one.neighbors and one.targets["identity"].likeliest != "unknown" for one in unknown)
    Gallery(run).add(new_faces(tmp_path / "photos", tuple("abcdef"), each=5), refit=0.3)
    stored = EmbeddingIndex.load(run / "index").metadata
    assert stored["reject"] == 0.3
    assert stored["targets"]["identity"]["threshold"] != before
    assert stored["targets"]["identity"]["rejects"].startswith("false-accept rate 0.3")


def test_thresholds_are_not_set_on_vectors_of_another_kind(run: Path) -> None:
    validation = Run.open(run).embeddings("val")
    flipped = Embeddings(validation.vectors, validation.table, validation.fingerprint + "+flip")
    index = EmbeddingIndex.load(run / "index")
    before = index.metadata
    with pytest.raises(ModelMismatchError, match=r"queries must come from the model of the index, .*\+flip"):
        refit_thresholds(index, flipped, 0.3)
    assert index.metadata == before
    refit_thresholds(index, validation, 0.3)
    assert index.metadata["reject"] == 0.3


def test_what_adds_nothing_loads_no_torch(run: Path) -> None:
    code = f"""
import sys
from metric_face.gallery import Gallery
gallery = Gallery({str(run)!r})
assert gallery.relabel({{"identity": "Anna"}}, rows=[0]).relabeled == 1
assert gallery.remove(rows=[0]).removed == 1
assert len(gallery.list()) == 47
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_values_that_images_get_are_read_by_column() -> None:
    given = ["identity=Anna", "note=a=b", "identity=Änne"]
    assert check_usage("relabel", None, None, ["1"], given, None) == {"identity": "Änne", "note": "a=b"}
    with pytest.raises(typer.BadParameter, match="--as Anna: must be COLUMN=VALUE, such as identity=Anna"):
        check_usage("relabel", None, None, ["1"], ["Anna"], None)


@pytest.mark.slow
def test_the_command(run: Path, tmp_path: Path) -> None:
    photos = new_faces(tmp_path / "photos")
    told = json.loads(command("gallery", "add", run, photos, "--json").stdout)
    assert (told["added"], told["images"]) == (6, 54)
    listed = command("gallery", "list", run, "--where", "identity=Änne")
    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, 4)
    done = command("gallery", "relabel", run, "--where", "identity=Änne", "--as", "identity=Anna")
    assert done.stdout.splitlines()[0] == "3 relabeled; 54 images in the gallery"
    assert command("gallery", "remove", run, "--row", "53").stdout.startswith("1 removed; 53 images")
    assert "near it are" in refused("gallery", "remove", run, "--where", "identity=Aenna")
    wrong = command("gallery", "remove", run, photos)
    assert (wrong.returncode, "takes no IMAGES" in wrong.stderr) == (2, True)
