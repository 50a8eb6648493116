"""Retrieval without each group of identities in turn: what its scores owe to who happens to be in the set."""

import threading
from collections.abc import Sequence

import numpy as np

from metric_face.arrays import Bools, Doubles, Ints

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
        self._sums = np.zeros((len(ks) + 2, self.groups))
        self._counts = np.zeros(self.groups)
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
            self._counts[gone] += 1
            self._sums[:, gone] += np.array(scores, np.float64)

    def means(self) -> Doubles:
        """Return (metrics, G) means over the queries that are left; nan where none is."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self._sums / self._counts)
