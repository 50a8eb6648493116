"""Recall@k, R-precision and MAP@R of an embedding, exact and in bounded memory."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Bools, Doubles, Floats, Ints
from metric_face.errors import ArgumentError
from metric_face.metrics.f1 import as_codes, as_labels
from metric_face.metrics.intervals import Interval
from metric_face.metrics.left_out import LeftOut
from metric_face.metrics.standard_errors import jackknife_error, student
from metric_face.progress import Progress, silent
from metric_face.search import Points, Queries
from metric_face.vectors import Metric, as_vectors, check_directions, check_metric

_BLOCK_BYTES = 1 << 27  # similarities held at once: 128 MiB, that is 167 queries against 100,000 items


@dataclass(frozen=True)
class RetrievalMetrics:
    """How well each item finds the items of its own class.

    Attributes:
        recall: recall@k by k: the share of queries with a relevant item among the k nearest.
        r_precision: mean share of relevant items among the R nearest, R = relevant items of the query.
        map_at_r: mean of (1/R) sum over the R nearest of precision(i) x relevant(i).
        num_queries: queries that counted.
        num_without_relevant: queries left out because no other item is relevant to them.
        same_identity_excluded: whether images of the query's own identity were removed from its candidates.
        query_ids: (num_queries,) positions of the queries that counted.
        per_query: the same metrics for each of ``query_ids``.
        without: the same metrics without each group of identities in turn, as queries and as candidates, (G,);
            empty where no identities were given.
        counted_twice: of each metric, the variance that the jackknife counts twice.
        num_identities: how many identities there are, 0 where none were given.
    """

    recall: Mapping[int, float]
    r_precision: float
    map_at_r: float
    num_queries: int
    num_without_relevant: int
    same_identity_excluded: bool
    query_ids: Ints = field(repr=False)
    per_query: Mapping[str, Floats] = field(repr=False)
    without: Mapping[str, Doubles] = field(repr=False, default_factory=dict)
    counted_twice: Mapping[str, float] = field(repr=False, default_factory=dict)
    num_identities: int = 0

    def interval(self, name: str, confidence: float = 0.95) -> Interval:
        """Return the interval of a metric over identities, which are at once what asks and what is found.

        It is by the jackknife: the metric is computed without each identity (each of at most 50 groups of them) in
        turn, and what it counts twice (see :mod:`.left_out`), at most half of its variance, is taken off. An interval
        over the queries' values alone takes the candidates for fixed, and is too narrow.

        Args:
            name: ``recall@1``, ``r_precision``, ``map_at_r``; a key of ``per_query``.
            confidence: coverage, in (0, 1).

        Raises:
            ArgumentError: there is no such metric, or ``retrieval_metrics`` was given no two identities.
        """
        if name not in self.per_query:
            raise ArgumentError(f"name must be one of {', '.join(self.per_query)}, found {name!r}")
        if name not in self.without:
            raise ArgumentError(
                "identities must be given to retrieval_metrics, at least 2, to have an interval; give identities="
            )
        value = float(self.per_query[name].mean(dtype=np.float64))
        without = self.without[name]
        without = without[np.isfinite(without)]
        if len(without) < 2:  # without one of two identities nothing is left to be found
            return Interval.without_range(value, confidence)
        error, freedom = jackknife_error(without)
        # Pairs are at most the whole variance, which the jackknife then has twice.
        error = sqrt(max(error**2 - self.counted_twice.get(name, 0.0), error**2 / 2))
        half = student(confidence, freedom) * error
        share = NormalDist().cdf(value / error) if error else float(value > 0)
        low, high = max(0.0, value - half), min(1.0, value + half)
        return Interval(value, low, high, error, confidence, self.num_identities, share)


def retrieval_metrics(
    vectors: ArrayLike,
    labels: ArrayLike,
    *,
    identities: ArrayLike | None = None,
    exclude_same_identity: bool = False,
    ks: Sequence[int] = (1, 5),
    metric: Metric = "cosine",
    progress: Progress = silent,
) -> RetrievalMetrics:
    """Rank every item's neighbors and measure how many share its label.

    Every item is a query against all the others; it never finds itself. What only the rounding of float64
    tells apart is equal, and among equals the lower position comes first.

    Args:
        vectors: (N, D) embeddings.
        labels: (N,) integer labels; a neighbor with the query's label is relevant.
        identities: (N,) identities, integers or strings; needed for ``exclude_same_identity`` and for intervals.
        exclude_same_identity: drop the query's own identity from its candidates, so that an identity is not
            found by another photograph of the same session.
        ks: the k of recall@k.
        metric: "cosine", "inner_product" or "euclidean".
        progress: called with (queries done, queries in all).

    Returns:
        The means, the counts, and the values of each query.

    Raises:
        ArgumentError: shapes disagree, a vector is not finite, a k is below 1, or no item has a relevant one.

    Reference:
        Musgrave, Belongie, Lim, "A Metric Learning Reality Check", ECCV 2020, equations 5 and 6.
    """
    points, classes = as_vectors(vectors, "vectors"), as_labels(labels, "labels")
    if len(points) != len(classes):
        raise ArgumentError(
            f"vectors and labels must be equally many, found {len(points)} and {len(classes)}"
        )
    if not ks or min(ks) < 1:
        raise ArgumentError(f"ks must be whole numbers of at least 1, found {list(ks)}")
    if check_metric(metric) == "cosine":
        check_directions(points, "vectors")
    groups = np.arange(len(points))  # without identities each item excludes itself alone
    owners = None if identities is None else as_codes(identities, len(points))
    if exclude_same_identity:
        if owners is None:
            raise ArgumentError("identities must be given when exclude_same_identity is True, found None")
        groups = owners
    relevant = _count_relevant(classes, groups)
    queries = np.flatnonzero(relevant > 0)
    if queries.size == 0:
        raise ArgumentError(
            "labels must repeat: no item shares its label with another candidate, nothing to retrieve"
        )

    names = [*(f"recall@{k}" for k in ks), "r_precision", "map_at_r"]
    values = np.empty((len(queries), len(names)), dtype=np.float32)
    excluded = _Groups(groups)
    asked = Queries.of(Points.of(points, metric), points)
    size = max(1, _BLOCK_BYTES // (8 * len(points)))

    left = None if owners is None or owners.max() < 1 else LeftOut(owners, classes, ks)

    def score(query: int, ranks: Doubles, length: float) -> list[float]:
        candidates = len(points) - int(excluded.sizes[excluded.codes[query]])
        depth = min(max(int(relevant[query]), max(ks)), candidates)
        more = 0 if left is None else left.largest
        found = asked.best(query, ranks, length, min(depth + more, candidates))
        hits = classes[found] == classes[query]
        if left is not None:
            left.add(query, found, hits, int(relevant[query]))
        return _score(hits[:depth], int(relevant[query]), ks)

    # NumPy partitions and sorts without holding the interpreter, so threads share the rows of a block
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(queries), size):
            rows = queries[start : start + size]
            ranks, lengths = asked.against_all(rows)
            excluded.mask(ranks, rows)
            values[start : start + size] = list(pool.map(score, rows, ranks, lengths))
            progress(min(start + size, len(queries)), len(queries))

    means = values.mean(axis=0, dtype=np.float64)
    return RetrievalMetrics(
        recall={k: float(mean) for k, mean in zip(ks, means, strict=False)},
        r_precision=float(means[-2]),
        map_at_r=float(means[-1]),
        num_queries=len(queries),
        num_without_relevant=len(points) - len(queries),
        same_identity_excluded=exclude_same_identity,
        query_ids=queries,
        per_query={name: values[:, j] for j, name in enumerate(names)},
        without={} if left is None else dict(zip(names, left.means(), strict=True)),
        counted_twice={}
        if left is None
        else dict(zip(names, left.counted_twice(queries, values).tolist(), strict=True)),
        num_identities=0 if owners is None else int(owners.max()) + 1,
    )


def _count_relevant(classes: Ints, groups: Ints) -> Ints:
    """How many items share the query's label without sharing its group, for each item."""
    _, by_class, class_sizes = np.unique(classes, return_inverse=True, return_counts=True)
    _, by_group = np.unique(groups, return_inverse=True)
    _, by_both, both_sizes = np.unique(
        by_class * (by_group.max() + 1) + by_group, return_inverse=True, return_counts=True
    )
    counts: Ints = class_sizes[by_class] - both_sizes[by_both]
    return counts


class _Groups:
    """Members of each group, to drop a query's own group from a block of similarities."""

    def __init__(self, groups: Ints) -> None:
        _, self.codes, self.sizes = np.unique(groups, return_inverse=True, return_counts=True)
        self._members = np.argsort(self.codes, kind="stable")
        self._starts = np.cumsum(self.sizes) - self.sizes

    def mask(self, similarities: Doubles, rows: Ints) -> None:
        codes = self.codes[rows]
        sizes = self.sizes[codes]
        offsets = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        columns = self._members[np.repeat(self._starts[codes], sizes) + offsets]
        similarities[np.repeat(np.arange(len(rows)), sizes), columns] = -np.inf


def _score(hits: Bools, relevant: int, ks: Sequence[int]) -> list[float]:
    within = hits[:relevant]
    ranks = np.flatnonzero(within) + 1
    average = float((np.arange(1, len(ranks) + 1) / ranks).sum()) / relevant
    return [*(float(hits[:k].any()) for k in ks), len(ranks) / relevant, average]
