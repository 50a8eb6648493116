"""Retrieval within a split: whether the nearest images of each label are of that label."""

from typing import Any

import numpy as np

from metric_face.arrays import Ints
from metric_face.data import Targets, identity_labels
from metric_face.embeddings import Embeddings
from metric_face.evaluation.result import Retrieval
from metric_face.metrics import Interval, LabelRetrieval, RetrievalMetrics, rank_neighbors
from metric_face.optional import optional


def score_retrieval(
    queries: Embeddings, targets: Targets, identities: Any, notes: list[str], rows: Ints
) -> list[Retrieval]:
    """Rank the split for its images, once for all labels.

    Args:
        queries: the embeddings of the split.
        targets: name -> codes and class names of its images.
        identities: (Q,) the identity of each; left out of its own neighbors where the label is another one.
        notes: receives, a line each, what could not be measured and why.
        rows: positions of the images that ask; all of them are searched.
    """
    labels = dict(targets)
    has_identities = len(np.unique(identities)) < len(identities)
    if queries.table.identities is not None:
        labels["identity"] = identity_labels(queries.table)
    tallies: dict[str, LabelRetrieval] = {}
    for name, (codes, _) in labels.items():
        with optional(f"retrieval by {name}", notes):  # such as where no image has another one to find
            tallies[name] = LabelRetrieval(
                codes,
                identities,
                exclude_same_identity=has_identities and name != "identity",
                ks=(1, 5),
                queries=rows,
                recall_intervals=True,
            )
    found: list[Retrieval] = []
    if tallies:
        with optional("retrieval", notes):
            rank_neighbors(queries.vectors, list(tallies.values()))
            found = [_retrieval(name, tally.result()) for name, tally in tallies.items()]
    return found


def _retrieval(name: str, result: RetrievalMetrics) -> Retrieval:
    return Retrieval(
        name,
        _recall_at_1(result),
        result.recall[5],
        result.r_precision,
        result.map_at_r,
        result.same_identity_excluded,
        result.num_queries,
        result.num_without_relevant,
        max(result.drawing_error(metric) for metric in result.per_query),
    )


def _recall_at_1(result: RetrievalMetrics) -> Interval:
    return (
        result.interval("recall@1") if result.num_identities > 1 else Interval.without_range(result.recall[1])
    )
