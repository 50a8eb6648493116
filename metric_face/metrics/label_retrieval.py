"""LabelRetrieval: what the ranking of every query's neighbors says by one label."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Bools, Ints, numbered
from metric_face.errors import ArgumentError
from metric_face.metrics.f1 import as_codes, as_labels
from metric_face.metrics.left_out import LeftOut
from metric_face.metrics.retrieval_result import RetrievalMetrics


class LabelRetrieval:
    """Collects the scores of queries by one label; ``rank_neighbors`` ranks once for several of them.

    Args:
        labels: (N,) integer labels; a neighbor with the query's label is relevant.
        identities: (N,) identities, integers or strings; needed for ``exclude_same_identity`` and for intervals.
        exclude_same_identity: drop the query's own identity from its candidates.
        ks: the k of recall@k.
        queries: (Q,) positions of the items that ask; default all of them.
        recall_intervals: prepare intervals of recall@k only. Those of R-precision and MAP@R take 50 passes over the R
            nearest of each query.

    Attributes:
        codes: (N,) labels, numbered from 0.
        excluded: (N,) groups; a query does not find its own.
        relevant: (N,) how many items each may find.
        is_asking: (N,) which items are queries that count.
        left: what is scored without each group of identities, None without identities.

    Raises:
        ArgumentError: a k is below 1, identities are missing or not N, or no item has a relevant one.
    """

    def __init__(
        self,
        labels: ArrayLike,
        identities: ArrayLike | None = None,
        *,
        exclude_same_identity: bool = False,
        ks: Sequence[int] = (1, 5),
        queries: Ints | None = None,
        recall_intervals: bool = False,
    ) -> None:
        classes = as_labels(numbered(labels)[0], "labels")
        if not ks or min(ks) < 1:
            raise ArgumentError(f"ks must be whole numbers of at least 1, found {list(ks)}")
        owners = None if identities is None else as_codes(identities, len(classes))
        if exclude_same_identity and owners is None:
            raise ArgumentError("identities must be given when exclude_same_identity is True, found None")
        self.ks, self.excludes = tuple(ks), exclude_same_identity
        self.codes: Ints = np.unique(classes, return_inverse=True)[1].astype(np.int64)
        self.excluded: Ints = (
            owners if exclude_same_identity and owners is not None else np.arange(len(classes))
        )
        self.relevant = _count_relevant(self.codes, self.excluded)
        drawn = np.arange(len(classes)) if queries is None else np.unique(queries)
        self._num_drawn = len(drawn)
        self._asking = drawn[self.relevant[drawn] > 0]
        if self._asking.size == 0:
            raise ArgumentError(
                "labels must repeat: no item shares its label with another candidate, nothing to retrieve"
            )
        self._places = np.arange(1.0, int(self.relevant.max()) + 1)
        self._row = np.full(len(classes), -1, np.int64)
        self._row[self._asking] = np.arange(len(self._asking))
        self.is_asking: Bools = self._row >= 0
        self.names = (*(f"recall@{k}" for k in ks), "r_precision", "map_at_r")
        self._values = np.zeros((len(self._asking), len(self.names)), dtype=np.float32)
        self._num_identities = 0 if owners is None else int(owners.max()) + 1
        self.left: LeftOut | None = None
        if owners is not None and self._num_identities > 1:
            self.left = LeftOut(owners, self.codes, ks, recall_only=recall_intervals)

    def depth(self, query: int) -> int:
        """How many neighbors of a query to look at first."""
        relevant = int(self.relevant[query])
        return max(relevant, *self.ks, 0 if self.left is None else self.left.depth(relevant))

    def add(self, query: int, hits: Bools, folds: Ints | None, *, is_all: bool) -> bool:
        """Score one query, unless more of its neighbors must be known.

        Args:
            query: its position.
            hits: (L,) which of its nearest, in order, are relevant.
            folds: (L,) their groups of ``left``; of no use without it.
            is_all: whether it has no other candidates.

        Returns:
            Whether the neighbors were enough.
        """
        relevant = int(self.relevant[query])
        if (
            self.left is not None
            and folds is not None
            and not self.left.add(query, folds, hits, relevant, is_all=is_all)
        ):
            return False
        ranks = np.flatnonzero(hits[:relevant]) + 1
        average = float((self._places[: len(ranks)] / ranks).sum()) / relevant
        self._values[self._row[query]] = [
            *(float(hits[:k].any()) for k in self.ks),
            len(ranks) / relevant,
            average,
        ]
        return True

    def result(self) -> RetrievalMetrics:
        """The means, the counts, and the values of each query."""
        values, left = self._values, self.left
        means = values.mean(axis=0, dtype=np.float64)
        return RetrievalMetrics(
            recall={k: float(mean) for k, mean in zip(self.ks, means, strict=False)},
            r_precision=float(means[-2]),
            map_at_r=float(means[-1]),
            num_queries=len(self._asking),
            num_without_relevant=self._num_drawn - len(self._asking),
            same_identity_excluded=self.excludes,
            query_ids=self._asking,
            per_query={name: values[:, j] for j, name in enumerate(self.names)},
            without={} if left is None else dict(zip(self.names, left.means(), strict=False)),
            counted_twice={}
            if left is None
            else dict(zip(self.names, left.counted_twice(self._asking, values).tolist(), strict=False)),
            num_identities=self._num_identities,
            num_drawn=self._num_drawn,
            num_items=len(self.codes),
        )


def _count_relevant(by_class: Ints, groups: Ints) -> Ints:
    """How many items share the query's label without sharing its group, for each item."""
    class_sizes = np.bincount(by_class)
    _, by_group = np.unique(groups, return_inverse=True)
    _, by_both, both_sizes = np.unique(
        by_class * (by_group.max() + 1) + by_group, return_inverse=True, return_counts=True
    )
    counts: Ints = class_sizes[by_class] - both_sizes[by_both]
    return counts
