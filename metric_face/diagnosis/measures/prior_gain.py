"""The prior that a model carries over from training, and what removing it gives on held-out images."""

from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.measures.resampling import RESAMPLES

DRAWS = 200


@dataclass(frozen=True)
class PriorGain:
    """Class shares of both sides of one attribute, and the gain of using the held-out ones.

    Attributes:
        attribute: which.
        train: (C,) shares in training.
        held_out: (C,) shares in the held-out rows.
        distance: total variation between the two.
        null: 0.99 quantile of that distance where identities are assigned to the sides at random.
        gain: joint macro F1 gained by multiplying the probabilities with ``held_out / train``.
        low: lower end of its interval over identities.
        high: upper end.
    """

    attribute: str
    train: Doubles
    held_out: Doubles
    distance: float
    null: float
    gain: float
    low: float
    high: float


def prior_gain(context: Context, attribute: str) -> PriorGain:
    """Compare the shares of one attribute's classes and remove the training prior.

    Args:
        context: with a split; probabilities are the model's, or else those of the out-of-fold probes.
        attribute: which.

    Returns:
        The shares with their distance, and the gain.
    """
    from metric_face.metrics import bootstrap_interval

    assert context.in_train is not None
    train, held = np.flatnonzero(context.in_train), context.evaluated
    shares = [_shares(context, attribute, rows) for rows in (train, held)]
    chances = (context.probabilities or context.out_of_fold).get(attribute, context.out_of_fold[attribute])[
        held
    ]
    ratio = shares[1] / np.maximum(shares[0], 1e-6)
    mended = {a: context.predicted[a][held] for a in context.attributes}
    mended[attribute] = np.where(
        np.isfinite(chances).all(axis=1), np.nan_to_num(chances * ratio).argmax(axis=1), mended[attribute]
    ).astype(np.int64)
    truth, plain, better = context.joint[held], context.join(context.predicted)[held], context.join(mended)
    codes = np.unique(np.concatenate([truth, better, plain]), return_inverse=True)[1].astype(np.int64)
    truth, better, plain = np.split(codes, 3)
    gain = bootstrap_interval(
        truth, better, context.identities[held], other=plain, resamples=RESAMPLES, seed=context.seed
    )
    distance, null = _distance(context, attribute, train, held)
    return PriorGain(attribute, shares[0], shares[1], distance, null, gain.value, gain.low, gain.high)


def _shares(context: Context, attribute: str, rows: Ints) -> Doubles:
    size = len(context.classes[attribute])
    return np.asarray(np.bincount(context.labels[attribute][rows], minlength=size) / max(len(rows), 1))


def _distance(context: Context, attribute: str, train: Ints, held: Ints) -> tuple[float, float]:
    """Total variation between the sides, and what identities assigned at random to sides of these sizes give."""
    size = len(context.classes[attribute])
    rows = np.concatenate([train, held])
    identity_codes = np.unique(context.identities[rows], return_inverse=True)[1]
    count = int(identity_codes.max()) + 1
    cells = np.bincount(identity_codes * size + context.labels[attribute][rows], minlength=count * size)
    counts = cells.reshape(count, size).astype(np.float64)
    on_held = np.zeros(count, dtype=bool)
    on_held[identity_codes[len(train) :]] = True
    rng = np.random.default_rng([context.seed, 43])
    draws = [_apart(counts, rng.permutation(on_held)) for _ in range(DRAWS)]
    return _apart(counts, on_held), float(np.quantile(draws, 0.99))


def _apart(counts: Doubles, held: np.ndarray) -> float:
    sides = [counts[chosen].sum(axis=0) for chosen in (held, ~held)]
    shares = [side / max(float(side.sum()), 1.0) for side in sides]
    return 0.5 * float(np.abs(shares[0] - shares[1]).sum())
