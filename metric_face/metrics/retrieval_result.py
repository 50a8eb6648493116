"""RetrievalMetrics: recall@k, R-precision and MAP@R by one label, with their intervals over identities."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.errors import ArgumentError
from metric_face.metrics.intervals import Interval
from metric_face.metrics.left_out_interval import left_out_interval
from metric_face.metrics.standard_errors import check_confidence


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
        num_drawn: how many items were asked for, with those left out; N unless queries were drawn.
        num_items: N.
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
    num_drawn: int = 0
    num_items: int = 0

    def drawing_error(self, name: str, confidence: float = 0.95) -> float:
        """Return how far a metric of drawn queries may lie from that of all items, 0 where all of them asked.

        It is the half width of the interval of a mean over a sample without replacement from a finite set.

        Args:
            name: a key of ``per_query``.
            confidence: coverage, in (0, 1).
        """
        check_confidence(confidence)
        values = self.per_query[name].astype(np.float64)
        if self.num_drawn >= self.num_items or len(values) < 2:
            return 0.0
        rest = 1 - self.num_drawn / self.num_items
        error = sqrt(rest * float(values.var(ddof=1)) / len(values))
        return NormalDist().inv_cdf(0.5 + confidence / 2) * error

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
                if not self.without
                else f"an interval of {name} was left out; retrieve with recall_intervals=False"
            )
        value = float(self.per_query[name].mean(dtype=np.float64))
        return left_out_interval(
            value, self.without[name], self.counted_twice.get(name, 0.0), self.num_identities, confidence
        )
