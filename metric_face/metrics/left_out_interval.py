"""Intervals of retrieval from its scores without each group of identities, less what that counts twice."""

from math import sqrt
from statistics import NormalDist

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.metrics.intervals import Interval
from metric_face.metrics.standard_errors import jackknife_error, student


def left_out_interval(
    value: float, without: Doubles, counted_twice: float, num_identities: int, confidence: float = 0.95
) -> Interval:
    """Return the interval of a metric over identities that may at once ask and be found.

    Args:
        value: of all identities.
        without: (G,) the metric without each group of identities in turn; NaN where nothing is left.
        counted_twice: the variance that the jackknife counts twice; at most half of its variance is taken off. 0 where
            identities are not found, as in a mean over them.
        num_identities: how many there are.
        confidence: coverage, in (0, 1).
    """
    without = without[np.isfinite(without)]
    if len(without) < 2:  # without one of two identities nothing is left to be found
        return Interval.without_range(value, confidence)
    error, freedom = jackknife_error(without)
    # Pairs are at most the whole variance, which the jackknife then has twice.
    error = sqrt(max(error**2 - counted_twice, error**2 / 2))
    half = student(confidence, freedom) * error
    share = NormalDist().cdf(value / error) if error else float(value > 0)
    low, high = max(0.0, value - half), min(1.0, value + half)
    return Interval(value, low, high, error, confidence, num_identities, share)


def counted_twice(sums: Doubles, counts: Doubles, owners: Ints, values: Floats | Doubles) -> Doubles:
    """Return (metrics,) the variance that the jackknife counts twice, because it lies in pairs of groups.

    It is the sum of squares of what each group does to the mean of another's queries, beyond what it does to
    everybody's and what everybody does to them.

    Args:
        sums: (metrics, G, G) of the scores of a group's queries without another group.
        counts: (G, G) how many queries those are.
        owners: (Q,) groups of the queries.
        values: (Q, metrics) of all the identities; metrics that ``sums`` leaves out stand last.
    """
    groups = len(counts)
    if groups < 3:
        return np.zeros(len(sums))
    apart = ~np.eye(groups, dtype=bool)
    twice = []
    for total, own in zip(sums, values.T.astype(np.float64), strict=False):
        mean = own.mean()
        whole = np.bincount(owners, own - mean, groups)
        effect = np.where(apart, whole[:, None] - (total - mean * counts), 0.0) / len(own)
        asks = effect.sum(axis=1, keepdims=True) / (groups - 1)
        is_found = effect.sum(axis=0, keepdims=True) / (groups - 1)
        both = effect.sum() / (groups * (groups - 1))
        twice.append(float((np.where(apart, effect - asks - is_found + both, 0.0) ** 2).sum()))
    return np.array(twice)
