"""Runs of any size to measure commands on: drawn vectors, and drawn images repeated by hard links."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from metric_face.adopt import adopt
from metric_face.data import ImageTable, take_stamps
from metric_face.embeddings import Embeddings
from metric_face.files import parse_json, seal_run
from metric_face.run import Run

DIMENSIONS, EACH = 128, 5
"""Of a vector; images of an identity."""
_DRAWN, _SIDE, _FOLDER = 20_000, 32, 1000
_GENDERS, _AGES = ("female", "male"), ("young", "middle", "old")
TINY = (
    "data.size=[32,32]",
    "data.workers=0",
    "data.attributes=[gender,age]",
    "model.backbone=test_resnet",
    "model.pretrained=false",
    f"model.embedding_size={DIMENSIONS}",
    "trainer.epochs=1",
    "trainer.export_onnx=true",
)
"""One epoch of the smallest network."""


def draw_images(folder: Path, rows: int) -> Path:
    """Write ``images.csv`` of N rows and its images, links to 20,000 drawn ones; return the file."""
    from PIL import Image

    file = folder / "images.csv"
    if file.is_file():
        return file
    rng = np.random.default_rng(0)
    (folder / "drawn").mkdir(parents=True, exist_ok=True)
    for number in range(_DRAWN):
        pixels = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        drawn = Image.fromarray(pixels).resize((_SIDE, _SIDE))
        drawn.save(folder / "drawn" / f"{number}.png")
    names = [f"images/{row // _FOLDER:05d}/{row:08d}.png" for row in range(rows)]
    for row, name in enumerate(names):
        if row % _FOLDER == 0:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        os.link(folder / "drawn" / f"{row % _DRAWN}.png", folder / name)
    owners = np.arange(rows) // EACH
    gender, age = _classes(int(owners[-1]) + 1)
    frame = pd.DataFrame(
        {
            "path": names,
            "identity": [f"p{owner:07d}" for owner in owners],
            "gender": np.array(_GENDERS)[gender[owners]],
            "age": np.array(_AGES)[age[owners]],
        }
    )
    frame.to_csv(folder / "images.csv.part", index=False)
    (folder / "images.csv.part").replace(file)
    return file


def plant_run(template: Path, data: Path, folder: Path, seed: int) -> Path:
    """Write a run of the images of ``data``: the template's model, a split by identity and drawn embeddings."""
    if (folder / "embeddings" / "embeddings.json").is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    keep = ("config.yaml", "run.json", "model.json", "model.safetensors", "model.onnx", "metrics.csv")
    folder.mkdir(parents=True)
    for name in keep:
        shutil.copy(template / name, folder / name)
    frame = pd.read_csv(data, dtype=str)
    owners = np.arange(len(frame)) // EACH
    held = np.random.default_rng(1).random(int(owners[-1]) + 1) < 0.2
    table = ImageTable(frame.assign(split=np.where(held[owners], "val", "train")), data.parent)
    table.save(folder / "images.parquet")
    facts = parse_json(folder / "run.json", remedy="plant it again")
    seal_run(folder, {**facts, "data_root": str(data.parent.resolve()), "data_beside": None})
    adopt(folder)
    _embed(Run.open(folder), owners, seed)
    return folder


def _embed(run: Run, owners: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    identities = int(owners[-1]) + 1
    gender, age = _classes(identities)
    centers = rng.standard_normal((identities, DIMENSIONS), dtype=np.float32) * 0.5
    for kind, codes in enumerate((gender, age)):
        centers[:, 4 * kind : 4 * kind + 3] += np.eye(3, dtype=np.float32)[codes]
    vectors = rng.standard_normal((len(owners), DIMENSIONS), dtype=np.float32)
    vectors += centers[owners]
    assert run.space is not None
    logits = {}
    for attribute, codes in zip(run.space.attributes, (gender, age), strict=True):
        names = _GENDERS if attribute.num_classes == 2 else _AGES
        order = np.array([attribute.classes.index(name) for name in names])
        said = order[codes[owners]]
        wrong = rng.random(len(said)) < 0.2
        said = (said + wrong * rng.integers(1, attribute.num_classes, len(said))) % attribute.num_classes
        noise = rng.random((len(said), attribute.num_classes), dtype=np.float32) / 2
        logits[attribute.name] = noise + 2 * np.eye(attribute.num_classes, dtype=np.float32)[said]
    drawn = take_stamps([run.table.root / "drawn" / f"{number}.png" for number in range(_DRAWN)])
    stamps = drawn.iloc[np.arange(len(owners)) % _DRAWN].reset_index(drop=True)
    Embeddings(vectors, run.table, run.fingerprint, logits, stamps).save(run.folder / "embeddings")


def train_template(work: Path, rows: int = 400) -> Path:
    """Train the tiny network once, on few images; return its run."""
    folder = work / "template"
    if not (folder / "model.onnx").is_file():
        data = draw_images(work / "few", rows)
        words = [word for option in TINY for word in ("--set", option)]
        command = [sys.executable, "-m", "metric_face", "train", str(data), "--out", str(folder), "--quiet"]
        subprocess.run([*command, *words], check=True, capture_output=True)
    return folder


def _classes(identities: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.integers(0, 2, identities), rng.choice(3, identities, p=[0.5, 0.35, 0.15])
