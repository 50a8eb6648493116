"""The same faults planted in photographs, which hold faults of their own: those are listed first.

Ages and genders come from utkface, whose identities are unknown (copies of a photograph count as one); identities
on both
sides of the split from lfw; exchanged masks from masks3, where the photograph stands for the identity. The embedding
is a frozen one that needs no training (:mod:`benchmarks.plain_features`), so macro F1 is modest.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from benchmarks.fault_scenarios import CUTS, Fault, Run, batches_of, healthy_log, transforms
from benchmarks.fault_table import HEAD, row, timed
from benchmarks.harness import table
from benchmarks.plain_features import gradients, principal_axes
from benchmarks.planted_faults import FAULTS
from metric_face.auditing.duplicates import near_pairs
from metric_face.data.fingerprints import take_fingerprints

CROP = (72, 64)  # of 96 pixels


@dataclass(frozen=True)
class Photographs:
    """A training on frozen features of photographs.

    Attributes:
        run: its inputs.
        turn: from raw features to the embedding.
        rows: which photographs are in the run.
        new: which are the unlabeled ones.
    """

    run: Run
    turn: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    rows: NDArray[np.int64]
    new: NDArray[np.int64]


def plant_in_photographs(home: Path) -> str:
    """Plant every fault in the photographs of ``home`` and return the section of the report."""
    rows: list[Sequence[object]] = []
    hits = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, runs in (
            ("utkface", utkface(home / "utkface", Path(scratch))),
            ("lfw", lfw(home / "lfw")),
            ("masks3", masks3(home / "masks3")),
        ):
            own: dict[str, float] = {}
            for fault, run in runs:
                found, seconds = timed(run)
                counted = {finding.id: finding.measure.value for finding in found.findings}
                new = [id for id, value in counted.items() if id not in own or value > 2 * own[id]]
                if fault is None:
                    own = counted
                    rows.append(row(f"{name}: as it is", found, seconds, "-"))
                else:
                    hit = bool(new) and new[0] in fault.found_as
                    hits += hit
                    rows.append(row(f"{name}: {fault.name}", found, seconds, "yes" if hit else "NO"))
                print(*rows[-1], sep=" | ", flush=True)
    note = (
        "Right: the planted fault is the first finding that the photographs as they are do not have, or not by half. "
        f"{hits} of {len(FAULTS)}."
    )
    return f"## In photographs\n\n{table(HEAD, rows)}\n\n{note}"


def utkface(home: Path, scratch: Path) -> Iterator[tuple[Fault | None, Run]]:
    """Ages and genders: all faults but those that need several images of an identity."""
    frame = pd.read_csv(home / "images.csv")
    paths = [home / name for name in frame["path"]]
    age = frame["age"].to_numpy(float)
    labels = {
        "gender": (frame["gender"] == "female").to_numpy(np.int64),
        "age": (age >= 30).astype(np.int64) + (age >= 60),
    }
    known = _photographs(
        paths, labels, one_per_picture(paths), {"gender": ("male", "female"), "age": ("<30", "30-59", ">=60")}
    )
    run = known.run | {"raw_values": {"age": age[known.rows]}, "cuts": CUTS}
    rng = np.random.default_rng(5)
    yield None, run
    for fault in FAULTS:
        match fault.name:
            case "identity leak" | "mask labels of some identities swapped":
                continue
            case "near-duplicate leak":
                yield fault, _saved_again(run, known.turn, scratch, rng)
            case "prior shift in test":
                old = labels["age"][known.new] == 2
                more = np.concatenate(
                    [np.flatnonzero(old), rng.permutation(np.flatnonzero(~old))[: 2 * old.sum()]]
                )
                yield fault, run | {"unlabeled": run["unlabeled"][more]}
            case "test-time crop missing":
                yield fault, run | {"transforms": transforms(crop_in_evaluation=False, crop=CROP)}
            case "two classes made identical":
                yield fault, _dealt_anew(run, rng)
            case "validation too small to tell":
                held = np.flatnonzero(run["split"] == "val")
                yield fault, _without(run, rng.permutation(held)[80:])
            case _:
                assert fault.plant is not None
                yield fault, fault.plant(run, rng)


def _dealt_anew(run: Run, rng: np.random.Generator) -> Run:
    """Nothing separates the two younger age groups: their labels are dealt anew; the ages behind are not given."""
    age = run["labels"]["age"].copy()
    young = np.flatnonzero(age < 2)
    age[young] = rng.permutation(age[young])
    return run | {"labels": run["labels"] | {"age": age}, "raw_values": {}, "cuts": {}}


def lfw(home: Path) -> Iterator[tuple[Fault | None, Run]]:
    """Identities with several photographs: the identity leak."""
    frame = pd.read_csv(home / "images.csv")
    identities = np.unique(frame["identity"], return_inverse=True)[1].astype(np.int64)
    labels = {"gender": (frame["gender"] == "female").to_numpy(np.int64)}
    run = _photographs(
        [home / name for name in frame["path"]], labels, identities, {"gender": ("male", "female")}
    ).run
    yield None, run
    fault = next(f for f in FAULTS if f.name == "identity leak")
    yield fault, fault.plant(run, np.random.default_rng(5)) if fault.plant else run


def masks3(home: Path) -> Iterator[tuple[Fault | None, Run]]:
    """Masks that vary within a photograph: labels exchanged in a quarter of those that have both."""
    frame = pd.read_csv(home / "images.csv")
    identities = np.unique(frame["source"], return_inverse=True)[1].astype(np.int64)
    names = ("correct", "incorrect", "none")
    codes = frame["mask"].map({name: code for code, name in enumerate(names)}).to_numpy(np.int64)
    run = _photographs(
        [home / name for name in frame["path"]], {"mask": codes}, identities, {"mask": names}
    ).run
    yield None, run
    codes, identities = run["labels"]["mask"], run["identities"]
    both = np.intersect1d(identities[codes == 0], identities[codes == 2])
    chosen = np.random.default_rng(5).choice(both, max(1, len(both) // 4), replace=False)
    swapped = np.where(np.isin(identities, chosen) & (codes != 1), 2 - codes, codes)
    yield next(f for f in FAULTS if f.name.startswith("mask labels")), run | {"labels": {"mask": swapped}}


def one_per_picture(paths: Sequence[Path]) -> NDArray[np.int64]:
    """(N,) a code that photographs of the same picture share."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.array(near_pairs(take_fingerprints(paths).pictures) or [(0, 0)])
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(paths), len(paths)))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _photographs(
    paths: list[Path],
    labels: dict[str, NDArray[np.int64]],
    identities: NDArray[np.int64],
    classes: dict[str, tuple[str, ...]],
) -> Photographs:
    """The inputs of a training on frozen features, split by identity; a fifth of the rest is left unlabeled."""
    rng = np.random.default_rng(3)
    held = rng.random(int(identities.max()) + 1) < 0.25
    aside = ~held & (rng.random(len(held)) < 0.2)
    part = np.where(held, "val", np.where(aside, "new", "train"))[identities]
    raw = gradients(paths)
    turn = principal_axes(raw, np.flatnonzero(part == "train"))
    features = turn(raw)
    kept, new = np.flatnonzero(part != "new"), np.flatnonzero(part == "new")
    labels = {name: values[kept] for name, values in labels.items()}
    arms = (("metric", 0.74), ("head", 0.76), ("both", 0.775))
    run: Run = {
        "embeddings": features[kept],
        "labels": labels,
        "identities": identities[kept],
        "classes": classes,
        "split": part[kept],
        "images": [paths[at] for at in kept],
        "unlabeled": features[new],
        "batches": batches_of(labels, identities[kept], part[kept], 0),
        "log": healthy_log(rng),
        "transforms": transforms(crop_in_evaluation=True, crop=CROP),
        "settings": {"monitor": "val/macro_f1", "margin": 0.2},
        "runs": {name: list(rng.normal(mean, 0.006, 3)) for name, mean in arms},
        "seed": 0,
    }
    return Photographs(run, turn, kept, new)


def _saved_again(
    run: Run,
    turn: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    scratch: Path,
    rng: np.random.Generator,
) -> Run:
    """Training photographs at half the size and in another quality, in place of some of validation's."""
    held, train = (np.flatnonzero(run["split"] == part) for part in ("val", "train"))
    here, there = rng.choice(held, 100, replace=False), rng.choice(train, 100, replace=False)
    images = list(run["images"])
    for target, source in zip(here, there, strict=True):
        images[target] = scratch / f"{target}.jpg"
        with Image.open(run["images"][source]) as image:
            image.convert("RGB").resize((48, 48), Image.Resampling.BILINEAR).save(images[target], quality=70)
    embeddings, ages = run["embeddings"].copy(), run["raw_values"]["age"].copy()
    embeddings[here] = turn(gradients([images[at] for at in here]))
    labels = {name: values.copy() for name, values in run["labels"].items()}
    for values in (*labels.values(), ages):
        values[here] = values[there]
    return run | {"images": images, "embeddings": embeddings, "labels": labels, "raw_values": {"age": ages}}


def _without(run: Run, rows: NDArray[np.int64]) -> Run:
    """The run without some images."""
    kept = np.setdiff1d(np.arange(len(run["split"])), rows)
    labels = {name: values[kept] for name, values in run["labels"].items()}
    return run | {
        "embeddings": run["embeddings"][kept],
        "labels": labels,
        "identities": run["identities"][kept],
        "split": run["split"][kept],
        "images": [run["images"][at] for at in kept],
        "raw_values": {"age": run["raw_values"]["age"][kept]},
        "batches": batches_of(labels, run["identities"][kept], run["split"][kept], 0),
    }
