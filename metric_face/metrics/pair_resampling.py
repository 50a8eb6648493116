"""PairResampling: intervals over identities of what pairs of images say, such as the true-positive rate at a threshold.

A pair belongs to two identities, so pairs are not independent: those of one identity vary together. Identities are
drawn with replacement, and a pair of two identities counts as often as the product of their draws. That has what pairs
share through an identity right, and what is a pair's own three times (E[(w v)^2] - 1 = 3 for independent draws of mean
1 and variance 1); a jackknife that leaves an identity out with all its pairs has it twice. The part that is a pair's
own is measured by resampling pairs of different identities alone, and the surplus is taken off, as for dyads in general
(Aronow, Samii and Assenova, "Cluster-robust variance estimation for dyadic data", 2015).
"""

from collections.abc import Callable, Iterator

import numpy as np

from metric_face.arrays import Bools, Doubles, Ints
from metric_face.metrics.intervals import Interval, identity_weights
from metric_face.metrics.left_out import identity_groups
from metric_face.metrics.standard_errors import jackknife_error, student

_MOST_NUMBERS = 1 << 28  # pairs x resamples: of more pairs, fewer resamples are drawn
_FEWEST = 100


class PairResampling:
    """Weights of P pairs in resamples of identities.

    Args:
        first, second: (P,) identity codes 0..I-1 of both images; equal for a genuine pair.
        resamples: of identities.
        seed: of the drawing.
    """

    def __init__(self, first: Ints, second: Ints, *, resamples: int = 1000, seed: int = 0) -> None:
        self._first, self._second, self._seed = first, second, seed
        self._size = int(max(first.max(), second.max())) + 1
        self._resamples = max(min(resamples, _MOST_NUMBERS // len(first)), min(resamples, _FEWEST))
        self._is_across: Bools = first != second

    def intervals(self, statistic: Callable[[Doubles], Doubles], confidence: float = 0.95) -> list[Interval]:
        """Intervals of S statistics of weighted pairs.

        Args:
            statistic: (P,) weights -> (S,) values in 0..1, NaN where there is none.
            confidence: coverage, in (0, 1).
        """
        values = statistic(np.ones(len(self._first)))
        if self._size < 2:
            return [Interval.without_range(value, confidence) for value in values.tolist()]
        draws = np.array([statistic(weights) for weights in self._of_identities()])
        without = np.array([statistic(weights) for weights in self._without_each()])
        own = np.array([statistic(weights) for weights in self._of_pairs()])
        return [
            self._interval(*one, confidence) for one in zip(values, draws.T, without.T, own.T, strict=True)
        ]

    def _interval(
        self, value: float, draws: Doubles, without: Doubles, own: Doubles, confidence: float
    ) -> Interval:
        draws, without, own = (one[np.isfinite(one)] for one in (draws, without, own))
        if np.isnan(value) or len(draws) < 2 or len(without) < 2 or len(own) < 2:
            return Interval.without_range(float(value), confidence)
        jackknife, freedom = jackknife_error(without)
        shared = float(draws.var(ddof=1)) * self._size / (self._size - 1)
        alone = float(own.var(ddof=1))
        variance = max(shared - 2 * alone, jackknife**2 - alone, alone, shared / 3, jackknife**2 / 2)
        error = float(np.sqrt(variance))
        half = student(confidence, freedom) * error
        center = 2 * value - float(draws.mean())  # the bootstrap's estimate of the bias, on its side
        low, high = min(value, center) - half, max(value, center) + half
        above = float((draws > 0).mean())
        return Interval(
            float(value), max(0.0, float(low)), min(1.0, float(high)), error, confidence, self._size, above
        )

    def _pair_weights(self, weights: Doubles) -> Doubles:
        return np.where(self._is_across, weights[self._first] * weights[self._second], weights[self._first])

    def _of_identities(self) -> Iterator[Doubles]:
        width = max(self._size, 1)
        for _, block in identity_weights(self._size, self._resamples, self._seed, width=width):
            for weights in block:
                yield self._pair_weights(weights)

    def _without_each(self) -> Iterator[Doubles]:
        groups, folds = identity_groups(self._size)
        for group in range(groups):
            yield self._pair_weights((folds != group).astype(np.float64))

    def _of_pairs(self) -> Iterator[Doubles]:
        """Pairs of different identities as if each pair of identities were drawn by itself, the others as they are."""
        low, high = np.minimum(self._first, self._second), np.maximum(self._first, self._second)
        codes = np.unique(low * self._size + high, return_inverse=True)[1]
        generator, count = np.random.default_rng(self._seed + 1), int(codes.max()) + 1
        for _ in range(self._resamples):
            yield np.where(self._is_across, generator.poisson(1.0, count).astype(np.float64)[codes], 1.0)
