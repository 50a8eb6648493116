"""The cached features of a pretrained backbone on the four real sets, which other benchmarks train on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from metric_face.config import Config, load_config
from metric_face.data import PreparedData, prepare_data
from metric_face.features import Features, cached_features

BACKBONE, WEIGHTS = "tf_efficientnet_lite0", "tf_efficientnet_lite0.safetensors"
CLASSES_OF_OMNIGLOT = 300


@dataclass(frozen=True)
class RealSet:
    """A real set, what is predicted of it, and what a metric loss goes by.

    Attributes:
        folder: below the folder of all sets.
        data: the section ``data``.
        label: ``loss.label``.
        per_batch: P; K makes batches of 128.
    """

    folder: str
    data: dict[str, Any] = field(default_factory=dict)
    label: str = "identity"
    per_batch: int = 32


SETS = {
    "lfw": RealSet("lfw", {"attributes": []}),
    "omniglot": RealSet("omniglot", {"attributes": [], "split": {"group": "alphabet"}}),
    "lfw, gender": RealSet("lfw", {"attributes": ["gender"], "missing_labels": "drop"}),
    "masks3": RealSet("masks3", {"attributes": ["mask"], "split": {"group": "source"}}, "joint", 3),
    "utkface": RealSet("utkface", {"attributes": ["gender", "age"], "bins": {"age": [30, 60]}}, "joint", 6),
}


def configuration(name: str, shared: Path, work: Path, **sections: Any) -> Config:
    """The configuration of a set, with the weights to start from; all of the image at 96 px is seen."""
    wanted = SETS[name]
    data = {**wanted.data, "path": str(_images(wanted.folder, shared / "data", work)), "size": [96, 96]}
    model = {"backbone": BACKBONE, "weights": str(shared / "weights" / WEIGHTS), "embedding_size": 256}
    model |= {"feature_dropout": 0.2, "heads": "joint" if data["attributes"] else "none"}
    values: dict[str, Any] = {
        "data": data | {"crop": [1, 1], "workers": 0, **sections.pop("data", {})},
        "model": model | sections.pop("model", {}),
        "sampler": {"identities": wanted.per_batch, "instances": 128 // wanted.per_batch},
        "loss": {"label": wanted.label, "probe_every": 0} | sections.pop("loss", {}),
    }
    return load_config({**values, **sections})


def features_of(name: str, shared: Path, work: Path) -> tuple[Config, PreparedData, Features]:
    """The settled configuration, the images and their features, which are computed once and kept in ``work``."""
    from metric_face.training.starting import choose_start, transform_of

    config = configuration(name, shared, work)
    data = prepare_data(config.data)
    config = config.settled(data.space is not None)
    config, origin = choose_start(config, lambda line: None)
    model = origin.build(config, {}, lambda line: None)
    folder = work / "features" / name.replace(", ", "-")
    return config, data, cached_features(model, data.table, transform_of(config), folder)


def _images(folder: str, data: Path, work: Path) -> Path:
    """The table of a set; of omniglot 300 characters, evenly over the alphabets."""
    source = data / folder / "images.csv"
    kept = pd.read_csv(source)
    if folder == "omniglot":
        characters = kept["identity"].unique()
        chosen = characters[np.linspace(0, len(characters) - 1, CLASSES_OF_OMNIGLOT).round().astype(int)]
        kept = kept[kept["identity"].isin(chosen)]
    place = work / f"{folder}.csv"
    kept = kept.assign(path=[str((source.parent / path).resolve()) for path in kept["path"]])
    work.mkdir(parents=True, exist_ok=True)
    kept.to_csv(place, index=False)
    return place
