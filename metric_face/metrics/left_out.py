"""Retrieval without each group of identities in turn: what its scores owe to who happens to be in the set.

An identity counts as what asks and as what is found, so the effect of one on the queries of another is in the jackknife
twice: with the one that asks, and with the one that is found. Where nearest neighbors decide, these pairs are much of
the variance, and the jackknife is up to 1.55 times too wide. What is there twice is taken off once, as Efron and Stein
("The jackknife estimate of variance", 1981, section 4) take off the interactions of a quadratic score.
"""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Bools, Doubles, Floats, Ints
from metric_face.metrics.left_out_interval import counted_twice

_AT_ONCE = 512  # queries whose recall is scored together
_AT_ONCE_VALUES = 1 << 20  # and the comparisons of a step
MOST_GROUPS = 50  # every query is scored once for each; more identities are left out several at a time


def identity_groups(count: int) -> tuple[int, Ints]:
    """How many groups of identities are left out in turn, and the group of each identity, (count,)."""
    groups = min(count, MOST_GROUPS)
    order = np.random.default_rng(0).permutation(count)  # neighboring codes may be of one kind
    return groups, (order % groups).astype(np.int64)


class LeftOut:
    """Sums, over the queries, of each metric without each of G groups of identities.

    A group that is left out neither asks nor is found; with at most 50 identities each is a group of its own.

    Args:
        identities: (N,) identity codes 0..I-1, I at least 2.
        classes: (N,) labels.
        ks: of recall@k.
        recall_only: leave out R-precision and MAP@R, which take 50 passes over the R nearest of each query.
    """

    def __init__(
        self, identities: Ints, classes: Ints, ks: Sequence[int], *, recall_only: bool = False
    ) -> None:
        self.groups, of_identity = identity_groups(int(identities.max()) + 1)
        self.folds: Ints = of_identity[identities]
        self._ks, self._recall_only = ks, recall_only
        self._codes = np.unique(classes, return_inverse=True)[1]
        cells = self._codes * self.groups + self.folds
        size = (int(self._codes.max()) + 1) * self.groups
        self._members = np.bincount(cells, minlength=size).reshape(-1, self.groups)
        self._largest = int(np.bincount(self.folds).max())
        # Axes: metric, group that asks, group that is left out.
        self._sums = np.zeros((len(ks) + (0 if recall_only else 2), self.groups, self.groups))
        self._counts = np.zeros((self.groups, self.groups))
        self._waiting: list[tuple[int, NDArray[np.int8], Bools, int]] = []
        self._lock = threading.Lock()

    def depth(self, relevant: int) -> int:
        """How many neighbors of a query to look at first, of which ``relevant`` are to be found."""
        return 4 * max(self._ks) if self._recall_only else max(relevant, *self._ks) + self._largest

    def add(self, query: int, folds: Ints, hits: Bools, relevant: int, *, is_all: bool = True) -> bool:
        """Score one query without each group, unless more of its neighbors must be known for that.

        Args:
            query: its position.
            folds: (L,) of its neighbors in order.
            hits: (L,) which of them are relevant.
            relevant: how many items are relevant to it in all.
            is_all: whether it has no other neighbors.

        Returns:
            Whether the neighbors were enough; nothing is added otherwise.
        """
        if self._recall_only:
            length = self._enough(folds, int(self.folds[query]))
            if not length and not is_all:
                return False
            self._wait(query, folds[: length or None], hits[: length or None], relevant)
            return True
        left = relevant - self._members[self._codes[query]]
        left[self.folds[query]] = 0  # then the query is gone too
        gone = np.flatnonzero(left > 0)
        if not len(gone):
            return True
        stays = folds != gone[:, None]
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
            self._counts[self.folds[query], gone] += 1
            self._sums[:, self.folds[query], gone] += np.array(scores, np.float64)
        return True

    def _enough(self, folds: Ints, own: int) -> int:
        """How many of the neighbors hold the nearest of every k, whichever group goes; 0 where they are too few."""
        length, most = min(len(folds), 2 * max(self._ks)), max(self._ks)
        while True:
            counts = np.bincount(folds[:length], minlength=self.groups)
            counts[own] = 0  # without its own group the query is gone too
            if length - int(counts.max()) >= most:
                return length
            if length == len(folds):
                return 0
            length = min(2 * length, len(folds))

    def _wait(self, query: int, folds: Ints, hits: Bools, relevant: int) -> None:
        """Keep a query of which recall alone is scored until there are many: one by one they cost ten times as much."""
        with self._lock:
            self._waiting.append((query, folds.astype(np.int8), hits, relevant))
            if len(self._waiting) >= _AT_ONCE:
                self._score_waiting()

    def _score_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        by_length: dict[int, list[tuple[int, NDArray[np.int8], Bools, int]]] = {}
        for one in waiting:
            by_length.setdefault(len(one[1]), []).append(one)
        for length, alike in by_length.items():
            step = max(1, _AT_ONCE_VALUES // (self.groups * length))
            for start in range(0, len(alike), step):
                self._score_recall(alike[start : start + step])

    def _score_recall(self, alike: list[tuple[int, NDArray[np.int8], Bools, int]]) -> None:
        """Score queries of which equally many neighbors are known."""
        queries, relevant = (np.array([one[at] for one in alike]) for at in (0, 3))
        own = self.folds[queries]
        counts = relevant[:, None] - self._members[self._codes[queries]] > 0  # (n, G)
        counts[np.arange(len(own)), own] = False
        stays = np.array([one[1] for one in alike])[:, None, :] != np.arange(self.groups)[:, None]
        place = np.cumsum(stays, axis=2, dtype=np.int32)
        hit = stays & np.array([one[2] for one in alike])[:, None, :]
        np.add.at(self._counts, own, counts)
        for sums, k in zip(self._sums, self._ks, strict=True):
            np.add.at(sums, own, counts & (hit & (place <= k)).any(axis=2))

    def means(self) -> Doubles:
        """Return (metrics, G) means over the queries that are left; nan where none is."""
        self._score_waiting()
        with np.errstate(invalid="ignore"):
            return np.asarray(self._sums.sum(axis=1) / self._counts.sum(axis=0))

    def counted_twice(self, queries: Ints, values: Floats) -> Doubles:
        """Return (metrics,) the variance that the jackknife counts twice, because it lies in pairs of groups.

        Args:
            queries: (Q,) positions of the queries.
            values: (Q, metrics) of all the identities; the metrics that are left out here stand last.
        """
        self._score_waiting()
        return counted_twice(self._sums, self._counts, self.folds[queries], values)
