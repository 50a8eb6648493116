"""Doing what "do next" says, where it can be done on features, with what it gives in held-out macro F1.

Scores are those that the user sees, with the labels as the table then has them. Somebody who looks at the images named
corrects those that are wrong and leaves the others; the remedy knows nothing else than what the finding says.
"""

from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.fault_worlds import World, fitted, held_out_f1, restyled
from metric_face.diagnosis.finding import Finding

Remedy = Callable[[World, Finding], World]


def carried_out(world: World, finding: Finding) -> tuple[float, float] | None:
    """Macro F1 before and after the remedy; None where it cannot be carried out on features."""
    remedy = REMEDIES.get(finding.id)
    if remedy is None:
        return None
    return held_out_f1(world), held_out_f1(remedy(world, finding))


def _train_again(world: World, finding: Finding) -> World:
    return fitted(world)


def _regularize(world: World, finding: Finding) -> World:
    return fitted(world, strength=0.003)


def _corrected(world: World, finding: Finding) -> World:
    """The rows that are named get their true label, on both sides."""
    truth, labels = world.get("truth", world["labels"]), {a: v.copy() for a, v in world["labels"].items()}
    for a, values in labels.items():
        values[finding.rows] = truth[a][finding.rows]
    mended = world | {"labels": labels}
    return mended if finding.id == "label_errors.exchanged" else fitted(mended)


def _one_row_back(world: World, finding: Finding) -> World:
    by = 1 if finding.values["remedy"] == "above" else -1
    return fitted(world | {"labels": {a: np.roll(v, by) for a, v in world["labels"].items()}})


def _without_prior(world: World, finding: Finding) -> World:
    """Probabilities times the ratio of the shares on both sides."""
    a = finding.values["attribute"]
    size = world["probabilities"][a].shape[1]
    sides = [
        np.bincount(world["labels"][a][world["split"] == side], minlength=size) for side in ("train", "val")
    ]
    shares = [side / side.sum() for side in sides]
    chances = world["probabilities"][a] * (shares[1] / np.maximum(shares[0], 1e-6))
    return world | {"probabilities": world["probabilities"] | {a: chances}}


def _varied(world: World, finding: Finding) -> World:
    """Level and tint vary at random among training images: each takes those of another image of either side."""
    rng, train = np.random.default_rng([world["seed"], 3]), np.flatnonzero(world["split"] == "train")
    images = world["images"].astype(np.float64)
    levels = images.mean(axis=(1, 2), keepdims=True)
    taken = images.copy()
    taken[train] += levels[rng.integers(0, len(images), len(train))] - levels[train]
    other = restyled(world, np.clip(taken, 0, 255).astype(np.uint8))
    return fitted(other)


def _balanced(world: World, finding: Finding) -> World:
    """Classes are drawn alike often: a head in which each weighs the same."""
    train = world["split"] == "train"
    chances = {}
    for a, values in world["labels"].items():
        model = LogisticRegression(C=0.05, max_iter=500, class_weight="balanced")
        model.fit(world["embeddings"][train], values[train])
        table = np.zeros((len(values), int(values.max()) + 1))
        table[:, model.classes_] = model.predict_proba(world["embeddings"])
        chances[a] = table
    return world | {"probabilities": chances}


def _among_those_that_occur(world: World, finding: Finding) -> World:
    """The likeliest of the joint classes that some label has."""
    names = list(world["labels"])
    train = world["split"] == "train"
    joint = np.unique(np.column_stack([world["labels"][a][train] for a in names]), axis=0)
    likely = sum(
        np.log(np.maximum(world["probabilities"][a][:, joint[:, at]], 1e-12)) for at, a in enumerate(names)
    )
    best = joint[np.asarray(likely).argmax(axis=1)]
    chances = {a: np.eye(world["probabilities"][a].shape[1])[best[:, at]] for at, a in enumerate(names)}
    return world | {"probabilities": chances}


def _as_it_was(world: World, finding: Finding) -> World:
    return fitted(world | {"embeddings": world["neutral"]})


def _centered(world: World, finding: Finding) -> World:
    """A batch norm before the head."""
    vectors = world["embeddings"] - world["embeddings"].mean(axis=0)
    return fitted(
        world | {"embeddings": (vectors / np.maximum(vectors.std(axis=0), 1e-6)).astype(np.float32)}
    )


def _by_neighbors(world: World, finding: Finding) -> World:
    """The reader that is ahead."""
    from sklearn.neighbors import KNeighborsClassifier

    if finding.values["winner"] != "knn":
        return fitted(world)
    train, chances = world["split"] == "train", {}
    for a, values in world["labels"].items():
        model = KNeighborsClassifier(10).fit(world["embeddings"][train], values[train])
        chances[a] = np.eye(int(values.max()) + 1)[model.predict(world["embeddings"])]
    return world | {"probabilities": chances}


REMEDIES: dict[str, Remedy] = {
    "generalization.overfit": _regularize,
    "generalization.underfit": _train_again,
    "generalization.diverged": _train_again,
    "setup.average": _train_again,
    "sources.head": _by_neighbors,
    "sources.log": _train_again,
    "generalization.prior": _without_prior,
    "generalization.shortcut": _varied,
    "generalization.images": _varied,
    "label_errors.wrong": _corrected,
    "label_errors.exchanged": _corrected,
    "label_errors.swapped": _corrected,
    "label_errors.copies": _corrected,
    "signal.shifted": _one_row_back,
    "rare.classes": _balanced,
    "rare.no_such_class": _among_those_that_occur,
    "setup.derived_labels": _among_those_that_occur,
    "information.lost": _as_it_was,
    "health.one_point": _centered,
    "health.flat": _centered,
}
"""Finding -> what somebody does who follows its advice."""
