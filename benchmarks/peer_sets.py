"""Four real sets as every recipe of `peers` and `anytime` sees them: the same images, labels and split in one table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks import frozen_features
from benchmarks.frozen_features import BACKBONE, WEIGHTS
from metric_face.config import load_config
from metric_face.data import identities_of, prepare_data

SIDE = 96
WORDS = {
    "masks3": "masks3: mask in three classes, split by photograph",
    "lfw": "lfw: identities of two images or more, split by identity",
    "utkface": "utkface: gender x age group (cut at 30 and 60), split by content",
    "omniglot": "omniglot: characters, split by alphabet, never mirrored",
}


@dataclass(frozen=True)
class PeerSet:
    """A real set.

    Attributes:
        data: the section ``data`` of our configuration.
        flip: whether a mirror image shows the same.
    """

    data: dict[str, Any]
    flip: bool

    @property
    def has_classes(self) -> bool:
        """Whether there are classes to predict; else identities, which differ between the splits."""
        return bool(self.data["attributes"])


SETS = {name: PeerSet(frozen_features.SETS[name].data, flip=name != "omniglot") for name in WORDS}


class Labels(NamedTuple):
    """The N images of a set, in the order of its table.

    Attributes:
        paths: (N,).
        train: (N,) booleans.
        codes: (N,) the class, or the identity.
        groups: (N,) what no split divides and intervals are over.
        has_classes: whether both splits share their codes.
        flip: whether a mirror image shows the same.
    """

    paths: list[str]
    train: np.ndarray[Any, Any]
    codes: np.ndarray[Any, Any]
    groups: np.ndarray[Any, Any]
    has_classes: bool
    flip: bool


def write_set(name: str, shared: Path, home: Path, images: int) -> Path:
    """Write the table of a set once: at most so many images, of whole identities, with their split.

    Args:
        name: a key of ``SETS``.
        shared: holds ``data/``.
        home: where ``images.csv`` and ``labels.csv`` come to lie.
        images: at most.
    """
    place = home / "images.csv"
    if place.is_file():
        return place
    wanted, source = SETS[name], shared / "data" / name / "images.csv"
    frame = _drawn(name, pd.read_csv(source), images)
    frame = frame.assign(path=[str((source.parent / path).resolve()) for path in frame["path"]])
    home.mkdir(parents=True, exist_ok=True)
    whole = home / "whole.csv"
    frame.to_csv(whole, index=False)
    config = load_config({"data": {**wanted.data, "path": str(whole)}})
    data = prepare_data(config.data)
    kept = data.table.frame
    if data.space is not None:
        codes = data.space.joint(data.space.encode(data.table))
    else:
        codes = np.unique(data.table.identities.astype(str), return_inverse=True)[1]
    groups = identities_of(data.table, config.data.split.group)
    pd.DataFrame(
        {
            "path": [str(data.table.root / path) for path in kept["path"]],
            "train": kept["split"] == "train",
            "code": codes,
            "group": np.unique(groups, return_inverse=True)[1],
        }
    ).to_csv(home / "labels.csv", index=False)
    frame.assign(split=_split_of(frame["path"], data.table)).to_csv(place, index=False)
    return place


def read_labels(name: str, home: Path) -> Labels:
    """What `write_set` wrote."""
    frame = pd.read_csv(home / "labels.csv")
    train, codes, groups = (frame[column].to_numpy() for column in ("train", "code", "group"))
    return Labels(list(frame["path"]), train, codes, groups, SETS[name].has_classes, SETS[name].flip)


def our_settings(name: str, shared: Path, seed: int) -> list[str]:
    """What a user says to our command of the set: its labels, the weights, the size, and nothing of how to train."""
    wanted = SETS[name]
    values = [f"data.attributes=[{', '.join(wanted.data['attributes'])}]"]
    values += [f"data.bins={{{key}: {cuts}}}" for key, cuts in wanted.data.get("bins", {}).items()]
    values += [f"data.split.group={group}" for group in wanted.data.get("split", {}).values()]
    values += [] if wanted.has_classes else ["loss.label=identity"]
    values += [] if wanted.flip else ["data.augmentation.flip=0"]
    values += [f"model.backbone={BACKBONE}", f"model.weights={shared / 'weights' / WEIGHTS}"]
    return [*values, f"data.size={SIDE}", "data.workers=0", f"seed={seed}"]


def _drawn(name: str, frame: pd.DataFrame, images: int) -> pd.DataFrame:
    """At most so many images: of identities all, chosen evenly over the table; else drawn at random."""
    if name == "lfw":
        frame = frame[frame.groupby("identity")["path"].transform("size") > 1]
    if len(frame) <= images:
        return frame
    if "identity" not in frame:
        unit = frame["source"] if "source" in frame else pd.Series(frame.index, index=frame.index)
    else:
        unit = frame["identity"]
    names = np.random.default_rng(0).permutation(unit.unique())
    sizes = unit.value_counts()[names].cumsum()
    return frame[unit.isin(sizes.index[sizes <= images])]


def _split_of(paths: pd.Series, table: Any) -> list[str]:
    split = {str(table.root / path): part for path, part in zip(*_columns(table), strict=True)}
    return [split[path] for path in paths]


def _columns(table: Any) -> tuple[Any, Any]:
    return table.frame["path"], table.frame["split"]
