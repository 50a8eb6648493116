"""Trainings with one planted fault each, in the inputs that a real training leaves.

An embedding of drawn identities (the mask competition's ages, genders and seven masks each), the log, the batches,
the transforms, the runs of three arms and an unlabeled set. Signal, identity and noise are laid along random
directions; the clean training has macro F1 of about 0.8 with age the hardest attribute, as it was there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metric_face.samplers import RandomIdentitySampler
from metric_face.synthetic_faces.population import age_group, ages_and_genders

CLASSES = {
    "mask": ("worn", "incorrect", "not worn"),
    "gender": ("male", "female"),
    "age": ("<30", "30-59", ">=60"),
}
CUTS = {"age": (30.0, 60.0)}
MASKS = (1, 0, 0, 0, 0, 0, 2)
BATCH_SHARE, BATCH_IMAGES = 8 / 18, 4
"""Classes in a batch, as a share of all, and images of each."""
STEPS_LOGGED = 240

Run = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """A planted fault.

    Attributes:
        name: in the table.
        found_as: ids of findings that name it.
        plant: (a clean run, a random generator) -> the run with the fault; None builds the run otherwise.
        build: extra arguments of :func:`clean_run`.
    """

    name: str
    found_as: frozenset[str]
    plant: Callable[[Run, np.random.Generator], Run] | None = None
    build: dict[str, Any] = field(default_factory=dict)

    def make(self, seed: int, identities: int, dimensions: int) -> Run:
        """The inputs of :func:`metric_face.diagnose`."""
        run = clean_run(seed, identities, dimensions, **self.build)
        return run if self.plant is None else self.plant(run, np.random.default_rng([seed, 99]))


@dataclass(frozen=True)
class Identities:
    """Who is in a set: one entry for each identity."""

    age: NDArray[np.int64]
    gender: NDArray[np.int64]


class World:
    """Directions that stay the same for every image of one training."""

    def __init__(self, dimensions: int, rng: np.random.Generator) -> None:
        turned = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))[0]
        self.signal = turned[:, :5]
        decay = (1.0 + np.arange(dimensions)) ** -0.5
        self.noise = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))[0] * (
            decay / np.linalg.norm(decay)
        )

    def embed(
        self, identities: Identities, rng: np.random.Generator, age_noise: float, same_masks: bool = False
    ) -> NDArray[np.float32]:
        """Seven images of each identity, (7 x identities, D)."""
        count = len(identities.age)
        who = np.repeat(np.arange(count), len(MASKS))
        masks = np.tile(MASKS, count)
        shown = np.where(masks == 2, 1, masks) if same_masks else masks
        mask = np.eye(3)[shown] + 0.22 * rng.normal(size=(len(who), 3))
        gender = (2 * identities.gender - 1 + 0.38 * rng.normal(size=count))[who] + 0.2 * rng.normal(
            size=len(who)
        )
        age = (identities.age - 40 + 0.8 * age_noise * rng.normal(size=count))[who]
        age = (age + 0.6 * age_noise * rng.normal(size=len(who))) / 12
        told = np.column_stack([2 * mask, gender, 1.5 * age]) @ self.signal.T
        own = 0.8 * (rng.normal(size=(count, len(self.noise))) @ self.noise.T)[who]
        vectors = told + own + 0.6 * rng.normal(size=(len(who), len(self.noise))) @ self.noise.T
        return np.asarray(vectors, dtype=np.float32)


def clean_run(
    seed: int,
    num_identities: int = 2857,
    dimensions: int = 512,
    *,
    age_noise: float = 0.6,
    same_masks: bool = False,
    held_out: float = 0.2,
    old_in_test: float | None = None,
) -> Run:
    """A training with nothing wrong.

    Args:
        seed: of everything drawn.
        num_identities: identities, seven images each.
        dimensions: D.
        age_noise: years of noise in the age that the embedding shows.
        same_masks: embed "incorrect" and "not worn" alike.
        held_out: share of the identities in validation.
        old_in_test: share of identities of 60 and more among the unlabeled; as in training by default.

    Returns:
        The inputs of :func:`metric_face.diagnose`.
    """
    rng = np.random.default_rng([seed, 1])
    world = World(dimensions, rng)
    known = _draw(num_identities, rng)
    new = _draw(num_identities // 4, rng, old_in_test)
    identities = np.repeat(np.arange(num_identities), len(MASKS))
    groups = np.array([age_group(age) for age in known.age])
    labels = {
        "mask": np.tile(MASKS, num_identities),
        "gender": known.gender[identities],
        "age": groups[identities],
    }
    split = np.where(_held_out(known, groups, held_out, rng)[identities], "val", "train")
    run: Run = {
        "embeddings": world.embed(known, rng, age_noise, same_masks),
        "labels": labels,
        "identities": identities,
        "classes": CLASSES,
        "split": split,
        "raw_values": {"age": known.age[identities].astype(float)},
        "cuts": CUTS,
        "unlabeled": world.embed(new, rng, age_noise, same_masks),
        "batches": batches_of(labels, identities, split, seed),
        "log": healthy_log(rng),
        "transforms": transforms(crop_in_evaluation=True),
        "settings": {
            "monitor": "val/macro_f1",
            "validation_drop_last": False,
            "validation_batch_size": 64,
            "margin": 0.2,
        },
        "runs": {
            name: list(rng.normal(mean, 0.006, 3))
            for name, mean in (("metric", 0.74), ("head", 0.76), ("both", 0.775))
        },
        "seed": seed,
    }
    run["promised"] = len(run["batches"][0])
    return run


def _draw(count: int, rng: np.random.Generator, old: float | None = None) -> Identities:
    """Identities of the competition's ages and genders, in random order."""
    if old is None:
        pairs = ages_and_genders(count)
    else:
        pool = ages_and_genders(4 * count)
        is_old = np.array([age >= 60 for _, age in pool])
        chance = np.where(is_old, old / is_old.sum(), (1 - old) / (~is_old).sum())
        pairs = [pool[at] for at in rng.choice(len(pool), count, replace=False, p=chance)]
    order = rng.permutation(len(pairs))
    ages = np.array([age for _, age in pairs])[order]
    return Identities(ages, np.array([int(gender == "female") for gender, _ in pairs])[order])


def _held_out(
    identities: Identities, groups: NDArray[np.int64], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """A stratified choice of identities."""
    cells = identities.gender * 3 + groups
    chosen = np.zeros(len(cells), dtype=bool)
    for cell in np.unique(cells):
        members = rng.permutation(np.flatnonzero(cells == cell))
        chosen[members[: max(1, round(share * len(members)))]] = True
    return chosen


def joint(labels: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    """The joint class of all attributes, the first the most significant."""
    code = np.zeros(len(next(iter(labels.values()))), dtype=np.int64)
    for values in labels.values():
        code = code * (int(values.max()) + 1) + values
    return code


def batches_of(
    labels: dict[str, NDArray[np.int64]],
    identities: NDArray[np.int64],
    split: NDArray[np.str_],
    seed: int,
    epochs: int = 2,
) -> list[list[NDArray[np.int64]]]:
    rows = np.flatnonzero(split == "train")
    classes = len(np.unique(joint(labels)[rows]))
    wanted = max(2, round(BATCH_SHARE * classes)) if classes > 2 else classes
    sampler = RandomIdentitySampler(
        joint(labels)[rows], wanted, BATCH_IMAGES, spread=identities[rows], seed=seed
    )
    drawn = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        drawn.append([rows[np.asarray(batch)] for batch in sampler])
    return drawn


def healthy_log(rng: np.random.Generator) -> pd.DataFrame:
    """A training that went well: 30 epochs, a row every few steps, validation at the end of each epoch."""
    at = np.linspace(0, 1, STEPS_LOGGED)
    planned = 1e-3 * np.minimum(at / 0.05 + 0.02, 0.5 * (1 + np.cos(np.pi * at)) + 0.01)
    noise = rng.normal(size=(6, STEPS_LOGGED))
    fall = np.exp(-4 * at)
    log = pd.DataFrame({"step": (at * 15_000).astype(int), "epoch": np.minimum((at * 30).astype(int), 29)})
    log["lr"], log["lr_planned"] = planned, planned
    log["update_ratio"] = planned * np.exp(0.2 * noise[0])
    log["loss/metric"] = 0.06 + 0.5 * fall + 0.01 * noise[1]
    log["loss/joint/ce"] = 0.5 + 2.4 * fall + 0.05 * noise[2]
    log["loss/joint/f1"] = 0.2 + 0.6 * fall + 0.02 * noise[3]
    last = log.groupby("epoch").tail(1).index
    for column, values in {
        "val/macro_f1": 0.76 - 0.6 * fall + 0.008 * noise[4],
        "val/accuracy": 0.91 - 0.5 * fall + 0.004 * noise[4],
        "conflict/kappa": 0.15 + 0.2 * fall,
        "conflict/low": 0.05 + 0.2 * fall,
        "conflict/high": 0.25 + 0.2 * fall,
        "conflict/raw": 0.02 + 0.03 * fall,
        "conflict/tangential": 0.14 + 0.2 * fall,
        "conflict/radial": 0.2 + 0.0 * fall,
        "conflict/magnitude_similarity": 0.6 + 0.0 * fall,
        "conflict/reliability_metric": 0.12 + 0.3 * fall,
        "conflict/reliability_heads": 0.2 + 0.3 * fall,
        "conflict/probes": np.full(STEPS_LOGGED, 1000.0),
    }.items():
        log.loc[last, column] = values[last]
    return log


def transforms(*, crop_in_evaluation: bool, crop: tuple[int, int] = (320, 256)) -> dict[str, Any]:
    """Training and evaluation as torchvision writes them, with a fixed crop in both or in training alone."""
    import torch
    from torchvision.transforms import v2

    middle = v2.CenterCrop(crop)
    tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.25] * 3)]
    small = v2.Resize((128, 96))
    augmented = [v2.RandomHorizontalFlip(), v2.ColorJitter(0.2, 0.2, 0.2)]
    evaluation = [middle, small] if crop_in_evaluation else [small]
    return {
        "train": v2.Compose([middle, small, *augmented, *tensor]),
        "evaluation": v2.Compose([*evaluation, *tensor]),
    }
