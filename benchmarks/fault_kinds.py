"""Kinds of fault beyond the fifteen, strong and mild, each over several worlds with its twin and with clean ones.

Run as ``python -m benchmarks.fault_kinds``. The rules were tuned on these, and not on the ten kinds of
:mod:`benchmarks.sealed_faults`.
"""

import argparse
from typing import Any

import numpy as np

from benchmarks.fault_worlds import Kind, World, arguments, draw, ending_at, fitted, held_out_f1
from benchmarks.harness import machine, publish, table
from metric_face import diagnose

RARE = (0.4, 0.35, 0.17, 0.03, 0.03, 0.02)
HARD = {"shares": (0.7, 0.2, 0.1), "gap": 2.0, "identities": 500}
LESS = (0.25, 0.45, 0.7)
WIDE = {"identities": 120, "dimensions": 256, "gap": 2.0}
NARROW = WIDE | {"dimensions": 96}


def memorized(strength: float) -> Any:
    """Few identities in many dimensions, and a head that follows them all the way."""
    return lambda world, rng: fitted(world, strength=strength)


def shuffled(share: float) -> Any:
    """Labels of ``kind`` dealt anew to a share of the identities."""

    def plant(world: World, rng: np.random.Generator) -> World:
        who = world["identities"]
        own = world["labels"]["kind"][np.unique(who, return_index=True)[1]]
        chosen = np.flatnonzero(rng.random(len(own)) < share)
        own[chosen] = rng.permutation(own[chosen])
        return fitted(world | {"labels": world["labels"] | {"kind": own[who]}})

    return plant


def coined(world: World, rng: np.random.Generator) -> World:
    """All labels by coin, each image for itself."""
    labels = {a: rng.integers(0, v.max() + 1, len(v)) for a, v in world["labels"].items()}
    return fitted(world | {"labels": labels})


def ended_early(share: float) -> Any:
    """Validation rises to the last epoch; ``share`` of the rise is left to the last quarter."""

    def plant(world: World, rng: np.random.Generator) -> World:
        world = fitted(world)
        best = held_out_f1(world)
        scores = np.interp(np.linspace(0, 1, 20), [0, 0.75, 1], [0.1, best - share * (best - 0.1), best])
        log = world["log"].copy()
        log.loc[log.groupby("epoch").tail(1).index, "val/macro_f1"] = scores + 0.003 * rng.normal(size=20)
        return world | {"log": log}

    return plant


def brightened(by: int) -> Any:
    """One value of ``worn`` is brighter in training, and the head reads it; validation is mixed."""

    def plant(world: World, rng: np.random.Generator) -> World:
        worn, train = world["labels"]["worn"] == 1, world["split"] == "train"
        bright = np.where(train, worn, rng.random(len(worn)) < 0.5)
        images, vectors = world["images"].copy(), world["embeddings"].copy()
        images[bright] = np.clip(images[bright].astype(int) + by, 0, 255)
        vectors[:, 0] += by / 6 * (bright - 0.5)
        return fitted(world | {"images": images, "embeddings": vectors}, strength=1.0)

    return plant


def other_shares(chances: tuple[float, float, float]) -> Any:
    """Identities go to validation by their class."""

    def plant(world: World, rng: np.random.Generator) -> World:
        who = world["identities"]
        own = world["labels"]["kind"][np.unique(who, return_index=True)[1]]
        held = rng.random(len(own)) < np.array(chances)[own]
        return fitted(world | {"split": np.where(held[who], "val", "train")})

    return plant


def not_finite(world: World, rng: np.random.Generator) -> World:
    """The loss is NaN from the middle on."""
    world = fitted(world)
    log = world["log"].copy()
    log.loc[len(log) // 2 :, ["loss", "loss/joint/ce"]] = np.nan
    return world | {"log": log}


def rising_log(above: float) -> Any:
    """The log's best lies above the stored predictions."""

    def plant(world: World, rng: np.random.Generator) -> World:
        world = fitted(world)
        return world | {"log": ending_at(world["log"], held_out_f1(world) + above)}

    return plant


def biased(by: float) -> Any:
    """The head prefers its second class."""

    def plant(world: World, rng: np.random.Generator) -> World:
        world = fitted(world)
        for chances in world["probabilities"].values():
            chances[:, 1] *= np.exp(by)
            chances /= chances.sum(axis=1, keepdims=True)
        return world | {"log": ending_at(world["log"], held_out_f1(world))}

    return plant


def exchanged(share: float) -> Any:
    """A share of the held-out identities of two rare classes is labeled as the other one."""

    def plant(world: World, rng: np.random.Generator) -> World:
        kind, who, taught = world["labels"]["kind"], world["identities"], world["labels"]
        wrong = (world["split"] == "val") & (kind >= 2) & (rng.random(who.max() + 1) < share)[who]
        return fitted(world | {"labels": taught | {"kind": np.where(wrong, 5 - kind, kind)}}, labels=taught)

    return plant


def unchanged(world: World, rng: np.random.Generator) -> World:
    """The build itself is the fault."""
    return fitted(world)


def _ids(*names: str) -> frozenset[str]:
    return frozenset(names)


PAIR = {"shares": (0.45, 0.35, 0.12, 0.08), "gap": 3.5, "identities": 400}
KINDS = (
    Kind("memorized, 256 dimensions", _ids("generalization.overfit"), memorized(100.0), WIDE),
    Kind(
        "memorized, 96 dimensions",
        _ids("generalization.overfit"),
        memorized(10.0),
        WIDE | {"dimensions": 96},
        "mild",
    ),
    Kind("labels of one attribute shuffled", _ids("signal.none"), shuffled(1.0)),
    Kind("labels by coin", _ids("signal.none"), coined),
    Kind("training ended early", _ids("generalization.underfit"), ended_early(0.3), {"gap": 2.0}),
    Kind(
        "training ended a little early",
        _ids("generalization.underfit"),
        ended_early(0.15),
        {"gap": 2.0},
        "mild",
    ),
    Kind("brightness shortcut", _ids("generalization.shortcut"), brightened(60)),
    Kind("faint brightness shortcut", _ids("generalization.shortcut"), brightened(25), {}, "mild"),
    Kind("validation in other shares", _ids("generalization.prior"), other_shares((0.15, 0.5, 0.9)), HARD),
    Kind(
        "validation in somewhat other shares",
        _ids("generalization.prior"),
        other_shares((0.25, 0.45, 0.7)),
        HARD,
        "mild",
    ),
    Kind("loss not finite", _ids("generalization.diverged"), not_finite),
    Kind("log above the stored predictions", _ids("sources.log"), rising_log(0.12)),
    Kind("head with another bias", _ids("sources.head"), biased(5.0)),
    Kind("head with a slight bias", _ids("sources.head"), biased(3.0), {}, "mild"),
    Kind("six rare classes", _ids("rare.classes"), unchanged, {"shares": RARE, "gap": 3.0}),
    Kind("rare classes exchanged", _ids("label_errors.exchanged"), exchanged(0.6), PAIR),
    Kind("some of two rare classes exchanged", _ids("label_errors.exchanged"), exchanged(0.35), PAIR, "mild"),
)
CLEAN = {
    "300 identities": {},
    "few identities": {"identities": 100},
    "classes apart": {"gap": 7.0},
    "classes near": {"gap": 2.5},
    "many dimensions": {"dimensions": 96},
    "imbalanced": {"shares": (0.8, 0.12, 0.08), "identities": 500},
}
"""Worlds with nothing wrong, by what is peculiar about them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    sections = [_faults(options.seeds), _clean(options.seeds)]
    title = f"Kinds of fault on arrays, {options.seeds} worlds each"
    command = "python -m benchmarks.fault_kinds" + (f" --seeds {options.seeds}" if options.seeds != 3 else "")
    publish("fault_kinds", title, command, machine("numpy", "scikit-learn", "faiss-cpu"), sections)


def _faults(seeds: int) -> str:
    rows, first = [], {"strong": [0, 0], "mild": [0, 0]}
    for kind in KINDS:
        places, merged, before = [], 0, set()
        for seed in range(seeds):
            found = diagnose(**arguments(kind.make(seed)))
            ids = [finding.id for finding in found.findings]
            place = next((at for at, one in enumerate(ids, 1) if one in kind.found_as), None)
            places.append(place)
            before |= set(ids[: (place or len(ids) + 1) - 1])
            merged += "overlap.classes" in ids
        right = sum(place == 1 for place in places)
        first[kind.severity][0] += right
        first[kind.severity][1] += seeds
        shown = ", ".join("-" if place is None else str(place) for place in places)
        rows.append(
            (kind.name, kind.severity, f"{right} of {seeds}", shown, ", ".join(sorted(before)) or "-", merged)
        )
        print(*rows[-1], sep=" | ", flush=True)
    head = ("planted", "severity", "first", "place by world", "named before it", "told to merge")
    note = "; ".join(f"{name}: first in {one} of {of}" for name, (one, of) in first.items())
    note += ". The rules were tuned on these kinds, on arrays alone."
    return f"## Place of the true cause\n\n{table(head, rows)}\n\n{note}"


def _clean(seeds: int) -> str:
    rows, false, count = [], 0, 0
    for name, build in CLEAN.items():
        found = []
        for seed in range(seeds):
            result = diagnose(**arguments(fitted(draw(100 + seed, **build))))
            found.append([f.id for f in result.findings if f.tier.value != "limit"])
        false, count = false + sum(map(len, found)), count + seeds
        rows.append((name, seeds, "; ".join(", ".join(ids) or "-" for ids in found)))
        print(*rows[-1], sep=" | ", flush=True)
    note = f"Findings on {count} clean worlds (what a set is too small to show left out): {false}."
    return f"## Clean worlds\n\n{table(('world', 'worlds', 'findings'), rows)}\n\n{note}"


if __name__ == "__main__":
    main()
