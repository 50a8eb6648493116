"""Probabilities that mean what they say: temperature calibration on held-out identities, and its error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Doubles, Ints
from metric_face.errors import ArgumentError
from metric_face.fold_assignment import identity_folds
from metric_face.metrics.f1 import as_codes, as_labels
from metric_face.probabilities import softmax

_FLOORS = (1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 3e-2)
_STEPS = 60  # of Newton's method, which needs about six


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in bins of equally many answers.

    Attributes:
        confidence: (bins,) mean confidence.
        accuracy: (bins,) share of correct answers.
        counts: (bins,) answers.
        error: expected calibration error: the mean of |accuracy - confidence| over answers.
    """

    confidence: Doubles
    accuracy: Doubles
    counts: Ints
    error: float


@dataclass(frozen=True)
class Calibration:
    """How to turn the probabilities of one classifier into calibrated ones.

    Attributes:
        temperature: log probabilities are divided by it; above 1 where the classifier was too sure.
        floor: share given to a class without votes, before the division; few votes do not prove a zero.
        error_before: expected calibration error of the probabilities as given.
        error_after: the same after calibration, each identity calibrated by the others.
        num_identities: identities it was fitted on.
    """

    temperature: float
    floor: float
    error_before: float
    error_after: float
    num_identities: int

    @property
    def helps(self) -> bool:
        """Whether identities that it was not fitted on had a smaller error with it than without."""
        return self.error_after < self.error_before

    def apply(self, probabilities: ArrayLike) -> Doubles:
        """Calibrate (N, C) probabilities; rows sum to 1 and the winning class stays the winner."""
        return _tempered(_logs(_as_probabilities(probabilities), self.floor), self.temperature)


def calibrate(
    probabilities: ArrayLike, y_true: ArrayLike, identities: ArrayLike, *, folds: int = 5, seed: int = 0
) -> Calibration:
    """Fit a temperature (and a floor) on identities that the classifier has not seen.

    Args:
        probabilities: (N, C) of held-out items; a row of zeros counts as "no idea".
        y_true: (N,) their classes.
        identities: (N,) their identities, so that the reported error is of identities not fitted on.
        folds: of identities, for that error.
        seed: of the folds.

    Returns:
        The calibration, fitted on all rows, and its error across folds.

    Raises:
        ArgumentError: shapes disagree, a probability is negative, or there are fewer than two identities.

    Reference:
        Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """
    table = _as_probabilities(probabilities)
    true = _check_targets(y_true, table)
    groups = as_codes(identities, len(true))
    size = int(groups.max()) + 1
    if size < 2 or folds < 2:
        raise ArgumentError(
            f"identities and folds must both number at least 2, found {size} and {folds}; hold out more identities"
        )
    folds = min(folds, size)
    fold = identity_folds(groups, folds, true, seed=seed)
    after = np.empty_like(table)
    for number in range(folds):
        held = fold == number
        floor, temperature = _fit(table[~held], true[~held])
        after[held] = _tempered(_logs(table[held], floor), temperature)
    floor, temperature = _fit(table, true)
    return Calibration(temperature, floor, _error_of(table, true), _error_of(after, true), size)


def fit_temperature(logits: ArrayLike, y_true: ArrayLike, sample_weight: Doubles | None = None) -> float:
    """The temperature T that minimizes the mean cross-entropy of softmax(logits / T).

    Args:
        logits: (N, C) scores, or log probabilities.
        y_true: (N,) classes.
        sample_weight: (N,) what each row counts in the mean, not all 0; None counts all alike.

    Returns:
        T, between 0.001 and 1000: the data may prefer no spread at all, or no doubt at all.

    Raises:
        ArgumentError: shapes disagree or a logit is not finite.
    """
    scores = np.asarray(logits, dtype=np.float64)
    if scores.ndim != 2 or not np.isfinite(scores).all():
        raise ArgumentError(f"logits must be (N, C) and finite, found shape {scores.shape}")
    true = _check_targets(y_true, scores)
    scores = scores - scores.max(axis=1, keepdims=True)
    right = scores[np.arange(len(true)), true]
    inverse, low, high = 1.0, 1e-3, 1e3
    for _ in range(_STEPS):  # convex in 1/T: Newton, kept inside a shrinking bracket
        p = softmax(scores * inverse)
        mean = (p * scores).sum(axis=1)
        slope = float(np.average(mean - right, weights=sample_weight))
        bend = float(np.average((p * scores**2).sum(axis=1) - mean**2, weights=sample_weight))
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        following = inverse - slope / bend if bend > 0 else np.nan
        if not low < following < high:
            following = (low * high) ** 0.5
        if abs(following - inverse) < 1e-9 * inverse:
            break
        inverse = following
    return float(1 / inverse)


def reliability(confidence: ArrayLike, correct: ArrayLike, *, bins: int = 15) -> Reliability:
    """Compare confidence with accuracy, in bins of equally many answers.

    Equal counts, because equal widths leave most bins of a good classifier almost empty.

    Args:
        confidence: (N,) probability of the answer given.
        correct: (N,) whether it was right.
        bins: how many, at most N.

    Returns:
        The curve and the expected calibration error.

    Raises:
        ArgumentError: lengths disagree, nothing is given, or a confidence leaves 0..1.
    """
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if sure.ndim != 1 or sure.shape != right.shape or sure.size == 0:
        raise ArgumentError(
            f"confidence and correct must be equally long vectors, found {sure.shape}, {right.shape}"
        )
    if not ((sure >= 0) & (sure <= 1 + 1e-9)).all():
        raise ArgumentError("confidence must lie in 0..1, found a value outside; pass probabilities")
    if bins < 1:
        raise ArgumentError(f"bins must be at least 1, found {bins}")
    # equal confidences share a bin: their order among each other would be chance
    _, inverse, counts = np.unique(sure, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    place = np.minimum((middle * min(bins, sure.size) / sure.size).astype(np.int64), bins - 1)[inverse]
    sizes = np.bincount(place)
    used = sizes > 0
    means = np.bincount(place, weights=sure)[used] / sizes[used]
    shares = np.bincount(place, weights=right)[used] / sizes[used]
    error = float((np.abs(means - shares) * sizes[used]).sum() / sure.size)
    return Reliability(means, shares, sizes[used], error)


def _fit(table: Doubles, true: Ints) -> tuple[float, float]:
    """The floor and temperature of least cross-entropy."""
    best = (np.inf, _FLOORS[0], 1.0)
    for floor in _FLOORS:
        logs = _logs(table, floor)
        temperature = fit_temperature(logs, true)
        loss = -float(np.log(_tempered(logs, temperature)[np.arange(len(true)), true] + 1e-300).mean())
        best = min(best, (loss, floor, temperature))
    return best[1], best[2]


def _error_of(table: Doubles, true: Ints) -> float:
    return reliability(table.max(axis=1), table.argmax(axis=1) == true).error


def _logs(table: Doubles, floor: float) -> Doubles:
    logs: Doubles = np.log(table + floor)
    return logs


def _tempered(logs: Doubles, temperature: float) -> Doubles:
    return softmax(logs / temperature)


def _as_probabilities(probabilities: ArrayLike) -> Doubles:
    table = np.asarray(probabilities, dtype=np.float64)
    if table.ndim != 2 or table.size == 0 or not (table >= 0).all():
        raise ArgumentError(f"probabilities must be (N, C) and not negative, found shape {table.shape}")
    if (table.sum(axis=1) > 1 + 1e-4).any():
        raise ArgumentError(
            f"probabilities must sum to 1 in each row, found {table.sum(axis=1).max():.4g}; normalize"
        )
    return table


def _check_targets(y_true: ArrayLike, table: Doubles) -> Ints:
    true = as_labels(y_true, "y_true")
    if len(true) != len(table):
        raise ArgumentError(f"y_true must be one per row, found {len(true)} for {len(table)} rows")
    if true.min() < 0 or true.max() >= table.shape[1]:
        raise ArgumentError(f"y_true must lie in 0..{table.shape[1] - 1}, found {true.min()}..{true.max()}")
    return true
