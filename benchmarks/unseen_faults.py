"""Kinds of fault that nobody planted before: what `why` says of each, in three worlds.

    python -m benchmarks.unseen_faults --run first    # before any rule saw them; kept as it came out
    python -m benchmarks.unseen_faults --run now      # with the rules as they are

The kinds were written before a rule was changed, and ``first`` was run once.
"""

import argparse
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.fault_kinds import SEEDS, _drawn, _planted
from benchmarks.fault_worlds import Kind, World, fitted, held_out_f1, restyled
from benchmarks.feature_worlds import HOME
from benchmarks.harness import RESULTS, machine, publish, table

STORE = RESULTS / "unseen_faults.json"
Rng = np.random.Generator
Pixels = NDArray[np.uint8]


def _tied(world: World, rng: Rng, attribute: str, code: int) -> NDArray[np.bool_]:
    """(N,) images that a shortcut marks: of one class in training, by coin in validation."""
    mine, train = world["labels"][attribute] == code, world["split"] == "train"
    return np.where(train, mine, rng.random(len(mine)) < 0.5)


def _changed(world: World, where: NDArray[np.bool_], change: Any) -> World:
    images = world["images"].copy()
    images[where] = change(images[where])
    return restyled(world, images)


def compressed(images: Pixels, quality: int = 8) -> Pixels:
    """Saved as JPEG of low quality and read again."""
    found = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        found.append(np.asarray(Image.open(file).convert("RGB")))
    return np.stack(found)


def framed(images: Pixels) -> Pixels:
    """A black border of an eighth of the width."""
    images, wide = images.copy(), images.shape[2] // 8
    images[:, :wide] = images[:, -wide:] = images[:, :, :wide] = images[:, :, -wide:] = 0
    return images


def stamped(images: Pixels) -> Pixels:
    """A white square in the lower right corner, a sixth of the width."""
    images, wide = images.copy(), max(2, images.shape[2] // 6)
    images[:, -wide:, -wide:] = 255
    return images


def coarse(images: Pixels) -> Pixels:
    """A quarter of the resolution, enlarged again."""
    count, high, wide, depth = images.shape
    small = images.reshape(count, high // 4, 4, wide // 4, 4, depth).mean(axis=(2, 4))
    return np.repeat(np.repeat(small, 4, axis=1), 4, axis=2).astype(np.uint8)


def faded(images: Pixels) -> Pixels:
    """Half the contrast."""
    level = images.mean(axis=(1, 2), keepdims=True)
    return np.clip(level + 0.5 * (images - level), 0, 255).astype(np.uint8)


def other_camera(images: Pixels) -> Pixels:
    """Cold and noisy."""
    noise = np.random.default_rng(8).normal(size=images.shape)
    return np.clip(images + np.array([-25, 0, 25]) + 14 * noise, 0, 255).astype(np.uint8)


def shortcut(change: Any, attribute: str = "worn", code: int = 1) -> Any:
    """One class has this mark in training; validation is mixed."""
    return lambda world, rng: fitted(
        _changed(world, _tied(world, rng, attribute, code), change), strength=1.0
    )


def in_validation(change: Any) -> Any:
    """All validation images are changed so."""
    return lambda world, rng: fitted(_changed(world, world["split"] == "val", change))


def in_training(change: Any) -> Any:
    """All training images are changed so."""
    return lambda world, rng: fitted(_changed(world, world["split"] == "train", change))


def swapped_source(world: World, rng: Rng) -> World:
    """One source of four wrote ``worn`` the other way round, for all its identities."""
    theirs = (rng.permutation(world["identities"].max() + 1) % 4 == 0)[world["identities"]]
    worn = world["labels"]["worn"]
    labels = world["labels"] | {"worn": np.where(theirs, 1 - worn, worn)}
    return fitted(world | {"labels": labels, "truth": world["labels"]})


def renamed(world: World, rng: Rng) -> World:
    """A third of the held-out identities are in training too, under another name."""
    who, held = world["identities"], world["split"] == "val"
    twice = (rng.random(who.max() + 1) < 0.33)[who] & held
    half = rng.random(len(who)) < 0.5
    codes = np.where(twice & half, who + who.max() + 1, who)
    split = np.where(twice & half, "train", world["split"])
    return fitted(world | {"identities": np.unique(codes, return_inverse=True)[1], "split": split})


def blank_class(world: World, rng: Rng) -> World:
    """Half the images of the last class of ``kind`` are blank."""
    kind = world["labels"]["kind"]
    blank = (kind == kind.max()) & (rng.random(len(kind)) < 0.5)
    other = _changed(world, blank, lambda images: np.full_like(images, 200))
    if "embed" not in world:
        other["embeddings"][blank] = other["embeddings"][blank].mean(axis=0)
    return fitted(other)


def too_slow(world: World, rng: Rng) -> World:
    """A learning rate a hundredth of what is needed, for five times as long: the loss still falls in a line."""
    world = fitted(world, strength=3e-5)
    epochs, steps = 100, 12
    at = np.arange(epochs * steps) / (epochs * steps)
    log = world["log"].iloc[np.zeros(len(at), dtype=int)].reset_index(drop=True)
    log["step"], log["epoch"] = np.arange(len(at)), np.arange(len(at)) // steps
    log["lr"], log["update_ratio"] = 1e-5, 1e-5 * np.exp(0.2 * rng.normal(size=len(at)))
    log["loss"] = log["loss/joint/ce"] = 1.8 - 0.35 * at + 0.02 * rng.normal(size=len(at))
    log["val/macro_f1"] = np.nan
    last = log.groupby("epoch").tail(1).index
    log.loc[last, "val/macro_f1"] = held_out_f1(world) * (0.35 + 0.65 * at[last])
    return world | {"log": log}


def permuted_within(world: World, rng: Rng) -> World:
    """``worn`` is permuted among the images of each identity."""
    worn, who = world["labels"]["worn"].copy(), world["identities"]
    for one in np.unique(who):
        rows = np.flatnonzero(who == one)
        worn[rows] = rng.permutation(worn[rows])
    return fitted(world | {"labels": world["labels"] | {"worn": worn}})


def reversed_coding(world: World, rng: Rng) -> World:
    """Validation codes ``worn`` the other way round."""
    worn, taught = world["labels"]["worn"], world["labels"]
    labels = taught | {"worn": np.where(world["split"] == "val", 1 - worn, worn)}
    return fitted(world | {"labels": labels, "truth": taught}, labels=taught)


def careless_validation(world: World, rng: Rng) -> World:
    """One held-out identity in four has another class of ``kind`` written; training is clean."""
    kind, who, taught = world["labels"]["kind"], world["identities"], world["labels"]
    wrong = (world["split"] == "val") & (rng.random(who.max() + 1) < 0.25)[who]
    other = (kind + rng.integers(1, kind.max() + 1, who.max() + 1)[who]) % (kind.max() + 1)
    labels = taught | {"kind": np.where(wrong, other, kind)}
    return fitted(world | {"labels": labels, "truth": taught}, labels=taught)


def turned(images: Pixels) -> Pixels:
    """Lying on the side."""
    return np.rot90(images, axes=(1, 2))


def _ids(*names: str) -> frozenset[str]:
    return frozenset(names)


SHORTCUT, IMAGES = _ids("generalization.shortcut"), _ids("generalization.images")
WRONG = _ids("label_errors.wrong", "label_errors.swapped", "label_errors.exchanged")
FACES = ("arrays", "drawn faces")
UNSEEN: tuple[tuple[Kind, tuple[str, ...]], ...] = tuple(
    (kind, worlds)
    for kind, worlds in (
        (Kind("one class compressed in training", SHORTCUT, shortcut(compressed)), tuple(SEEDS)),
        (Kind("one class framed in training", SHORTCUT, shortcut(framed)), tuple(SEEDS)),
        (Kind("one class stamped in training", SHORTCUT, shortcut(stamped)), tuple(SEEDS)),
        (Kind("one class of three faded in training", SHORTCUT, shortcut(faded, "kind", 2)), tuple(SEEDS)),
        (Kind("validation of another camera", IMAGES, in_validation(other_camera)), tuple(SEEDS)),
        (Kind("training at a quarter of the resolution", IMAGES, in_training(coarse)), tuple(SEEDS)),
        (Kind("validation lies on its side", IMAGES, in_validation(turned)), ("drawn faces", "photographs")),
        (Kind("one source of four swaps a label", WRONG, swapped_source), tuple(SEEDS)),
        (Kind("validation codes a label the other way", WRONG, reversed_coding), tuple(SEEDS)),
        (Kind("careless labels in validation alone", WRONG, careless_validation), tuple(SEEDS)),
        (Kind("identities renamed across the split", _ids("leak.near", "leak.identity"), renamed), FACES),
        (
            Kind("half of one class blank", _ids("leak.exact", "label_errors.copies"), blank_class),
            tuple(SEEDS),
        ),
        (
            Kind(
                "learning rate too small, long training",
                _ids("generalization.underfit", "basics.learning_rate"),
                too_slow,
            ),
            tuple(SEEDS),
        ),
        (Kind("a label permuted within identities", _ids("signal.none"), permuted_within), FACES),
    )
)
"""Each kind with the worlds it can be planted in."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", choices=["first", "now"], default="now")
    parser.add_argument("--worlds", nargs="+", default=list(SEEDS), choices=list(SEEDS))
    parser.add_argument("--shared", type=Path, default=HOME, help="weights and photographs")
    options = parser.parse_args()
    done: dict[str, Any] = json.loads(STORE.read_text()) if STORE.is_file() else {}
    for world in options.worlds:
        drawn = _drawn(world, options.shared)
        for seed in range(SEEDS[world]) if drawn is not None else ():
            for kind, worlds in UNSEEN:
                key = f"{options.run}|{world}|{kind.name}|{seed}"
                if world in worlds and key not in done:
                    done[key] = _planted(kind, seed, drawn)  # type: ignore[arg-type]
                    STORE.write_text(json.dumps(done, indent=1, sort_keys=True) + "\n")
                    print(key, done[key], sep=" | ", flush=True)
    publish(
        "unseen_faults",
        f"{len(UNSEEN)} kinds of fault that nobody planted before",
        "python -m benchmarks.unseen_faults",
        machine("numpy", "scikit-learn", "faiss-cpu"),
        [_section(done)],
    )


def _section(done: dict[str, Any]) -> str:
    rows, right, count = [], dict.fromkeys(("first", "now"), 0), dict.fromkeys(("first", "now"), 0)
    for kind, worlds in UNSEEN:
        for world in worlds:
            cells = []
            for run in ("first", "now"):
                keys = [f"{run}|{world}|{kind.name}|{seed}" for seed in range(SEEDS[world])]
                every = [done[key] for key in keys if key in done]
                right[run] += sum(one["place"] == 1 for one in every)
                count[run] += len(every)
                before = sorted({name for one in every for name in one["before"]})
                places = ["-" if one["place"] is None else str(one["place"]) for one in every]
                cells += [", ".join(places) or "not run", ", ".join(before) or "-"]
            rows.append((kind.name, " or ".join(sorted(kind.found_as)), world, *cells))
    head = (
        "planted",
        "should be found as",
        "world",
        "first run",
        "named before it",
        "now",
        "named before it",
    )
    sentence = (
        f"The true cause comes before all else in {right['first']} of {count['first']} cells on the first run, before "
        f"any rule was changed for these kinds, and in {right['now']} of {count['now']} with the rules as they are now."
    )
    return f"## Place of the true cause\n\n{table(head, rows)}\n\n{sentence}"


if __name__ == "__main__":
    main()
