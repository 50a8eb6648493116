"""F1 of every joint class, with the identities it rests on."""

from dataclasses import dataclass

import numpy as np

from metric_face.diagnosis.context import Context

FEWEST_IN_TRAINING = 20
"""Identities in training below which a class is rare."""
FEWEST_WITHOUT_SPLIT = 20


@dataclass(frozen=True)
class ClassScore:
    """One joint class of the evaluated rows.

    Attributes:
        code: its joint code.
        name: of its classes.
        f1: its F1.
        identities: with an evaluated image of it.
        images: evaluated images.
        in_training: identities with a training image of it; None without a split.
        classes: how many classes macro F1 is the mean of.
    """

    code: int
    name: str
    f1: float
    identities: int
    images: int
    in_training: int | None
    classes: int


def class_scores(context: Context) -> list[ClassScore]:
    """Score the joint classes that the evaluated rows hold or are predicted to be, by their code."""
    from metric_face.metrics import f1_per_class

    rows = context.evaluated
    truth, guess = context.joint[rows], context.join(context.predicted)[rows]
    codes, both = np.unique(np.concatenate([truth, guess]), return_inverse=True)
    scores = f1_per_class(both[: len(rows)], both[len(rows) :], len(codes))
    train = None if context.in_train is None else np.flatnonzero(context.in_train)
    found = []
    for code, score in zip(codes, scores, strict=True):
        mine = rows[truth == code]
        shown = None
        if train is not None:
            shown = len(np.unique(context.identities[train[context.joint[train] == code]]))
        identities = len(np.unique(context.identities[mine]))
        name = context.joint_name(int(code))
        found.append(ClassScore(int(code), name, float(score), identities, len(mine), shown, len(codes)))
    return found


def is_rare(one: ClassScore) -> bool:
    """Whether a class has too few identities to be learned; without a split, too few among the evaluated rows.

    A class that training holds and validation lacks is measured badly, not learned badly: the resolution question's.
    """
    if one.in_training is not None:
        return one.in_training < FEWEST_IN_TRAINING
    return one.identities < FEWEST_WITHOUT_SPLIT


def missing(scores: list[ClassScore]) -> float:
    """What the classes lack to a perfect score, as macro F1 of the whole counts it."""
    return sum((1 - one.f1) / one.classes for one in scores)
