"""Runs with planted predictions, made without a training: shared by the tests of folds and of fusing."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from metric_face.config import dump_config, load_config
from metric_face.data.attribute import Attribute
from metric_face.data.labels import LabelSpace
from metric_face.data.split import split_by_identity, split_fold
from metric_face.data.table import ImageTable
from metric_face.embeddings.embeddings import Embeddings
from metric_face.embeddings.predictions import Predictions
from metric_face.files.run_files import seal_run
from metric_face.models.card import write_card
from metric_face.run import Run

COLORS, SHAPES = ("blue", "red"), ("disc", "square", "star")
SPACE = LabelSpace((Attribute("color", COLORS), Attribute("shape", SHAPES)))


def draw_table(identities: int = 60, each: int = 4, seed: int = 0) -> ImageTable:
    """Identities with a color each, and images of three shapes."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(identities), each)
    frame = pd.DataFrame(
        {
            "path": [f"images/p{p:03d}_{i}.png" for i, p in enumerate(who)],
            "identity": [f"p{p:03d}" for p in who],
            "color": np.array(COLORS)[rng.integers(0, 2, identities)][who],
            "shape": np.array(SHAPES)[rng.integers(0, 3, len(who))],
        }
    )
    return ImageTable(frame, Path("nowhere"))


def plant_run(
    folder: Path,
    table: ImageTable,
    right: dict[str, float],
    *,
    fold: tuple[int, int] | None = None,
    space: LabelSpace = SPACE,
    ended: str | None = "complete",
    embedded: bool = True,
    seed: int = 0,
) -> Run:
    """Write a run whose heads are right with chance ``right`` on images held out, and always on those trained on.

    Args:
        folder: of the run.
        table: the images, not split.
        right: attribute -> chance.
        fold: which of how many; None splits as a single run does.
        space: the run's own order of the classes.
        ended: as in ``run.json``; None where the training is under way.
        embedded: whether there are embeddings.
        seed: of what is said, and of the split of a single run.
    """
    rng = np.random.default_rng(seed)
    split: dict[str, Any] = {} if fold is None else {"fold": fold[0], "folds": fold[1]}
    table = (
        split_by_identity(table, shares={"train": 0.6, "val": 0.4}, seed=seed)
        if fold is None
        else split_fold(table, fold[1], fold[0])
    )
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(dump_config(load_config({"data": {"path": "x", "split": split}})))
    table.save(folder / "images.parquet")
    card: dict[str, Any] = {
        "architecture": {"fold": fold},
        "transform": {},
        "sha256": sha256(str(seed).encode()).hexdigest() + ":0",
    }
    fingerprint = write_card(folder, card | {"label_space": space.to_dict()})
    seal_run(folder, {"data_root": "nowhere", "ended": ended})
    (folder / "model.safetensors").touch()
    unseen = (table.frame["split"] != "train").to_numpy()
    logits = {}
    for attribute in space.attributes:
        true = attribute.encode(table.frame[attribute.name])
        wrong = unseen & (rng.random(len(true)) >= right[attribute.name])
        said = (true + wrong * rng.integers(1, attribute.num_classes, len(true))) % attribute.num_classes
        noise = rng.uniform(0, 0.5, (len(true), attribute.num_classes))
        logits[attribute.name] = (2 * np.eye(attribute.num_classes)[said] + noise).astype(np.float32)
    if embedded:
        vectors = rng.normal(size=(len(table), 3)).astype(np.float32)
        Embeddings(vectors, table, fingerprint, logits).save(folder / "embeddings")
    return Run.open(folder)


def predictions_of(
    name: str, images: list[str], codes: dict[str, np.ndarray], space: LabelSpace
) -> Predictions:
    """Predictions that are certain of the given codes (N,) of each attribute."""
    tables = {a.name: np.eye(a.num_classes)[codes[a.name]] for a in space.attributes}
    return Predictions(name, np.asarray(images, dtype=str), tables)
