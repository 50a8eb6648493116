"""Training against held-out: macro F1 on both sides of the split, from the predictions of one model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.measures.resampling import RESAMPLES

FEWEST_IDENTITIES_A_SIDE = 10
MOST_TRAIN_ROWS = 20_000


@dataclass(frozen=True)
class SplitGap:
    """Macro F1 of one attribute, or of the joint class, on both sides.

    Attributes:
        name: the attribute; ``joint`` for the joint class.
        train: macro F1 of the training rows.
        held_out: macro F1 of the held-out rows.
        low: lower end of the 95 % interval of ``train - held_out``, over identities of both sides.
        high: upper end.
    """

    name: str
    train: float
    held_out: float
    low: float
    high: float

    @property
    def gap(self) -> float:
        """``train - held_out``."""
        return self.train - self.held_out


def predicted_training_rows(context: Context) -> Ints:
    """Training rows with a prediction of the model for every attribute; empty without predictions or split."""
    if context.predictions is None or context.in_train is None:
        return np.empty(0, dtype=np.int64)
    known = context.in_train.copy()
    for attribute in context.attributes:
        known &= context.predictions[attribute] >= 0
    return np.flatnonzero(known)


def split_gaps(context: Context) -> list[SplitGap]:
    """Compare both sides for the joint class and for each attribute.

    Classes that only one side holds are left out on both, so that a class missing from validation is no gap.

    Args:
        context: with the model's predictions of training rows and of held-out rows.

    Returns:
        The joint class first; empty where either side has fewer than 10 identities.
    """
    train, held = predicted_training_rows(context), context.evaluated
    if context.in_held_out is None or not context.attributes:
        return []
    if len(train) > MOST_TRAIN_ROWS:
        train = np.sort(np.random.default_rng([context.seed, 31]).permutation(train)[:MOST_TRAIN_ROWS])
    sides = [len(np.unique(context.identities[rows])) for rows in (train, held)]
    if min(sides) < FEWEST_IDENTITIES_A_SIDE:
        return []
    both = [("joint", context.joint, context.join(context.predicted))]
    both += [(a, context.labels[a], context.predicted[a]) for a in context.attributes]
    found = [_gap(context, name, truth, guess, train, held) for name, truth, guess in both]
    return found if len(context.attributes) > 1 else [found[0]]


def gap_of_others(context: Context, left_out: Sequence[int]) -> float:
    """Mean F1 of the joint classes that are not left out, in training less held out.

    Args:
        context: with predictions of both sides.
        left_out: joint codes.

    Returns:
        The difference over classes that both sides hold; infinite where none is left.
    """
    from metric_face.metrics import f1_per_class

    guess = context.join(context.predicted)
    sides, means = (predicted_training_rows(context), context.evaluated), []
    shared = np.intersect1d(context.joint[sides[0]], context.joint[sides[1]])
    kept = np.setdiff1d(shared, np.asarray(left_out, dtype=np.int64))
    if not len(kept):
        return float("inf")
    codes, numbers = np.unique(np.concatenate([context.joint, guess]), return_inverse=True)
    truth, predicted = np.split(numbers.astype(np.int64), 2)
    for rows in sides:
        scores = f1_per_class(truth[rows], predicted[rows], len(codes))
        means.append(float(scores[np.isin(codes, kept)].mean()))
    return means[0] - means[1]


def _gap(context: Context, name: str, truth: Ints, guess: Ints, train: Ints, held: Ints) -> SplitGap:
    from metric_face.metrics import bootstrap_interval

    shared = np.intersect1d(truth[train], truth[held])
    ends = []
    for rows in (train, held):
        kept = rows[np.isin(truth[rows], shared)]
        codes = np.unique(np.concatenate([truth[kept], guess[kept]]), return_inverse=True)[1].astype(np.int64)
        ends.append(
            bootstrap_interval(
                codes[: len(kept)],
                codes[len(kept) :],
                context.identities[kept],
                resamples=RESAMPLES,
                seed=context.seed,
            )
        )
    gap = ends[0].value - ends[1].value
    low = gap - float(np.hypot(ends[0].value - ends[0].low, ends[1].high - ends[1].value))
    high = gap + float(np.hypot(ends[0].high - ends[0].value, ends[1].value - ends[1].low))
    return SplitGap(name, ends[0].value, ends[1].value, low, high)
