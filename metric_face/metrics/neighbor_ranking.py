"""rank_neighbors: one float64 matrix product a block of queries, and one ranking for all labels together."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.metrics.item_kinds import ItemKinds, kinds_of
from metric_face.metrics.label_retrieval import LabelRetrieval
from metric_face.metrics.ranked_blocks import ranked_blocks
from metric_face.progress import Progress, silent
from metric_face.search import Points, Queries
from metric_face.vectors import Metric, check_directions


def rank_neighbors(
    vectors: Floats,
    tallies: Sequence[LabelRetrieval],
    *,
    metric: Metric = "cosine",
    progress: Progress = silent,
) -> None:
    """Rank the items for each query that a label asks about, and score the ranking by every label.

    Args:
        vectors: (N, D) finite float32.
        tallies: of labels of the N items; each collects its scores.
        metric: "cosine", "inner_product" or "euclidean".
        progress: called with (queries done, queries in all).

    Raises:
        ArgumentError: a row of zeros has no cosine.
    """
    if metric == "cosine":
        check_directions(vectors, "vectors")
    asked = Queries.of(Points.of(vectors, metric), vectors)
    parts = [_Candidates.of(part, asked) for part in _by_exclusion(tallies)]
    queries = np.flatnonzero(np.any([tally.is_asking for tally in tallies], axis=0))

    def score(queries: Ints, ranks: Doubles, lengths: Doubles) -> None:
        for query, row, length in zip(queries.tolist(), ranks, lengths.tolist(), strict=True):
            for part in parts:
                part.score(query, row, length)

    # NumPy partitions and sorts without holding the interpreter, so threads share the rows of a block
    threads = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        for block in ranked_blocks(asked, queries, progress):
            list(pool.map(score, *(np.array_split(each, threads) for each in block)))


def _by_exclusion(tallies: Sequence[LabelRetrieval]) -> list[list[LabelRetrieval]]:
    """The labels by what a query may not find: itself alone, and then its identity."""
    parts = ([tally for tally in tallies if tally.excludes is excludes] for excludes in (False, True))
    return [part for part in parts if part]


@dataclass(frozen=True)
class _Candidates:
    """Labels that rank the same candidates.

    Attributes:
        tallies: the labels.
        asked: all the queries.
        groups: (N,) numbers of what a query may not find.
        members: positions, group by group.
        starts: of each group in ``members``, and the end.
        kinds: of labels with classes so large that kinds of items are sorted.
    """

    tallies: list[LabelRetrieval]
    asked: Queries
    groups: Ints
    members: Ints
    starts: Ints
    kinds: list[ItemKinds]

    @classmethod
    def of(cls, tallies: list[LabelRetrieval], asked: Queries) -> "_Candidates":
        groups = np.unique(tallies[0].excluded, return_inverse=True)[1].astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(np.bincount(groups))])
        return cls(tallies, asked, groups, np.argsort(groups, kind="stable"), starts, kinds_of(tallies))

    def score(self, query: int, ranks: Doubles, length: float) -> None:
        """Score one query by each label; what it may not find is masked in ``ranks`` (N,)."""
        own = self.members[self.starts[self.groups[query]] : self.starts[self.groups[query] + 1]]
        ranks[own] = -np.inf
        candidates = len(ranks) - len(own)
        waiting = [tally for tally in self.tallies if tally.is_asking[query]]
        for kinds in self.kinds:
            deep = [tally for tally in waiting if kinds.serve(tally, query)]
            if deep:
                depth = min(max(tally.depth(query) for tally in deep), candidates)
                cells = kinds.cells.nearest(self.asked, query, ranks, length, depth)
                done = kinds.add(deep, query, cells, is_all=depth == candidates)
                waiting = [tally for tally in waiting if tally not in done]
        depth = max((tally.depth(query) for tally in waiting), default=0)
        while waiting:
            depth = min(depth, candidates)
            found = self.asked.best(query, ranks, length, depth)
            waiting = [tally for tally in waiting if not _add(tally, query, found, depth == candidates)]
            depth *= 4


def _add(tally: LabelRetrieval, query: int, found: Ints, is_all: bool) -> bool:
    hits = tally.codes[found] == tally.codes[query]
    folds = None if tally.left is None else tally.left.folds[found]
    return tally.add(query, hits, folds, is_all=is_all)
