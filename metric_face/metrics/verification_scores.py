"""verification_metrics: are two images of one identity? ROC, rates at false-accept rates, EER, accuracy over folds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Bools, Doubles, column_of
from metric_face.errors import ArgumentError
from metric_face.metrics.intervals import Interval
from metric_face.metrics.pair_folds import fold_accuracy
from metric_face.metrics.pair_resampling import PairResampling
from metric_face.vectors import group_codes

RATES = (0.1, 0.01, 0.001, 0.0001)
FEWEST_ACCEPTS = 10
"""Impostor pairs that a false-accept rate must allow; fewer would decide by themselves."""
_POINTS = 201


@dataclass(frozen=True)
class VerificationMetrics:
    """How well a similarity tells pairs of one identity from pairs of two.

    Attributes:
        tpr_at_far: false-accept rate -> share of genuine pairs accepted at it, with its interval over identities; only
            rates that allow ten impostor pairs or more.
        abstained: other rates -> why they are not measured.
        thresholds: false-accept rate -> the lowest similarity of a pair that is accepted at it.
        eer: the equal error rate, where as many impostor pairs are accepted as genuine pairs refused.
        auc: area under the ROC.
        accuracy: mean over the folds, each with the threshold that is best on the others; None without folds.
        accuracy_error: standard error of that mean over the folds, as it is published for LFW.
        fold_accuracies, fold_thresholds: of each fold.
        genuine, impostor: how many pairs there are.
        curve: false-accept and true-positive rates, 201 points, evenly on a logarithmic scale.
    """

    tpr_at_far: Mapping[str, Interval]
    abstained: Mapping[str, str]
    thresholds: Mapping[str, float]
    eer: Interval
    auc: Interval
    accuracy: Interval | None
    accuracy_error: float | None
    fold_accuracies: tuple[float, ...]
    fold_thresholds: tuple[float, ...]
    genuine: int
    impostor: int
    curve: tuple[tuple[float, float], ...] = field(repr=False)


def verification_metrics(
    similarities: ArrayLike,
    same: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    folds: ArrayLike | None = None,
    rates: Sequence[float] = RATES,
    resamples: int = 1000,
    seed: int = 0,
) -> VerificationMetrics:
    """Measure verification on pairs.

    A pair is accepted where its similarity reaches a threshold; a false-accept rate never exceeds what is named, and
    pairs of one similarity are accepted together.

    Args:
        similarities: (P,) of the pairs, greater for nearer.
        same: (P,) whether both images are of one identity.
        first, second: (P,) the identities of both images, integers or strings, for the intervals.
        folds: (P,) the fold of each pair; default none, and no accuracy.
        rates: false-accept rates.
        resamples: for the intervals; fewer are drawn of very many pairs.
        seed: of the resampling.

    Returns:
        The rates, with intervals over identities.

    Raises:
        ArgumentError: lengths disagree, a similarity is not finite, a rate is out of range, there is no genuine or no
            impostor pair, or fewer than two folds.

    Reference:
        Huang et al.: Labeled Faces in the Wild, UMass TR 07-49, 2007 (accuracy over ten folds); ISO/IEC 19795-1.
    """
    near = np.asarray(similarities, dtype=np.float64)
    truth = np.asarray(same)
    if near.ndim != 1 or truth.shape != near.shape or truth.dtype.kind not in "bui":
        raise ArgumentError(
            "similarities and same must be vectors of one length, the second of booleans, found "
            f"{near.shape} and {truth.shape} {truth.dtype}"
        )
    truth = truth.astype(bool)
    if not np.isfinite(near).all():
        raise ArgumentError("similarities must be finite, found nan or infinity; leave such pairs out")
    if not truth.any() or truth.all():
        raise ArgumentError(
            f"same must hold genuine and impostor pairs, found {truth.sum():,} and {(~truth).sum():,}; give both"
        )
    for rate in rates:
        if not 0 < rate < 1:
            raise ArgumentError(f"rates must lie between 0 and 1, found {rate}")
    for name, values in (("first", first), ("second", second)):
        if column_of(values).shape != near.shape:
            raise ArgumentError(
                f"{name} must hold an identity for each pair, found shape {column_of(values).shape}"
            )
    codes = group_codes(first, second)
    impostors = int((~truth).sum())
    reported = [rate for rate in rates if rate * impostors >= FEWEST_ACCEPTS - 1e-9]
    roc = _Roc(near, truth)
    folded = None if folds is None else fold_accuracy(near, truth, folds)

    def statistic(weights: Doubles) -> Doubles:
        false_accepts, accepts = roc.rates(weights)
        values = [area_under(false_accepts, accepts), equal_error_rate(false_accepts, accepts)]
        values += [float(accepts[_last_within(false_accepts, rate)]) for rate in reported]
        if folded is not None:
            total = weights.sum()
            values.append(float(weights @ folded.right / total) if total else np.nan)
        return np.array(values)

    intervals = PairResampling(codes[0], codes[1], resamples=resamples, seed=seed).intervals(statistic)
    plain = roc.rates(np.ones(len(near)))
    return VerificationMetrics(
        {f"{rate:g}": one for rate, one in zip(reported, intervals[2:], strict=False)},
        {
            f"{rate:g}": (
                f"{impostors:,} impostor pairs; it takes {int(np.ceil(FEWEST_ACCEPTS / rate - 1e-9)):,}"
            )
            for rate in rates
            if rate not in reported
        },
        {f"{rate:g}": roc.threshold(_last_within(plain[0], rate)) for rate in reported},
        intervals[1],
        intervals[0],
        None if folded is None else intervals[-1],
        None if folded is None else folded.error,
        () if folded is None else folded.accuracies,
        () if folded is None else folded.thresholds,
        int(truth.sum()),
        impostors,
        _curve(*plain, impostors),
    )


class _Roc:
    """Rates at each similarity as a threshold, under weights of the pairs."""

    def __init__(self, near: Doubles, same: Bools) -> None:
        levels, at = np.unique(-near, return_inverse=True)
        self._levels = -levels
        pairs = np.flatnonzero(~same), np.flatnonzero(same)
        self._sides = [(rows, at[rows].astype(np.int64)) for rows in pairs]  # impostor, genuine

    def rates(self, weights: Doubles) -> tuple[Doubles, Doubles]:
        """False-accept and true-positive rates (T + 1,), from above every similarity to the lowest."""
        size = len(self._levels)
        rates = []
        for rows, at in self._sides:
            counts = np.bincount(at, weights[rows], minlength=size).cumsum()
            with np.errstate(invalid="ignore"):
                rates.append(np.concatenate([[0.0], counts]) / (counts[-1] or np.nan))
        return rates[0], rates[1]

    def threshold(self, point: int) -> float:
        """The lowest similarity that is accepted at a point of the rates."""
        return float(self._levels[point - 1]) if point else float("inf")


def area_under(false_accepts: Doubles, accepts: Doubles) -> float:
    """The area under an ROC: the chance that a genuine pair is more similar than an impostor pair, ties half."""
    return float(np.sum(np.diff(false_accepts) * (accepts[1:] + accepts[:-1]) / 2))


def equal_error_rate(false_accepts: Doubles, accepts: Doubles) -> float:
    """Where an ROC, straight between its points, has as many false accepts as false rejects; NaN without rates."""
    surplus = 1 - accepts - false_accepts  # falls from 1 to -1
    after = int(np.argmax(surplus <= 0))
    if np.isnan(surplus[-1]) or after == 0:
        return float("nan")
    step = surplus[after - 1] / (surplus[after - 1] - surplus[after])
    return float(false_accepts[after - 1] + step * (false_accepts[after] - false_accepts[after - 1]))


def _last_within(false_accepts: Doubles, rate: float) -> int:
    """The last point of an ROC whose false-accept rate does not exceed a rate."""
    return max(int(np.searchsorted(false_accepts, rate + 1e-12, side="right")) - 1, 0)


def _curve(false_accepts: Doubles, accepts: Doubles, impostors: int) -> tuple[tuple[float, float], ...]:
    grid = np.geomspace(1 / impostors, 1, _POINTS) if impostors > 1 else np.ones(1)
    return tuple((float(rate), float(accepts[_last_within(false_accepts, rate)])) for rate in grid)
