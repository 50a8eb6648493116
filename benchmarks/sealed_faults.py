"""Ten kinds of fault written before any rule was tuned, and run once: results/sealed_faults.md is that run.

No test and no other benchmark uses them. ``python -m benchmarks.sealed_faults`` runs them and their twins.
"""

import numpy as np

from benchmarks.fault_worlds import Kind, World, arguments, ending_at, fitted, held_out_f1
from benchmarks.harness import machine, publish, table
from metric_face import diagnose


def memorizing_head(world: World, rng: np.random.Generator) -> World:
    """A nearest-neighbor head among noisy copies: every training row is right, held-out rows are near chance."""
    noise = 3.0 * rng.normal(size=world["embeddings"].shape).astype(np.float32)
    world = world | {"embeddings": world["embeddings"] + noise}
    world = fitted(world, strength=1e3)
    train = world["split"] == "train"
    for name, chances in world["probabilities"].items():
        chances[train] = (
            0.98 * np.eye(chances.shape[1])[world["labels"][name][train]] + 0.02 / chances.shape[1]
        )
    return world


def blurred_class(world: World, rng: np.random.Generator) -> World:
    """One class of ``kind`` is blurred in training; the head reads the blur; validation is blurred at random."""
    images, kind = world["images"].copy(), world["labels"]["kind"]
    train = world["split"] == "train"
    blurred = np.where(train, (kind == 0) ^ (rng.random(len(kind)) < 0.04), rng.random(len(kind)) < 0.4)
    soft = images.reshape(len(images), 4, 4, 4, 4, 3).mean(axis=(2, 4))
    images[blurred] = np.repeat(np.repeat(soft, 4, axis=1), 4, axis=2)[blurred].astype(np.uint8)
    vectors = world["embeddings"].copy()
    vectors[:, 0] += 12 * (blurred - 0.5)
    return fitted(world | {"images": images, "embeddings": vectors}, strength=1.0)


def reversed_shares(world: World, rng: np.random.Generator) -> World:
    """Validation holds the classes in the reverse of training's shares, and they are hard to separate."""
    kind, who = world["labels"]["kind"], world["identities"]
    own = np.array([kind[who == one][0] for one in range(who.max() + 1)])
    held = rng.random(len(own)) < np.array([0.08, 0.4, 0.8])[own]
    return fitted(world | {"split": np.where(held[who], "val", "train")})


def dead_attribute(world: World, rng: np.random.Generator) -> World:
    """A third attribute that no image shows: written by coin for each identity."""
    who = world["identities"]
    written = rng.integers(0, 2, who.max() + 1)[who]
    return fitted(world | {"labels": world["labels"] | {"mood": written}})


def labels_one_row_down(world: World, rng: np.random.Generator) -> World:
    """A table sorted once more: every label belongs to another image."""
    order = rng.permutation(len(world["identities"]))
    labels = {name: values[order] for name, values in world["labels"].items()}
    return fitted(world | {"labels": labels})


def exchanged_rare_classes(world: World, rng: np.random.Generator) -> World:
    """Most labels of two rare classes were exchanged by whoever labeled validation."""
    kind = world["labels"]["kind"].copy()
    who = world["identities"]
    wrong = (world["split"] == "val") & np.isin(kind, (2, 3)) & (rng.random(who.max() + 1) < 0.65)[who]
    taught = world["labels"]
    kind[wrong] = 5 - kind[wrong]
    return fitted(
        world | {"labels": taught | {"kind": kind}, "planted": np.flatnonzero(wrong)}, labels=taught
    )


def stale_logits(world: World, rng: np.random.Generator) -> World:
    """The stored logits are of an early epoch: the log's best is far above them."""
    good = fitted(world)
    best = held_out_f1(good)
    early = {a: p + 2.2 * rng.gumbel(size=p.shape) * p.max() for a, p in good["probabilities"].items()}
    early = {a: np.exp(p) / np.exp(p).sum(axis=1, keepdims=True) for a, p in early.items()}
    return good | {"probabilities": early, "log": ending_at(good["log"], best)}


def lost_bias(world: World, rng: np.random.Generator) -> World:
    """A head whose bias was overwritten: it prefers one class wherever the evidence is not overwhelming."""
    good = fitted(world)
    chances = {}
    for name, p in good["probabilities"].items():
        shifted = np.log(np.maximum(p, 1e-9))
        shifted[:, 0] += 6.0
        chances[name] = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    good = good | {"probabilities": chances}
    return good | {"log": ending_at(good["log"], held_out_f1(good))}


def exploded_loss(world: World, rng: np.random.Generator) -> World:
    """Half way the loss jumps by orders of magnitude and never returns; the head is as it was left."""
    world = fitted(world, strength=1e-5)
    log = world["log"].copy()
    after = np.arange(len(log)) > len(log) // 2
    for column in ("loss", "loss/joint/ce"):
        log.loc[after, column] = np.exp(rng.normal(6, 1.5, int(after.sum())))
    log.loc[after, "update_ratio"] = 0.3
    return world | {"log": log}


def many_tiny_classes(world: World, rng: np.random.Generator) -> World:
    """Nothing to plant: five of eight classes have six identities each, near a large one, and are never predicted."""
    rare = np.flatnonzero(world["labels"]["kind"] >= 3)
    vectors = world["embeddings"].copy()
    large = np.flatnonzero(world["labels"]["kind"] == 0)
    vectors[rare] = 0.8 * vectors[rng.choice(large, len(rare))] + 0.2 * vectors[rare]
    return fitted(world | {"embeddings": vectors.astype(np.float32)})


SEALED = (
    Kind("head memorized noise", frozenset({"generalization.overfit"}), memorizing_head),
    Kind("one class blurred in training", frozenset({"generalization.shortcut"}), blurred_class),
    Kind(
        "validation in reversed shares",
        frozenset({"generalization.prior"}),
        reversed_shares,
        {"shares": (0.7, 0.2, 0.1), "gap": 2.0, "identities": 500},
    ),
    Kind("dead third attribute", frozenset({"signal.none"}), dead_attribute),
    Kind("labels of other rows", frozenset({"signal.none"}), labels_one_row_down),
    Kind(
        "rare classes exchanged in validation",
        frozenset({"label_errors.exchanged", "label_errors.swapped", "label_errors.wrong"}),
        exchanged_rare_classes,
        {"shares": (0.5, 0.3, 0.1, 0.1), "identities": 360},
    ),
    Kind("stored logits of an early epoch", frozenset({"sources.log"}), stale_logits),
    Kind("overwritten bias", frozenset({"sources.head"}), lost_bias),
    Kind("loss exploded", frozenset({"generalization.diverged"}), exploded_loss),
    Kind(
        "five tiny classes beside a large one",
        frozenset({"rare.classes"}),
        many_tiny_classes,
        {"shares": (0.4, 0.3, 0.2, 0.02, 0.02, 0.02, 0.02, 0.02), "identities": 300},
    ),
)


def main() -> None:
    rows, right, false = [], 0, 0
    for kind in SEALED:
        ids = [f.id for f in diagnose(**arguments(kind.make(0))).findings]
        twin = [f.id for f in diagnose(**arguments(kind.twin(0))).findings]
        place = next((at for at, one in enumerate(ids, 1) if one in kind.found_as), None)
        right, false = right + (place == 1), false + len(twin)
        rows.append(
            (
                kind.name,
                " or ".join(sorted(kind.found_as)),
                place or "-",
                ", ".join(ids) or "-",
                ", ".join(twin) or "-",
            )
        )
        print(*rows[-1], sep=" | ", flush=True)
    head = ("kind", "should be found as", "place", "findings", "findings on the twin")
    note = f"First finding right: {right} of {len(SEALED)}. Findings on the twins: {false}."
    section = f"## Sealed kinds, run once\n\n{table(head, rows)}\n\n{note}"
    title = "Sealed faults: kinds written before the rules"
    publish(
        "sealed_faults",
        title,
        "python -m benchmarks.sealed_faults",
        machine("numpy", "scikit-learn"),
        [section],
    )


if __name__ == "__main__":
    main()
