"""The exact search as pytorch-metric-learning's ``knn_func``: its testers then rank ties as we do, by position."""

from typing import Any

import torch
from torch import Tensor

from metric_face.search import NeighborGraph
from metric_face.vectors import Metric


class ExactNeighbors:
    """Give it to ``AccuracyCalculator(knn_func=ExactNeighbors())``.

    Args:
        metric: ``cosine`` or ``euclidean``.
    """

    def __init__(self, metric: Metric = "cosine") -> None:
        self.metric = metric

    def __call__(
        self, query: Any, k: int, reference: Any, ref_includes_query: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Find the k nearest of each query.

        Args:
            query: (Q, D).
            k: neighbors.
            reference: (N, D) what is searched.
            ref_includes_query: whether the queries are the first rows of the reference, and find others only.

        Returns:
            (Q, k) distances and (Q, k) positions.
        """
        graph = NeighborGraph.between(query, reference, k + bool(ref_includes_query), metric=self.metric)
        ids, far = torch.from_numpy(graph.ids), torch.from_numpy(graph.distances)
        if ref_includes_query:
            own = ids == torch.arange(len(ids))[:, None]
            own[~own.any(dim=1), -1] = True  # more than k copies stand before it: the last is dropped
            ids, far = ids[~own].reshape(len(ids), k), far[~own].reshape(len(ids), k)
        device = query.device if isinstance(query, Tensor) else "cpu"
        return far.to(device), ids.to(device)
