"""Retrieval without each group of identities in turn: what its scores owe to who happens to be in the set.

An identity counts as what asks and as what is found, so the effect of one on the queries of another is in the jackknife
twice: with the one that asks, and with the one that is found. Where nearest neighbors decide, these pairs are much of
the variance, and the jackknife is up to 1.55 times too wide. What is there twice is taken off once, as Efron and Stein
("The jackknife estimate of variance", 1981, section 4) take off the interactions of a quadratic score.
"""

import threading
from collections.abc import Sequence

import numpy as np

from metric_face.arrays import Bools, Doubles, Floats, Ints

_MOST_GROUPS = 50  # every query is scored once for each; more identities are left out several at a time


class LeftOut:
    """Sums, over the queries, of each metric without each of G groups of identities.

    A group that is left out neither asks nor is found; with at most 50 identities each is a group of its own.

    Args:
        identities: (N,) identity codes 0..I-1, I at least 2.
        classes: (N,) labels.
        ks: of recall@k.
    """

    def __init__(self, identities: Ints, classes: Ints, ks: Sequence[int]) -> None:
        count = int(identities.max()) + 1
        self.groups = min(count, _MOST_GROUPS)
        order = np.random.default_rng(0).permutation(count)  # neighboring codes may be of one kind
        self._fold = (order % self.groups)[identities]
        self._ks = ks
        self._codes = np.unique(classes, return_inverse=True)[1]
        cells = self._codes * self.groups + self._fold
        size = (int(self._codes.max()) + 1) * self.groups
        self._members = np.bincount(cells, minlength=size).reshape(-1, self.groups)
        self.largest = int(np.bincount(self._fold).max())
        # Axes: metric, group that asks, group that is left out.
        self._sums = np.zeros((len(ks) + 2, self.groups, self.groups))
        self._counts = np.zeros((self.groups, self.groups))
        self._lock = threading.Lock()

    def add(self, query: int, found: Ints, hits: Bools, relevant: int) -> None:
        """Score one query without each group.

        Args:
            query: its position.
            found: (L,) its neighbors in order, deep enough for every metric after any group has gone.
            hits: (L,) which of them are relevant.
            relevant: how many items are relevant to it in all.
        """
        left = relevant - self._members[self._codes[query]]
        left[self._fold[query]] = 0  # then the query is gone too
        gone = np.flatnonzero(left > 0)
        if not len(gone):
            return
        stays = self._fold[found] != gone[:, None]
        place = np.cumsum(stays, axis=1)
        hit = stays & hits
        wanted = left[gone, None]
        within = hit & (place <= wanted)
        precision = np.cumsum(within, axis=1) / np.maximum(place, 1)
        scores = [
            *((hit & (place <= k)).any(axis=1) for k in self._ks),
            within.sum(axis=1) / wanted[:, 0],
            (within * precision).sum(axis=1) / wanted[:, 0],
        ]
        with self._lock:
            self._counts[self._fold[query], gone] += 1
            self._sums[:, self._fold[query], gone] += np.array(scores, np.float64)

    def means(self) -> Doubles:
        """Return (metrics, G) means over the queries that are left; nan where none is."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self._sums.sum(axis=1) / self._counts.sum(axis=0))

    def counted_twice(self, queries: Ints, values: Floats) -> Doubles:
        """Return (metrics,) the variance that the jackknife counts twice, because it lies in pairs of groups.

        It is the sum of squares of what each group does to the mean of another's queries, beyond what it does to
        everybody's and what everybody does to them.

        Args:
            queries: (Q,) positions of the queries.
            values: (Q, metrics) of all the identities.
        """
        if self.groups < 3:
            return np.zeros(values.shape[1])
        apart = ~np.eye(self.groups, dtype=bool)
        twice = []
        for sums, own in zip(self._sums, values.T.astype(np.float64), strict=True):
            mean = own.mean()
            whole = np.bincount(self._fold[queries], own - mean, self.groups)
            effect = np.where(apart, whole[:, None] - (sums - mean * self._counts), 0.0) / len(own)
            asks = effect.sum(axis=1, keepdims=True) / (self.groups - 1)
            is_found = effect.sum(axis=0, keepdims=True) / (self.groups - 1)
            both = effect.sum() / (self.groups * (self.groups - 1))
            twice.append(float((np.where(apart, effect - asks - is_found + both, 0.0) ** 2).sum()))
        return np.array(twice)
