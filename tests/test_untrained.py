"""A run without a training: a pretrained backbone's features as they are, and every other command on them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

import metric_face
from metric_face.cli import progress
from metric_face.cli.app import app
from metric_face.data.images import open_image
from metric_face.errors import ArgumentError, ConfigError, DataError, OutputError
from metric_face.inference import Predictor
from metric_face.run import Run
from tests.conftest import draw_toy
from tests.test_command import command, refused

NAME = "test_efficientnet"
SMALL = ("data.size=[32, 32]", "trainer.export_onnx=false")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_file(timm.create_model(NAME).state_dict(), file)
    return file


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders, with names that are not ASCII."""
    home, flat = tmp_path_factory.mktemp("classes"), tmp_path_factory.mktemp("flat")
    for row in draw_toy(flat, identities=12).to_dict("records"):
        name = {"red": "빨강", "blue": "b l/au"}[str(row["color"])]
        (home / name).mkdir(parents=True, exist_ok=True)
        (flat / str(row["path"])).rename(home / name / Path(str(row["path"])).name)
    return home


def make(images: Path, out: Path, weights: Path, **more: object) -> metric_face.Embeddings:
    done = metric_face.embed_backbone(images, NAME, out, weights=weights, overrides=SMALL, **more)  # type: ignore[arg-type]
    return done.embeddings


def test_the_vectors_are_what_timm_gives(classes: Path, weights: Path, tmp_path: Path) -> None:
    whole = (*SMALL, "data.crop=[1, 1]", "data.fit=stretch")
    made = metric_face.embed_backbone(
        classes, NAME, tmp_path / "E", weights=weights, overrides=whole, precision="fp32"
    ).embeddings
    model = timm.create_model(NAME, num_classes=0)
    model.load_state_dict(torch.load(_as_torch(weights, tmp_path), weights_only=True), strict=False)
    own = timm.data.resolve_model_data_config(model)  # type: ignore[attr-defined]
    mean, std = (torch.tensor(own[name]).view(3, 1, 1) for name in ("mean", "std"))
    for row in (0, 17, 47):
        image = open_image(made.table.paths[row])
        pixels = torch.from_numpy(np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255)
        size = Run.open(tmp_path / "E").transform.size
        assert size == (32, 32) == image.size  # so that no resizing lies between
        with torch.inference_mode():
            wanted = model.eval()(((pixels - mean) / std)[None])[0].numpy()
        np.testing.assert_allclose(made.vectors[row], wanted, rtol=1e-4, atol=1e-5)


def _as_torch(weights: Path, folder: Path) -> Path:
    from safetensors.torch import load_file

    torch.save(load_file(weights), folder / "weights.pth")
    return folder / "weights.pth"


@pytest.fixture(scope="module")
def untrained(classes: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("untrained") / "E"
    done = command(
        "embed",
        "--backbone",
        NAME,
        "--weights",
        weights,
        "-s",
        "data.size=[32, 32]",
        classes,
        "--out",
        out,
        "--json",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["images"] == 48
    return out


def test_lines_say_how_much_is_done_where_there_is_no_terminal(
    classes: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    settings = [word for one in SMALL for word in ("--set", one)]
    words = [str(classes), "--backbone", NAME, "--weights", str(weights), "--out", str(tmp_path / "E")]
    done = CliRunner().invoke(app, ["embed", *words, *settings, "--batch-size", "8"])
    assert done.exit_code == 0, done.output
    count = sum(file.is_file() for file in classes.rglob("*"))
    said = re.findall(r"embedding: (\d+) of (\d+), \d+ s left", done.stderr)
    assert {int(total) for _, total in said} == {count}
    counts = [int(number) for number, _ in said]
    assert len(counts) >= count // 8 - 1
    assert counts == sorted(set(counts))


@pytest.mark.slow
def test_every_other_command_works_on_it(untrained: Path, classes: Path) -> None:
    done = command("index", untrained, "--json")
    told = json.loads(done.stdout)
    assert (told["vectors"], told["split"], list(told["targets"])) == (48, "all", ["label"])
    assert sorted(told["targets"]["label"]["classes"]) == ["b l/au", "빨강"]
    image = next((classes / "빨강").iterdir())
    found = json.loads(command("knn", untrained, image, "--json").stdout)["answers"][0]
    assert found["neighbors"][0]["same_file"]
    scores = json.loads(command("evaluate", untrained, "--json").stdout)
    assert {score["predictor"] for score in scores["scores"]} == {"knn", "probe", "majority"}
    shown = command("evaluate", untrained).stdout  # no column for scores before a training
    assert ("untrained" in shown, "recall@1" in shown) == (False, True)
    why = command("why", untrained, "--json", "--questions", "floors,conflict,overlap")
    assert why.returncode in (0, 2), why.stderr
    done = command("why", untrained)
    assert (done.returncode, "could not be answered" in done.stderr) == (0, False), done.stderr


def test_no_training_is_replaced_and_a_run_without_one_is(
    classes: Path, weights: Path, tmp_path: Path, indexed: Run
) -> None:
    first = np.array(make(classes, tmp_path / "E", weights).vectors)
    (classes / "빨강" / ".hidden.png").touch()
    again = make(classes, tmp_path / "E", weights)
    np.testing.assert_array_equal(first, again.vectors)
    before = (indexed.folder / "run.json").read_bytes()
    with pytest.raises(OutputError, match=r"run: holds a training; name another folder with --out$"):
        make(classes, indexed.folder, weights)
    assert (indexed.folder / "run.json").read_bytes() == before


@pytest.mark.slow
def test_without_weights_one_line_says_how_to_give_them(classes: Path, tmp_path: Path) -> None:
    line = refused("embed", "--backbone", "test_vit", classes, "--out", tmp_path / "E")
    assert line.startswith("error: --backbone test_vit: no published weights can be had (")
    assert line.endswith("; give a file with --weights FILE (.safetensors or .pth of timm's names)")
    assert not (tmp_path / "E").exists()
    assert "must be a timm model" in refused(
        "embed", "--backbone", "resnet1", classes, "--out", tmp_path / "E"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--backbone", NAME, "photos"], "--backbone needs --out FOLDER"),
        (
            ["--backbone", NAME, "photos", "more", "--out", "E"],
            "takes the images and no IMAGES of another run",
        ),
        (["--backbone", NAME, "photos", "--csv", "a.csv", "--out", "E"], "takes the images and no --csv"),
        (["photos", "--weights", "w.pth"], "--weights goes with --backbone NAME"),
    ],
)
def test_what_does_not_go_together_is_refused(words: list[str], said: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "metric_face", "embed", *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_images_without_labels_and_broken_ones(weights: Path, tmp_path: Path) -> None:
    draw_toy(tmp_path / "toy", identities=3)
    photos = tmp_path / "toy" / "images"
    (photos / "broken.png").write_bytes(b"not an image")
    said: list[str] = []
    done = metric_face.embed_backbone(
        photos, NAME, tmp_path / "E", weights=weights, overrides=SMALL, say=said.append
    )
    assert (len(done.embeddings), done.complete) == (12, False)
    assert done.notes[0].startswith("1 image cannot be used: broken.png; the first: ")
    assert said.count("the images are taken without labels") == 1
    run = Run.open(tmp_path / "E")
    assert [line.startswith(str(photos / "broken.png")) for line in run.facts["dropped"]] == [True]
    index = metric_face.build_index(run)
    index.save(tmp_path / "E" / "index")
    assert (len(index), index.metadata["targets"]) == (12, {})
    [answer] = Predictor(run.folder).predict([photos / "p00_0.png"])
    assert (answer.targets, answer.neighbors[0].path) == ({}, "p00_0.png")
    with pytest.raises(ArgumentError, match="its images have no labels and no identities, so nothing"):
        metric_face.evaluate(run)


def test_a_single_image_and_none(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    Image.new("L", (40, 50), 90).save(tmp_path / "one" / "a.png")
    assert len(make(tmp_path / "one", tmp_path / "E", weights)) == 1
    assert len(metric_face.build_index(tmp_path / "E")) == 1
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="0 images taken"):
        make(tmp_path / "none", tmp_path / "F", weights)
    (tmp_path / "none" / "a.png").touch()
    with pytest.raises(DataError, match=r"a\.png"):
        make(tmp_path / "none", tmp_path / "F", weights)


def test_columns_are_taken_when_named(toy: Path, weights: Path, tmp_path: Path) -> None:
    said: list[str] = []
    metric_face.embed_backbone(toy, NAME, tmp_path / "E", weights=weights, overrides=SMALL, say=said.append)
    assert (
        "no column is taken for a class; the table has color, shape, age: name those to predict with "
        "--set data.attributes=[NAME]" in said
    )
    assert Run.open(tmp_path / "E").space is None
    made = metric_face.embed_backbone(
        toy, NAME, tmp_path / "E", weights=weights, overrides=(*SMALL, "data.attributes=[color]")
    )
    assert set(made.embeddings.table.splits) == {"train", "val"}
    space = Run.open(tmp_path / "E").space
    assert space is not None
    assert space.names == ("color",)
    with pytest.raises(DataError, match="column 'size'"):
        metric_face.embed_backbone(
            toy, NAME, tmp_path / "F", weights=weights, overrides=(*SMALL, "data.attributes=[size]")
        )
    with pytest.raises(ConfigError, match=r"data\.size"):
        metric_face.embed_backbone(
            toy, NAME, tmp_path / "F", weights=weights, overrides=("data.size=[0, 1]",)
        )


@pytest.mark.slow
def test_a_killed_call_goes_on_and_two_at_once_do_not_mix(weights: Path, tmp_path: Path) -> None:
    draw_toy(tmp_path / "toy", identities=100)
    words = [
        sys.executable, "-m", "metric_face", "embed", "--backbone", NAME, "--weights", str(weights),
        str(tmp_path / "toy"), "--out", str(tmp_path / "E"), "-s", "data.size=[160, 160]",
        "-s", "trainer.export_onnx=false", "--batch-size", "8",
    ]  # fmt: skip
    first = subprocess.Popen(words, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    vectors = tmp_path / "E" / ".embeddings.metric_face" / "new" / "vectors.npy"
    while not vectors.exists():
        assert first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGSTOP)
    second = subprocess.run(words, capture_output=True, text=True)
    assert (second.returncode, "another command is writing it" in second.stderr) == (1, True), second.stderr
    first.send_signal(signal.SIGKILL)
    first.wait()
    third = subprocess.run([*words, "--json"], capture_output=True, text=True)
    assert third.returncode == 0, third.stderr
    assert len(Run.open(tmp_path / "E").embeddings()) == 400
