"""Intervals of many differences at once: all of them hold together, so that the best of many is not luck.

Of M differences at .95 each, the largest of pure noise leaves out zero far more often than once in twenty. The largest
studentized one, taken from the same resamples of identities, gives one factor for all intervals (Westfall and
Young, "Resampling-Based Multiple Testing", 1993; Romano and Wolf, "Stepwise multiple testing as formalized data
snooping", Econometrica 2005, without the steps). Differences that go together, as those of similar settings do, cost
less than Bonferroni's correction would. For few identities the factor grows as Student's t does over the normal's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Bools, Doubles, Ints
from metric_face.errors import ArgumentError
from metric_face.metrics.intervals import IdentityCounts, Interval, identity_weights, mean_f1
from metric_face.metrics.standard_errors import student

Tally = Callable[[Doubles], Doubles]
"""Weights of identities (B, I) -> the score of each resample (B,)."""


@dataclass(frozen=True)
class Simultaneous:
    """Intervals that hold together.

    Attributes:
        intervals: of the differences, in their order.
        factor: standard errors on each side of a difference; 1.96 would be enough for a single one.
        scores: (tallies,) of all identities.
        draws: (B, tallies) the scores of the resamples.
    """

    intervals: tuple[Interval, ...]
    factor: float
    scores: Doubles
    draws: Doubles


def f1_tally(true: Ints, predicted: Ints, groups: Ints, num_classes: int) -> Tally:
    """Macro F1 of predictions, of which an identity's images are drawn together.

    Args:
        true, predicted: (N,) classes.
        groups: (N,) identities from 0.
        num_classes: C.
    """
    counts = IdentityCounts(true, predicted, groups, num_classes)
    return lambda weights: mean_f1(*counts.totals(weights))


def share_tally(hit: Bools, counted: Bools, groups: Ints) -> Tally:
    """The share of hits among the items that count, such as recall@1; NaN of a resample where none counts.

    Args:
        hit, counted: (N,).
        groups: (N,) identities from 0.
    """
    size = int(groups.max()) + 1
    hits = np.bincount(groups[counted], weights=hit[counted].astype(float), minlength=size)
    items = np.bincount(groups[counted], minlength=size).astype(float)

    def score(weights: Doubles) -> Doubles:
        with np.errstate(invalid="ignore"):
            result: Doubles = (weights @ hits) / (weights @ items)
        return result

    return score


def simultaneous_intervals(
    tallies: Sequence[Tally],
    pairs: ArrayLike,
    identities: int,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Simultaneous:
    """Intervals of differences between scores of the same items, all of which hold with the confidence together.

    Args:
        tallies: the scores.
        pairs: (M, 2) the differences wanted: the first score less the second.
        identities: I, of which resamples are drawn.
        resamples: B.
        confidence: that no interval misses, in (0, 1).
        seed: of the resampling.

    Raises:
        ArgumentError: fewer than 2 identities or resamples, or no pair.
    """
    wanted = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    if not len(wanted):
        raise ArgumentError("pairs must name at least one difference, found none")
    whole = np.ones((1, identities))
    scores = np.array([tally(whole)[0] for tally in tallies])
    draws = np.empty((resamples, len(tallies)))
    for part, weights in identity_weights(identities, resamples, seed, width=64):
        for column, tally in enumerate(tallies):
            draws[part, column] = tally(weights)
    values = scores[wanted[:, 0]] - scores[wanted[:, 1]]
    spread = draws[:, wanted[:, 0]] - draws[:, wanted[:, 1]]
    errors = np.nanstd(spread, axis=0, ddof=1) * np.sqrt(identities / (identities - 1))
    moving = errors > 0
    factor = 0.0
    if moving.any():
        studentized = np.abs(spread - np.nanmean(spread, axis=0))[:, moving] / errors[moving]
        factor = float(np.quantile(np.nanmax(studentized, axis=1), confidence))
    factor *= student(confidence, identities - 1) / student(confidence, np.inf)
    intervals = tuple(
        Interval(
            float(value),
            float(value - factor * error),
            float(value + factor * error),
            float(error),
            confidence,
            identities,
            float((column > 0).mean() + (column == 0).mean() / 2),
        )
        for value, error, column in zip(values, errors, spread.T, strict=True)
    )
    return Simultaneous(intervals, factor, scores, draws)
