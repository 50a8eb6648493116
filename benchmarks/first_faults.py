"""Kinds of fault beyond the fifteen, strong and mild; the rules of the first round were tuned on these."""

from typing import Any

import numpy as np

from benchmarks.fault_worlds import Kind, World, ending_at, fitted, held_out_f1, restyled

RARE = (0.4, 0.35, 0.17, 0.03, 0.03, 0.02)
HARD = {"shares": (0.7, 0.2, 0.1), "gap": 2.0, "identities": 500}
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
        world = fitted(world, strength=3e-4)
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
        images = world["images"].copy()
        images[bright] = np.clip(images[bright].astype(int) + by, 0, 255)
        return fitted(restyled(world, images), strength=1.0)

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
    """The loss is NaN from the middle on, and the head is as it was then."""
    world = fitted(world, strength=1e-4)
    log = world["log"].copy()
    log.loc[len(log) // 2 :, ["loss", "loss/joint/ce"]] = np.nan
    return world | {"log": log}


def of_an_early_epoch(world: World, rng: np.random.Generator) -> World:
    """The stored predictions are of an early epoch; the log's best is that of a later one."""
    early = fitted(world, strength=1e-4)
    return early | {"log": ending_at(early["log"], held_out_f1(fitted(world)))}


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
        written = taught | {"kind": np.where(wrong, 5 - kind, kind)}
        return fitted(world | {"labels": written, "truth": taught}, labels=taught)

    return plant


def unchanged(world: World, rng: np.random.Generator) -> World:
    """The build itself is the fault."""
    return fitted(world)


def _ids(*names: str) -> frozenset[str]:
    return frozenset(names)


PAIR = {"shares": (0.45, 0.35, 0.12, 0.08), "gap": 3.5, "identities": 400}
FIRST = (
    Kind("memorized, 256 dimensions", _ids("generalization.overfit"), memorized(100.0), WIDE, own=True),
    Kind(
        "memorized, 96 dimensions",
        _ids("generalization.overfit"),
        memorized(10.0),
        NARROW,
        "mild",
        own=True,
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
    Kind("log above the stored predictions", _ids("sources.log"), of_an_early_epoch),
    Kind("head with another bias", _ids("sources.head"), biased(5.0)),
    Kind("head with a slight bias", _ids("sources.head"), biased(3.0), {}, "mild"),
    Kind("six rare classes", _ids("rare.classes"), unchanged, {"shares": RARE, "gap": 3.0}, own=True),
    Kind("rare classes exchanged", _ids("label_errors.exchanged"), exchanged(0.6), PAIR),
    Kind("some of two rare classes exchanged", _ids("label_errors.exchanged"), exchanged(0.35), PAIR, "mild"),
)
