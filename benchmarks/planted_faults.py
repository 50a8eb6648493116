"""The fifteen faults, each planted in an otherwise clean training."""

import numpy as np

from benchmarks.fault_scenarios import BATCH_IMAGES, BATCH_SHARE, Fault, Run, joint, transforms


def easy_end(run: Run, rng: np.random.Generator) -> Run:
    """A sampler that deals classes out until fewer than P are left: the epoch ends in the large ones."""
    rows = np.flatnonzero(run["split"] == "train")
    classes = joint(run["labels"])
    epochs = []
    for _ in run["batches"]:
        wanted = max(2, round(BATCH_SHARE * len(np.unique(classes[rows]))))
        left = {c: list(rng.permutation(rows[classes[rows] == c])) for c in np.unique(classes[rows])}
        epoch = []
        while True:
            able = [c for c, items in left.items() if len(items) >= BATCH_IMAGES]
            if not able:
                break
            drawn = rng.choice(able, min(wanted, len(able)), replace=False)
            epoch.append(np.array([left[c].pop() for c in drawn for _ in range(BATCH_IMAGES)]))
        epochs.append(epoch)
    return run | {"batches": epochs, "promised": len(epochs[0])}


def half_unseen(run: Run, rng: np.random.Generator) -> Run:
    """A sampler built on half of the training images."""
    rows = np.flatnonzero(run["split"] == "train")
    hidden = rng.permutation(rows)[: len(rows) // 2]
    shown = np.setdiff1d(rows, hidden)
    # Each hidden image is replaced by a shown one of its class, so that batches keep their shape and mix.
    classes = joint(run["labels"])
    stand_in = np.arange(len(classes))
    for c in np.unique(classes[rows]):
        pool = shown[classes[shown] == c]
        mine = hidden[classes[hidden] == c]
        stand_in[mine] = rng.choice(pool, len(mine))
    return run | {"batches": [[stand_in[batch] for batch in epoch] for epoch in run["batches"]]}


def f1_floor(run: Run, rng: np.random.Generator) -> Run:
    """A soft F1 that counts the classes a batch does not hold."""
    log = run["log"].copy()
    classes = joint(run["labels"])
    present = np.mean([len(np.unique(classes[batch])) for batch in run["batches"][0]])
    floor = 1 - present / len(np.unique(classes))
    log["loss/joint/f1"] = floor + 0.01 * np.abs(rng.normal(size=len(log)))
    return run | {"log": log}


def frozen_rate(run: Run, rng: np.random.Generator) -> Run:
    """A scheduler of another optimizer: the plan is a cosine, the rate applied stays at 1e-6."""
    log = run["log"].copy()
    log["lr"] = 1e-6
    log["update_ratio"] = 1e-6 * np.exp(0.2 * rng.normal(size=len(log)))
    return run | {"log": log}


def no_test_crop(run: Run, rng: np.random.Generator) -> Run:
    """Training crops the middle, evaluation does not."""
    return run | {"transforms": transforms(crop_in_evaluation=False)}


def identity_leak(run: Run, rng: np.random.Generator) -> Run:
    """Images are split at random, seven of an identity."""
    split = np.where(rng.random(len(run["identities"])) < 0.2, "val", "train")
    return run | {"split": split, "batches": None, "promised": None}


def near_copies(run: Run, rng: np.random.Generator) -> Run:
    """A twentieth of the validation identities are training identities again, under another name, saved once more."""
    run = run | {
        "embeddings": run["embeddings"].copy(),
        "labels": {k: v.copy() for k, v in run["labels"].items()},
    }
    ages = run["raw_values"]["age"].copy()
    identities = run["identities"]
    held = np.unique(identities[run["split"] == "val"])
    trained = np.unique(identities[run["split"] == "train"])
    chosen = rng.choice(held, max(4, len(held) // 20), replace=False)
    for copy, original in zip(chosen, rng.choice(trained, len(chosen), replace=False), strict=True):
        here, there = np.flatnonzero(identities == copy), np.flatnonzero(identities == original)
        spread = 0.02 / np.sqrt(run["embeddings"].shape[1])
        run["embeddings"][here] = run["embeddings"][there] + spread * rng.normal(
            size=run["embeddings"][here].shape
        )
        for values in (*run["labels"].values(), ages):
            values[here] = values[there]
    return run | {"raw_values": {"age": ages}}


def wrong_gender(run: Run, rng: np.random.Generator) -> Run:
    """3 % of the identities with the wrong gender on all their images."""
    identities = run["identities"]
    chosen = rng.choice(identities.max() + 1, round(0.03 * (identities.max() + 1)), replace=False)
    wrong = np.isin(identities, chosen)
    gender = np.where(wrong, 1 - run["labels"]["gender"], run["labels"]["gender"])
    return run | {"labels": run["labels"] | {"gender": gender}, "planted": np.flatnonzero(wrong)}


def wrong_gender_of_images(run: Run, rng: np.random.Generator) -> Run:
    """3 % of the images with the wrong gender."""
    wrong = rng.random(len(run["identities"])) < 0.03
    gender = np.where(wrong, 1 - run["labels"]["gender"], run["labels"]["gender"])
    return run | {"labels": run["labels"] | {"gender": gender}, "planted": np.flatnonzero(wrong)}


def swapped_masks(run: Run, rng: np.random.Generator) -> Run:
    """5 % of the identities with "incorrect" and "not worn" exchanged."""
    identities, mask = run["identities"], run["labels"]["mask"]
    chosen = rng.choice(identities.max() + 1, round(0.05 * (identities.max() + 1)), replace=False)
    wrong = np.isin(identities, chosen) & (mask > 0)
    return run | {
        "labels": run["labels"] | {"mask": np.where(wrong, 3 - mask, mask)},
        "planted": np.flatnonzero(wrong),
    }


def moved_cut(run: Run, rng: np.random.Generator) -> Run:
    """Validation labels cut at 29 and 57."""
    ages = run["raw_values"]["age"]
    moved = (ages >= 29).astype(np.int64) + (ages >= 57)
    age = np.where(run["split"] == "val", moved, run["labels"]["age"])
    return run | {"labels": run["labels"] | {"age": age}}


def opposed_losses(run: Run, rng: np.random.Generator) -> Run:
    """kappa turns negative, and both losses together do worse than the head alone."""
    log = run["log"].copy()
    for column, shift in (
        ("kappa", -0.6),
        ("low", -0.6),
        ("high", -0.6),
        ("tangential", -0.6),
        ("raw", -0.08),
    ):
        log[f"conflict/{column}"] += shift
    return run | {"log": log, "runs": run["runs"] | {"both": list(rng.normal(0.71, 0.006, 3))}}


def collapsed(run: Run, rng: np.random.Generator) -> Run:
    """Everything on two directions, and a little noise."""
    width = run["embeddings"].shape[1]
    plane = np.linalg.qr(rng.normal(size=(width, 2)))[0]

    def flatten(vectors: np.ndarray) -> np.ndarray:
        return (vectors @ plane @ plane.T + 1e-3 * rng.normal(size=vectors.shape)).astype(np.float32)

    return run | {"embeddings": flatten(run["embeddings"]), "unlabeled": flatten(run["unlabeled"])}


FAULTS = (
    Fault("epoch ends in easy classes", frozenset({"epoch.drift"}), easy_end),
    Fault("half the images never visited", frozenset({"epoch.unseen"}), half_unseen),
    Fault("soft F1 at its floor", frozenset({"floors.absent"}), f1_floor),
    Fault("learning rate frozen", frozenset({"basics.learning_rate", "basics.frozen"}), frozen_rate),
    Fault("test-time crop missing", frozenset({"views.crop"}), no_test_crop),
    Fault("identity leak", frozenset({"leak.identity"}), identity_leak),
    Fault("near-duplicate leak", frozenset({"leak.near"}), near_copies),
    Fault("3 % labels flipped (gender)", frozenset({"label_errors.wrong"}), wrong_gender),
    Fault("mask labels of some identities swapped", frozenset({"label_errors.swapped"}), swapped_masks),
    Fault("boundary moved on validation", frozenset({"boundary.moved"}), moved_cut),
    Fault("prior shift in test", frozenset({"shift.prior"}), build={"old_in_test": 0.25}),
    Fault("two classes made identical", frozenset({"overlap.classes"}), build={"same_masks": True}),
    Fault("opposed losses", frozenset({"conflict.opposed"}), opposed_losses),
    Fault("collapsed embedding", frozenset({"health.flat", "health.one_point"}), collapsed),
    Fault("validation too small to tell", frozenset({"resolution.too_coarse"}), build={"held_out": 0.02}),
)
LABEL_FAULTS = (
    ("3 % of identities, gender", "gender", wrong_gender),
    ("3 % of images, gender", "gender", wrong_gender_of_images),
    ("5 % of identities, masks swapped", "mask", swapped_masks),
)
