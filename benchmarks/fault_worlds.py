"""Small drawn trainings whose head is really fitted: what a run leaves, with predictions of the training rows too.

Identities lie around the means of their classes; a multinomial logistic regression on the training rows is the head,
and its probabilities stand for the stored logits. A kind changes such a world; its twin is the world unchanged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from metric_face.diagnosis.measures.image_properties import of_pixels

World = dict[str, Any]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        name: in the table.
        found_as: ids of findings that name it.
        plant: (a world, a random generator) -> the world with the fault.
        build: extra arguments of :func:`draw`, of the twin as well.
        severity: ``strong`` or ``mild``.
        own: whether the build itself is the fault, which the twin then has too.
    """

    name: str
    found_as: frozenset[str]
    plant: Callable[[World, np.random.Generator], World]
    build: dict[str, Any] = field(default_factory=dict)
    severity: str = "strong"
    own: bool = False

    def twin(self, seed: int, drawn: "Callable[..., World] | None" = None) -> World:
        """The world with nothing wrong; ``drawn`` in place of :func:`draw`."""
        return fitted((drawn or draw)(seed, **self.build))

    def make(self, seed: int, drawn: "Callable[..., World] | None" = None) -> World:
        """The world with the fault."""
        return self.plant((drawn or draw)(seed, **self.build), np.random.default_rng([seed, 77]))


def draw(
    seed: int,
    identities: int = 300,
    each: int = 5,
    dimensions: int = 32,
    shares: Sequence[float] = (0.4, 0.35, 0.25),
    gap: float = 4.0,
    held_out: float = 0.4,
) -> World:
    """Identities of one attribute ``kind`` (theirs) and one ``worn`` (of the image, two classes).

    Args:
        seed: of everything drawn.
        identities: how many.
        each: images of each.
        dimensions: D.
        shares: of the classes of ``kind`` among identities.
        gap: distance of class means in standard deviations of an image.
        held_out: share of the identities in validation, of each class.

    Returns:
        Arguments of ``diagnose`` without predictions; ``means`` (C, D) are left out by :func:`arguments`.
    """
    rng = np.random.default_rng([seed, 5])
    counts = np.maximum(4, np.round(np.array(shares) * identities).astype(int))
    kind = rng.permutation(np.repeat(np.arange(len(shares)), counts))
    who = np.repeat(np.arange(len(kind)), each)
    worn = rng.integers(0, 2, len(who))
    axes = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))[0]
    means = gap / np.sqrt(2) * axes[: len(shares)]
    vectors = means[kind][who] + gap * (worn - 0.5)[:, None] * axes[-1]
    vectors += 0.6 * rng.normal(size=(len(kind), dimensions))[who] + rng.normal(size=(len(who), dimensions))
    held = np.zeros(len(kind), dtype=bool)
    for code in range(len(shares)):
        mine = rng.permutation(np.flatnonzero(kind == code))
        held[mine[: max(2, round(held_out * len(mine)))]] = True
    return {
        "embeddings": vectors.astype(np.float32),
        "labels": {"kind": kind[who], "worn": worn},
        "identities": who,
        "split": np.where(held[who], "val", "train"),
        "images": pictures(rng, len(who)),
        "log": log(rng, best=0.9),
        "settings": {"monitor": "val/macro_f1"},
        "seed": seed,
    }


def pictures(rng: np.random.Generator, count: int) -> NDArray[np.uint8]:
    """(N, 16, 16, 3) smooth noise of one brightness and sharpness for all."""
    coarse = np.repeat(np.repeat(rng.normal(size=(count, 4, 4, 3)), 4, axis=1), 4, axis=2)
    fine = rng.normal(size=(count, 16, 16, 3))
    level = 128 + 12 * rng.normal(size=(count, 1, 1, 1))
    return np.clip(level + 22 * coarse + 10 * fine, 0, 255).astype(np.uint8)


def fitted(world: World, strength: float = 0.05, labels: dict[str, Ints] | None = None) -> World:
    """Fit the head of each attribute on the training rows and add its probabilities of every row.

    Args:
        world: what :func:`draw` made.
        strength: inverse of the penalty; the larger, the closer the head follows the training rows.
        labels: what the head learns, where that is not what is written in the world.

    Returns:
        The world with ``probabilities``; its log ends at the held-out score of this head.
    """
    train = np.flatnonzero(world["split"] == "train")
    taught = labels or world["labels"]
    chances = {}
    for name, values in taught.items():
        size = int(world["labels"][name].max()) + 1
        model = LogisticRegression(C=strength, max_iter=500).fit(world["embeddings"][train], values[train])
        table = np.zeros((len(values), size))
        table[:, model.classes_] = model.predict_proba(world["embeddings"])
        chances[name] = table
    world = world | {"probabilities": chances}
    return world | {"log": ending_at(world["log"], held_out_f1(world))}


def restyled(world: World, images: NDArray[np.uint8]) -> World:
    """The world with other pixels, and the vectors that these give.

    Where the world has ``embed``, the images that changed are embedded again. In drawn arrays each property of
    the image (brightness, color, ...) has an axis of its own in the embedding, two units for each standard deviation
    up to five.
    """
    changed = np.flatnonzero((images != world["images"]).reshape(len(images), -1).any(axis=1))
    vectors = world["embeddings"].copy()
    if "embed" in world:
        vectors[changed] = world["embed"](images[changed])
        return world | {"images": images, "embeddings": vectors}
    old = np.stack([of_pixels(image) for image in world["images"]])
    new = np.stack([of_pixels(image) for image in images[changed]])
    axes = np.linalg.qr(np.random.default_rng(9).normal(size=(vectors.shape[1], vectors.shape[1])))[0]
    vectors[changed] += 2 * np.clip((new - old[changed]) / old.std(axis=0), -5, 5) @ axes[:, : old.shape[1]].T
    return world | {"images": images, "embeddings": vectors}


def held_out_f1(world: World) -> float:
    """Joint macro F1 of the held-out rows by the stored probabilities."""
    from sklearn.metrics import f1_score

    rows = np.flatnonzero(world["split"] == "val")
    sizes = {a: int(v.max()) + 1 for a, v in world["labels"].items()}
    truth, guess = np.zeros(len(rows), dtype=int), np.zeros(len(rows), dtype=int)
    for name, size in sizes.items():
        truth = truth * size + world["labels"][name][rows]
        guess = guess * size + world["probabilities"][name][rows].argmax(axis=1)
    return float(f1_score(truth, guess, average="macro"))


def log(rng: np.random.Generator, best: float, epochs: int = 20, steps: int = 12) -> pd.DataFrame:
    """A training that went well: the loss falls to a plateau and validation follows it."""
    at = np.arange(epochs * steps) / (epochs * steps)
    fall = np.exp(-6 * at)
    table = pd.DataFrame({"step": np.arange(len(at)), "epoch": np.arange(len(at)) // steps})
    table["lr"] = 1e-3 * np.minimum(1, at / 0.05 + 0.01) * 0.5 * (1 + np.cos(np.pi * at))
    table["update_ratio"] = table["lr"] * np.exp(0.2 * rng.normal(size=len(at)))
    table["loss"] = 0.2 + 1.6 * fall + 0.03 * rng.normal(size=len(at))
    table["loss/joint/ce"] = table["loss"]
    last = table.groupby("epoch").tail(1).index
    table["val/macro_f1"] = np.nan
    table.loc[last, "val/macro_f1"] = best * (1 - 0.8 * fall[last]) - 0.004 * np.abs(rng.normal(size=epochs))
    return table


def ending_at(table: pd.DataFrame, score: float) -> pd.DataFrame:
    """The log with its validation scores scaled so that the best is ``score``."""
    table = table.copy()
    table["val/macro_f1"] *= score / table["val/macro_f1"].max()
    return table


def arguments(world: World) -> World:
    """The arguments of ``diagnose``; what was planted, and how images are embedded, are not among them."""
    return {name: value for name, value in world.items() if name not in ("planted", "embed", "truth")}
