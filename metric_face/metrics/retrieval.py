"""Recall@k, R-precision and MAP@R of an embedding, exact and in bounded memory."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Ints, numbered
from metric_face.errors import ArgumentError
from metric_face.metrics.f1 import as_labels
from metric_face.metrics.label_retrieval import LabelRetrieval
from metric_face.metrics.neighbor_ranking import rank_neighbors
from metric_face.metrics.retrieval_result import RetrievalMetrics
from metric_face.progress import Progress, silent
from metric_face.vectors import Metric, as_vectors, check_metric

MAX_QUERIES = 10_000
"""Of a larger split, so many images ask for their neighbors: a share of them is known to 0.01."""


def retrieval_metrics(
    vectors: ArrayLike,
    labels: ArrayLike,
    *,
    identities: ArrayLike | None = None,
    exclude_same_identity: bool = False,
    ks: Sequence[int] = (1, 5),
    metric: Metric = "cosine",
    queries: int | None = None,
    recall_intervals: bool = False,
    seed: int = 0,
    progress: Progress = silent,
) -> RetrievalMetrics:
    """Rank every item's neighbors and measure how many share its label.

    Every item is a query against all the others; it never finds itself. What only the rounding of float64
    tells apart is equal, and among equals the lower position comes first.

    Args:
        vectors: (N, D) embeddings.
        labels: (N,) labels, integers or names; a neighbor with the query's label is relevant.
        identities: (N,) identities, integers or strings; needed for ``exclude_same_identity`` and for intervals.
        exclude_same_identity: drop the query's own identity from its candidates, so that an identity is not
            found by another photograph of the same session.
        ks: the k of recall@k.
        metric: "cosine", "inner_product" or "euclidean".
        queries: how many items ask, drawn at random where N is greater; None for all of them. All are searched.
        recall_intervals: prepare intervals of recall@k only; those of R-precision and MAP@R take 50 passes over the R
            nearest of each query.
        seed: of the drawing.
        progress: called with (queries done, queries in all).

    Returns:
        The means, the counts, and the values of each query.

    Raises:
        ArgumentError: shapes disagree, a vector is not finite, a k or ``queries`` is below 1, or no item has a
            relevant one.

    Reference:
        Musgrave, Belongie, Lim, "A Metric Learning Reality Check", ECCV 2020, equations 5 and 6.
    """
    points, classes = as_vectors(vectors, "vectors"), as_labels(numbered(labels)[0], "labels")
    if len(points) != len(classes):
        raise ArgumentError(
            f"vectors and labels must be equally many, found {len(points)} and {len(classes)}"
        )
    check_metric(metric)
    tally = LabelRetrieval(
        classes,
        identities,
        exclude_same_identity=exclude_same_identity,
        ks=ks,
        queries=draw_queries(len(points), queries, seed),
        recall_intervals=recall_intervals,
    )
    rank_neighbors(points, [tally], metric=metric, progress=progress)
    return tally.result()


def draw_queries(count: int, most: int | None = MAX_QUERIES, seed: int = 0) -> Ints:
    """Draw at most ``most`` of ``count`` positions without replacement; sorted, all of them for None.

    Raises:
        ArgumentError: ``most`` is below 1.
    """
    if most is None or (most >= count and most >= 1):
        return np.arange(count)
    if most < 1:
        raise ArgumentError(f"queries must be at least 1, or None for all, found {most}")
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
