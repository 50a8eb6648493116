"""The neighbor graph: the k nearest of every item, found once and read by every analysis."""

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.plurals import counted
from metric_face.search.build import build_store
from metric_face.search.exact import Exclusion, nearest
from metric_face.search.graph_files import read_graph, write_graph
from metric_face.search.kinds import plan_index
from metric_face.search.result import Nearest
from metric_face.search.tuning import check_recall
from metric_face.vectors import (
    Metric,
    as_vectors,
    check_directions,
    check_k,
    check_metric,
    faiss_threads,
    group_codes,
)

_EXACT_UP_TO = (
    200_000  # items: four minutes at 128 dimensions on two cores, and four times as long for twice as many
)
_BLOCK_ROWS = 1 << 16


@dataclass(frozen=True, eq=False)
class NeighborGraph(Nearest):
    """The k nearest neighbors of every item, never the item itself.

    Neighbors stand in order of similarity, and among equals the smaller id first. Where an item has fewer than
    k valid neighbors, the places left are id -1 and similarity ``-inf``.

    Attributes:
        ids: (N, k) int64 positions; of the items themselves, or of those searched in a graph made by :meth:`between`.
        similarities: (N, k) float32, greatest first; for ``euclidean`` the negative distance.
        metric: ``cosine``, ``inner_product`` or ``euclidean``.
        same_identity_excluded: whether items of the same identity were left out.
        recall: share of the true 10 nearest that the search finds, measured on held-out items; 1 if exact.
        source: what it was searched in, as a checksum by which a saved graph is known again; empty if not recorded.
    """

    ids: Ints
    similarities: Floats
    metric: Metric = "cosine"
    same_identity_excluded: bool = False
    recall: float = 1.0
    source: str = ""

    def __repr__(self) -> str:
        items, k = self.ids.shape
        return f"NeighborGraph({counted(items, 'items')}, {counted(k, 'neighbors')} each, {self.metric})"

    @classmethod
    def build(
        cls,
        embeddings: Any,
        k: int,
        *,
        exclude: Any = None,
        metric: Metric = "cosine",
        kind: str = "auto",
        recall: float = 0.98,
        threads: int | None = None,
        seed: int = 0,
    ) -> "NeighborGraph":
        """Find the k nearest of every item.

        Args:
            embeddings: (N, D) float32, or an object with ``.vectors``; normalized here for the cosine.
            k: neighbors for each item; more than there are is filled up with -1.
            exclude: (N,) identity of each item, integers or strings; items of the same identity are left out.
                None leaves out the item alone.
            metric: ``cosine``, ``inner_product`` or ``euclidean``.
            kind: ``flat`` compares every pair; ``ivf`` looks where neighbors are likely, and ``auto`` takes it
                past 200,000 items, where every pair would take hours.
            recall: recall@10 that ``ivf`` is tuned for; what it reaches stands in the graph.
            threads: threads of the search; None takes all.
            seed: of the training and tuning of ``ivf``.

        Returns:
            The graph.

        Raises:
            ArgumentError: a value of the embeddings is not finite, a row of zeros under the cosine, k below 1, or
                ``exclude`` of another length.
        """
        vectors = as_vectors(embeddings)
        k, metric = check_k(k), check_metric(metric)
        if exclude is None:
            groups = np.arange(len(vectors))
        else:
            groups = group_codes(exclude)[0]
            if len(groups) != len(vectors):
                raise ArgumentError(
                    f"exclude must hold one identity for each of the {len(vectors)} embeddings, found {len(groups)}"
                )
        if kind not in ("auto", "flat", "ivf"):
            raise ArgumentError(f"kind must be auto, flat or ivf, found {kind!r}")
        if kind == "auto":
            kind = "flat" if len(vectors) <= _EXACT_UP_TO else "ivf"
        search = _search_every_pair if kind == "flat" else partial(_search_lists, recall=recall, seed=seed)
        with faiss_threads(threads):
            ids, similarities, reached = search(vectors, k, metric, groups)
        return cls(ids, similarities, metric, exclude is not None, reached)

    @classmethod
    def between(
        cls, queries: Any, base: Any, k: int, *, metric: Metric = "cosine", threads: int | None = None
    ) -> "NeighborGraph":
        """Find the k nearest of ``base`` for every query, comparing every pair.

        Args:
            queries: (Q, D) float32, or an object with ``.vectors``; normalized here for the cosine.
            base: (N, D) likewise, such as the training part; a query that is among them is found too.
            k: neighbors of each query; more than there are is filled up with -1.
            metric: ``cosine``, ``inner_product`` or ``euclidean``.
            threads: threads of the search; None takes all.

        Returns:
            The graph, (Q, k) positions in ``base``.

        Raises:
            ArgumentError: as :meth:`build`, or two different D.
        """
        k, metric = check_k(k), check_metric(metric)
        there = as_vectors(base, "base")
        asking = as_vectors(queries, "queries", there.shape[1])
        if metric == "cosine":
            check_directions(asking, "queries")
            check_directions(there, "base")
        with faiss_threads(threads):
            return cls(*nearest(asking, there, k, metric), metric)

    def head(self, k: int) -> "NeighborGraph":
        """Return the graph of the k nearest, k at most the present one; the arrays are views."""
        if check_k(k) > self.k:
            raise ArgumentError(
                f"k must be at most the {self.k} neighbors of this graph, found {k}; build it with more"
            )
        return replace(self, ids=self.ids[:, :k], similarities=self.similarities[:, :k])

    def to_sparse(self) -> Any:
        """The graph as scikit-learn's ``metric="precomputed"`` and the ``knn_graph`` of cleanlab's Datalab take it.

        Returns:
            (N, N) ``scipy.sparse.csr_matrix`` of distances, each row nearest first; a distance of zero is kept.
        """
        from scipy.sparse import csr_matrix

        there = self.ids >= 0
        ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        distances = np.maximum(self.distances[there], 0)  # a cosine may exceed 1 by rounding
        return csr_matrix((distances, self.ids[there], ends), shape=(len(self), len(self)))

    def fits(self, count: int) -> bool:
        """Say whether every neighbor is one of ``count`` items."""
        return bool(self.ids.min(initial=0) >= -1 and self.ids.max(initial=-1) < count)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the graph to one ``.npz`` file, whole or not at all, and return its path."""
        facts = {
            "metric": self.metric,
            "same_identity_excluded": self.same_identity_excluded,
            "recall": self.recall,
            "source": self.source,
        }
        return write_graph(path, facts, self.ids, self.similarities)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "NeighborGraph":
        """Read a graph written by ``save``.

        Raises:
            FileFormatError: the file is missing, truncated, altered or not a neighbor graph.
        """
        header, ids, similarities = read_graph(path)
        try:
            metric, recall = check_metric(header["metric"]), float(header["recall"])
            is_excluded = bool(header["same_identity_excluded"])
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(
                f"{path} is truncated or not a neighbor graph ({error}); build it again"
            ) from None
        return cls(ids, similarities, metric, is_excluded, recall, str(header.get("source", "")))


def _search_every_pair(vectors: Floats, k: int, metric: Metric, groups: Ints) -> tuple[Ints, Floats, float]:
    if metric == "cosine":
        check_directions(vectors)
    return *nearest(vectors, vectors, k, metric, Exclusion(groups, groups)), 1.0


def _search_lists(
    vectors: Floats, k: int, metric: Metric, groups: Ints, recall: float, seed: int
) -> tuple[Ints, Floats, float]:
    plan = plan_index("ivf", len(vectors), vectors.shape[1], None)
    store, reached = build_store(vectors, plan, metric, check_recall(recall), seed)
    ids, similarities = np.empty((len(vectors), k), np.int64), np.empty((len(vectors), k), np.float32)
    for start in range(0, len(vectors), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        queries = store.prepare(vectors[rows], "embeddings")
        ids[rows], similarities[rows] = store.search(queries, k, Exclusion(groups[rows], groups))
    assert reached.reached is not None  # it was just built
    return ids, similarities, reached.reached
