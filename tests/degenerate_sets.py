"""Runs over sets that are too small for something: shared by the tests of what may fail alone."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from metric_face.config import load_config
from metric_face.data.attribute import Attribute
from metric_face.data.labels import LabelSpace
from metric_face.data.table import ImageTable
from metric_face.embeddings.embeddings import Embeddings

PEOPLE = ("unknown", "one", "class", "image", "pair")
"""Who is on the images: not said, everybody the same, one a class, one an image, or one for two images."""

PARTS = ("alternate", "last", "unseen", "single", "twins")
"""Validation: every other image, the last of each class, classes that training lacks, one image, one class alone."""


def degenerate(
    folder: Path,
    classes: int,
    each: int,
    identities: str,
    splits: str,
    *,
    attributes: bool = True,
    seed: int = 0,
) -> tuple[Any, Embeddings]:
    """A run, as far as an analysis needs one, and embeddings of ``classes`` x ``each`` images with their heads."""
    rng = np.random.default_rng(seed)
    count = classes * each
    label, place = np.repeat(np.arange(classes), each), np.tile(np.arange(each), classes)
    held = {
        "alternate": np.arange(count) % 2 == 1,
        "last": place == each - 1,
        "unseen": label >= max(classes // 2, 1),
        "single": np.arange(count) == count - 1,
        "twins": (label == classes - 1) & (place < 2),
    }[splits]
    frame = pd.DataFrame(
        {"path": [f"{row}.png" for row in range(count)], "split": np.where(held, "val", "train")}
    )
    who = {"one": 0 * label, "class": label, "image": np.arange(count), "pair": np.arange(count) // 2}
    if identities != "unknown":
        frame["identity"] = [f"p{code}" for code in who[identities]]
    frame["kind"] = [f"c{code:02d}" for code in label]
    table = ImageTable(frame, folder)
    space = LabelSpace((Attribute("kind", tuple(f"c{code:02d}" for code in range(classes))),))
    run = SimpleNamespace(
        trained=True,
        facts={},
        folder=folder,
        config=load_config({"loss": {"metric": "none"}, "sampler": {"batches": "shuffled", "batch_size": 8}}),
        space=space if attributes else None,
        fingerprint="0123",
        card={"transform": {}},
    )
    vectors = (rng.normal(size=(count, 8)) + 2 * rng.normal(size=(classes, 8))[label]).astype(np.float32)
    logits = {"kind": rng.normal(size=(count, classes)).astype(np.float32)} if attributes else {}
    return run, Embeddings(vectors, table, "0123", logits)
