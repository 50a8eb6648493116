"""More kinds of fault, in labels, splits, images, embeddings, logs and settings; rules were tuned on these.

Each takes a world of :mod:`benchmarks.fault_worlds` or :mod:`benchmarks.feature_worlds`: an attribute ``kind`` of the
identity and one ``worn`` of two classes.
"""

from typing import Any

import numpy as np

from benchmarks.fault_worlds import Kind, World, fitted, held_out_f1, restyled

Rng = np.random.Generator


def tinted(tied: float) -> Any:
    """One camera, warm and soft, took the training images of one value of ``worn``; validation is mixed."""

    def plant(world: World, rng: Rng) -> World:
        worn, train = world["labels"]["worn"] == 1, world["split"] == "train"
        chance = np.where(train, np.where(worn, tied, 1 - tied), 0.5)
        taken = rng.random(len(worn)) < chance
        images = world["images"].astype(np.int64)
        images[taken] = np.clip(images[taken] + np.array([30, 0, -30]), 0, 255)
        return fitted(restyled(world, images.astype(np.uint8)), strength=1.0)

    return plant


def copied(share: float, noise: float = 0.0, relabeled: bool = False) -> Any:
    """A share of the held-out images are training images, bytes alike or saved anew with ``noise``."""

    def plant(world: World, rng: Rng) -> World:
        held, train = (np.flatnonzero(world["split"] == side) for side in ("val", "train"))
        here = rng.permutation(held)[: max(6, round(share * len(held)))]
        there = rng.permutation(train)[: len(here)]
        images, vectors = world["images"].copy(), world["embeddings"].copy()
        images[here] = np.clip(
            images[there] + np.round(4 * noise * rng.normal(size=images[there].shape)), 0, 255
        )
        vectors[here] = vectors[there] + noise * 0.1 * vectors.std() * rng.normal(size=vectors[here].shape)
        labels = {a: v.copy() for a, v in world["labels"].items()}
        if not relabeled:
            for values in labels.values():
                values[here] = values[there]
        return fitted(world | {"images": images, "embeddings": vectors.astype(np.float32), "labels": labels})

    return plant


def both_sides(share: float) -> Any:
    """Images of a share of the identities were dealt to both sides."""

    def plant(world: World, rng: Rng) -> World:
        who = world["identities"]
        torn = (rng.random(who.max() + 1) < share)[who]
        side = np.where(rng.random(len(who)) < 0.5, "val", "train")
        return fitted(world | {"split": np.where(torn, side, world["split"])})

    return plant


def two_modes(world: World, rng: Rng) -> World:
    """Half of the identities of class 0 lie on the other side of class 1, out of a linear head's reach."""
    kind, who, vectors = world["labels"]["kind"], world["identities"], world["embeddings"].copy()
    means = [vectors[kind == code].mean(axis=0) for code in (0, 1)]
    away = (kind == 0) & (np.arange(who.max() + 1) % 2 == 0)[who]
    vectors[away] += 2 * (means[1] - means[0])
    return fitted(world | {"embeddings": vectors.astype(np.float32)})


def in_one_class(share: float) -> Any:
    """A share of the identities of class 1 of ``kind`` is written as class 0."""

    def plant(world: World, rng: Rng) -> World:
        kind, who = world["labels"]["kind"], world["identities"]
        wrong = (kind == 1) & (rng.random(who.max() + 1) < share)[who]
        labels = world["labels"] | {"kind": np.where(wrong, 0, kind)}
        return fitted(world | {"labels": labels, "truth": world["labels"]})

    return plant


def brighter_validation(by: int) -> Any:
    """Validation was taken in brighter light."""

    def plant(world: World, rng: Rng) -> World:
        images, held = world["images"].astype(np.int64), world["split"] == "val"
        images[held] = np.clip(images[held] + by, 0, 255)
        return fitted(restyled(world, images.astype(np.uint8)))

    return plant


def collapsed(left: float) -> Any:
    """All vectors lie at one point, but for what is ``left`` of their differences."""

    def plant(world: World, rng: Rng) -> World:
        vectors = world["embeddings"]
        point = rng.normal(size=vectors.shape[1])
        point *= 10 * float(vectors.std()) * np.sqrt(len(point)) / np.linalg.norm(point)
        noise = 0.5 * vectors.std() * rng.normal(size=vectors.shape)
        return fitted(world | {"embeddings": (point + left * vectors + noise).astype(np.float32)})

    return plant


def hubs(count: int) -> Any:
    """Images that lie in the middle of everything and are near to all, of mixed classes, in a cone of vectors."""

    def plant(world: World, rng: Rng) -> World:
        good = fitted(world)
        vectors = world["embeddings"] - world["embeddings"].mean(axis=0)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        point = rng.normal(size=vectors.shape[1])
        vectors = unit + 1.5 * point / np.linalg.norm(point)
        train = rng.permutation(np.flatnonzero(world["split"] == "train"))[:count]
        vectors[train] = vectors.mean(axis=0) + 0.02 * rng.normal(size=vectors[train].shape)
        return good | {"embeddings": vectors.astype(np.float32)}

    return plant


def one_row_down(world: World, rng: Rng) -> World:
    """The table is sorted by identity, and its labels stand one row too low."""
    return fitted(world | {"labels": {a: np.roll(v, 1) for a, v in world["labels"].items()}})


def flipped(world: World, rng: Rng) -> World:
    """Training mirrors images, and ``worn`` is left or right: the embedding no longer holds it, the start did."""
    vectors, worn = world["embeddings"], world["labels"]["worn"]
    way = vectors[worn == 1].mean(axis=0) - vectors[worn == 0].mean(axis=0)
    mirrored = vectors - (2 * (rng.random(len(worn)) < 0.5) * (worn - 0.5))[:, None] * way
    across = np.linalg.qr(way[:, None])[0][:, 0]
    lost = mirrored - (mirrored @ across)[:, None] * across
    return fitted(world | {"embeddings": lost.astype(np.float32), "neutral": vectors})


def too_fast(world: World, rng: Rng) -> World:
    """The learning rate is a hundred times too large: the loss jumps about and the head with it."""
    world = fitted(world, strength=1e-5)
    log = world["log"].copy()
    for column in ("loss", "loss/joint/ce"):
        log[column] = 2.2 + 0.4 * np.abs(rng.normal(size=len(log)))
    log["update_ratio"] = 0.2 * np.exp(0.2 * rng.normal(size=len(log)))
    return world | {"log": log}


def derived(world: World, rng: Rng) -> World:
    """A third attribute is a function of ``kind``: a column that was made from another."""
    return fitted(world | {"labels": world["labels"] | {"group": (world["labels"]["kind"] > 0).astype(int)}})


def few_held_out(identities: int) -> Any:
    """Validation has some identities only."""

    def plant(world: World, rng: Rng) -> World:
        who = world["identities"]
        chosen = rng.permutation(np.unique(who[world["split"] == "val"]))[:identities]
        kept = (world["split"] == "train") | np.isin(who, chosen)
        arrays = {n: world[n][kept] for n in ("embeddings", "split", "images")}
        labels = {a: v[kept] for a, v in world["labels"].items()}
        codes = np.unique(who[kept], return_inverse=True)[1]
        return fitted(world | arrays | {"labels": labels, "identities": codes})

    return plant


def one_holds(share: float) -> Any:
    """One identity holds a share of the validation images of the last class, and is hard to recognize."""

    def plant(world: World, rng: Rng) -> World:
        kind, who = world["labels"]["kind"], world["identities"]
        own = np.flatnonzero((world["split"] == "val") & (kind == kind.max()))
        first = own[who[own] == who[own[0]]]
        more = np.resize(first, round(share / (1 - share) * (len(own) - len(first))))
        noise = 0.5 * world["embeddings"].std() * rng.normal(size=(len(more), world["embeddings"].shape[1]))
        grown = {n: np.concatenate([world[n], world[n][more]]) for n in ("identities", "split")}
        grains = rng.integers(-6, 7, size=world["images"][more].shape)
        grown["images"] = np.concatenate(
            [world["images"], np.clip(world["images"][more] + grains, 0, 255)]
        ).astype(np.uint8)
        grown["embeddings"] = np.concatenate([world["embeddings"], world["embeddings"][more] + noise]).astype(
            np.float32
        )
        labels = {a: np.concatenate([v, v[more]]) for a, v in world["labels"].items()}
        return fitted(world | grown | {"labels": labels})

    return plant


def at_its_margin(world: World, rng: Rng) -> World:
    """The triplet loss stays at its margin, and the head is no better than its embedding was."""
    world = fitted(world)
    log = world["log"].copy()
    log["loss/metric"] = 0.2 + 0.002 * rng.normal(size=len(log))
    return world | {"log": log, "settings": world["settings"] | {"margin": 0.2, "metric": "triplet"}}


def normalized_apart(by: float) -> Any:
    """Training and evaluation subtract other means."""

    def plant(world: World, rng: Rng) -> World:
        def view(level: float) -> Any:
            return lambda image: np.asarray(image, dtype=np.float32) / 255 / 0.25 - level

        return fitted(world) | {"transforms": {"train": view(2.0), "evaluation": view(2.0 - by)}}

    return plant


def averaged(world: World, rng: Rng) -> World:
    """Weights averaged with .999 over 33 steps: what predicts is the start, and the log still rises."""
    return few_epochs(world, rng) | {
        "settings": world["settings"] | {"averaged_start": 0.999**33, "ema": 0.999, "steps": 33}
    }


def few_epochs(world: World, rng: Rng) -> World:
    """Three epochs: the head has hardly moved, the embedding is mostly what it was at random."""
    noise = 1.5 * world["embeddings"].std() * rng.normal(size=world["embeddings"].shape)
    world = fitted(world | {"embeddings": (world["embeddings"] + noise).astype(np.float32)}, strength=1e-4)
    log = world["log"].iloc[:33].reset_index(drop=True)
    log["epoch"] = np.arange(33) // 11
    falling = 2.5 - 0.02 * np.arange(33) + 0.02 * rng.normal(size=33)
    scores = np.full(33, np.nan)
    scores[10::11] = held_out_f1(world) * np.array([0.5, 0.75, 1.0])
    return world | {"log": log.assign(**{"loss": falling, "loss/joint/ce": falling, "val/macro_f1": scores})}


def pair_dealt_anew(share: float) -> Any:
    """Labels of two classes of ``kind`` are dealt anew among their identities: nothing separates these two."""

    def plant(world: World, rng: Rng) -> World:
        who = world["identities"]
        own = world["labels"]["kind"][np.unique(who, return_index=True)[1]].copy()
        pair = np.flatnonzero((own < 2) & (rng.random(len(own)) < share))
        own[pair] = rng.permutation(own[pair])
        return fitted(world | {"labels": world["labels"] | {"kind": own[who]}})

    return plant


def chosen_by_accuracy(world: World, rng: Rng) -> World:
    """The checkpoint is the best by accuracy, which rises while macro F1 falls."""
    world = fitted(world)
    log, best = world["log"].copy(), held_out_f1(world)
    last = log.groupby("epoch").tail(1).index
    at = np.linspace(0, 1, len(last))
    log.loc[last, "val/macro_f1"] = best + 0.1 * (1 - at) - 0.3 * np.exp(-8 * at)
    log.loc[last, "val/accuracy"] = 0.7 + 0.2 * at
    return ending_above(world, log)


def ending_above(world: World, log: Any) -> World:
    """The world with this log, chosen by accuracy."""
    return world | {"log": log, "settings": {"monitor": "val/accuracy"}}


def _ids(*names: str) -> frozenset[str]:
    return frozenset(names)


NEAR = {"gap": 3.0}
MORE = (
    Kind("one camera for one class", _ids("generalization.shortcut"), tinted(1.0)),
    Kind("mostly one camera for one class", _ids("generalization.shortcut"), tinted(0.9), {}, "mild"),
    Kind("copies of training in validation", _ids("leak.exact"), copied(0.2)),
    Kind("few copies of training in validation", _ids("leak.exact"), copied(0.02), {}, "mild"),
    Kind("near copies in validation", _ids("leak.near"), copied(0.2, 0.5)),
    Kind("few near copies in validation", _ids("leak.near"), copied(0.05, 0.5), {}, "mild"),
    Kind("copies with other labels", _ids("label_errors.copies", "leak.exact"), copied(0.1, 0, True)),
    Kind("identities on both sides", _ids("leak.identity"), both_sides(0.3)),
    Kind("few identities on both sides", _ids("leak.identity"), both_sides(0.04), {}, "mild"),
    Kind("a class of two modes", _ids("sources.head"), two_modes),
    Kind("wrong labels in one class", _ids("label_errors.wrong"), in_one_class(0.35)),
    Kind("some wrong labels in one class", _ids("label_errors.wrong"), in_one_class(0.15), {}, "mild"),
    Kind("brighter validation", _ids("generalization.images"), brighter_validation(50)),
    Kind("somewhat brighter validation", _ids("generalization.images"), brighter_validation(22), {}, "mild"),
    Kind("embedding at one point", _ids("health.one_point", "health.flat"), collapsed(0.0)),
    Kind("embedding nearly at one point", _ids("health.one_point"), collapsed(0.2), {}, "mild"),
    Kind("forty hubs", _ids("sources.neighbors"), hubs(40), {"dimensions": 64, "gap": 3.0}),
    Kind("labels one row too low", _ids("signal.shifted"), one_row_down),
    Kind("mirrored where sides matter", _ids("information.lost"), flipped),
    Kind("learning rate too large", _ids("generalization.diverged"), too_fast),
    Kind("an attribute made from another", _ids("setup.derived_labels"), derived),
    Kind("twelve identities held out", _ids("resolution.too_coarse", "rare.classes"), few_held_out(12), NEAR),
    Kind("thirty identities held out", _ids("resolution.too_coarse"), few_held_out(30), NEAR, "mild"),
    Kind("one identity holds two thirds of a class", _ids("rare.one_identity"), one_holds(0.66)),
    Kind("one identity holds 40 % of a class", _ids("rare.one_identity"), one_holds(0.4), {}, "mild"),
    Kind("triplet loss at its margin", _ids("floors.margin"), at_its_margin),
    Kind("other normalization in evaluation", _ids("views.normalize"), normalized_apart(2.0)),
    Kind("slightly other normalization", _ids("views.normalize"), normalized_apart(0.4), {}, "mild"),
    Kind("averaged weights are the start", _ids("setup.average"), averaged),
    Kind("three epochs", _ids("generalization.underfit"), few_epochs),
    Kind("two classes dealt anew", _ids("overlap.classes"), pair_dealt_anew(1.0)),
    Kind("two classes mostly dealt anew", _ids("overlap.classes"), pair_dealt_anew(0.8), {}, "mild"),
    Kind("chosen by accuracy", _ids("basics.checkpoint"), chosen_by_accuracy),
)
