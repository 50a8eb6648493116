"""GalleryRanking: where the images of a query's identity stand in the gallery, with every group of identities left out.

No ranking is sorted. The relevant images of a query are few; how many others stand before each of them is counted, and
counted by group, so that one pass gives the ranks with all identities and without each group of them.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.metrics.left_out import identity_groups
from metric_face.metrics.left_out_interval import counted_twice
from metric_face.metrics.ranked_blocks import ranked_blocks
from metric_face.progress import Progress
from metric_face.search import Points, Queries


class GalleryRanking:
    """Scores of queries against a gallery.

    Args:
        query_codes: (Q,) identities.
        gallery_codes: (N,) identities, numbered alike.
        conditions: pairs of (Q,) and (N,) codes; a gallery image of the query's identity that agrees with the query in
            one of them is left out.
        itself: (Q,) where the query stands in the gallery, -1 where it does not.
        ks: of CMC@k and precision@k.

    Attributes:
        identities: of queries and gallery.
        names: of the metrics, in the order of the columns of ``values``.
        values: (Q, metrics) float64, NaN for a query without a relevant image.
        predicted: (Q,) identity of the nearest allowed image, -1 for such a query.
        sums, counts: of the metrics without each group, as :func:`counted_twice` takes them.
        folds: (identities,) the group of each.
    """

    def __init__(
        self,
        query_codes: Ints,
        gallery_codes: Ints,
        conditions: Sequence[tuple[Ints, Ints]],
        itself: Ints | None,
        ks: Sequence[int],
    ) -> None:
        self._query_codes, self._gallery_codes = query_codes, gallery_codes
        self._conditions, self._itself, self._ks = conditions, itself, np.asarray(ks)
        self.identities = int(max(query_codes.max(), gallery_codes.max())) + 1
        self._members = np.argsort(gallery_codes, kind="stable")
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(gallery_codes, minlength=self.identities))])
        self.groups, self.folds = identity_groups(self.identities)
        self._gallery_folds = self.folds[gallery_codes]
        self.names = ("map", "minp", "mrr", *(f"cmc@{k}" for k in ks), *(f"precision@{k}" for k in ks))
        self.values: Doubles = np.full((len(query_codes), len(self.names)), np.nan)
        self.predicted: Ints = np.full(len(query_codes), -1, np.int64)
        self.sums: Doubles = np.zeros((len(self.names), self.groups, self.groups))
        self.counts: Doubles = np.zeros((self.groups, self.groups))

    def run(self, points: Points, queries: Floats, progress: Progress) -> None:
        """Rank the gallery for each query.

        Args:
            points: the N gallery vectors.
            queries: (Q, D) float32.
            progress: called with (queries done, queries in all).
        """
        asked = Queries.of(points, queries)
        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            for rows, ranks, lengths in ranked_blocks(asked, np.arange(len(queries)), progress):
                scored = [
                    pool.submit(self._score, asked, *one)
                    for one in zip(rows.tolist(), ranks, lengths.tolist(), strict=True)
                ]
                for one in scored:  # in the order of the queries: sums then do not depend on the threads
                    self._count(one.result())

    def without(self) -> Doubles:
        """(metrics, G) means without each group; NaN where no query is left."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.sums.sum(axis=1) / self.counts.sum(axis=0))

    def twice(self) -> Doubles:
        """(metrics,) the variance that the jackknife counts twice."""
        counting = self.predicted >= 0
        owners = self.folds[self._query_codes[counting]]
        return counted_twice(self.sums, self.counts, owners, self.values[counting])

    def _count(self, scored: tuple[int, Doubles] | None) -> None:
        if scored is not None:
            fold, scores = scored
            there = np.arange(self.groups) != fold  # without its own group the query is gone too
            self.counts[fold] += there
            self.sums[:, fold] += scores * there

    def _score(self, asked: Queries, query: int, near: Doubles, length: float) -> tuple[int, Doubles] | None:
        """Score a query; returns its group, and its metrics (metrics, G) without each group of the others."""
        code = self._query_codes[query]
        own = self._members[self._starts[code] : self._starts[code + 1]]
        dropped = np.zeros(len(own), bool)
        for of_query, of_gallery in self._conditions:
            dropped |= of_gallery[own] == of_query[query]
        if self._itself is not None:
            dropped |= own == self._itself[query]
        near[own[dropped]] = -np.inf
        relevant = own[~dropped]
        if not len(relevant):
            return None
        places, folds = self._places(asked, query, near, length, relevant)
        counts = np.bincount(places * self.groups + folds, minlength=(len(relevant) + 1) * self.groups)
        by_group = counts.reshape(-1, self.groups)[: len(relevant)].cumsum(axis=0)
        ranks = by_group.sum(axis=1) + np.arange(1, len(relevant) + 1)
        self.values[query] = self._metrics(ranks[:, None])[:, 0]
        first = code if ranks[0] == 1 else self._gallery_codes[asked.best(query, near, length, 1)[0]]
        self.predicted[query] = first
        return int(self.folds[code]), self._metrics(ranks[:, None] - by_group)

    def _places(
        self, asked: Queries, query: int, near: Doubles, length: float, relevant: Ints
    ) -> tuple[Ints, Ints]:
        """Where the others stand among the relevant.

        Returns:
            (M,) how many relevant images stand before each of M others, which may stand before one; (M,) their groups.
        """
        values = np.sort(near[relevant])[::-1]
        reach = 2 * float(asked.rounding(length, asked.points.largest_size))
        others = np.flatnonzero(near >= values[-1] - reach)
        others = others[self._gallery_codes[others] != self._query_codes[query]]
        found = -near[others]
        places = np.searchsorted(-values, found - reach, side="left")
        if (places != np.searchsorted(-values, found + reach, side="right")).any():
            # what rounding could have decided is settled from the vectors, and equals by their position
            order = asked.best(query, near, length, len(others) + len(relevant))
            is_other = self._gallery_codes[order] != self._query_codes[query]
            places, others = np.cumsum(~is_other)[is_other], order[is_other]
        return places.astype(np.int64), self._gallery_folds[others]

    def _metrics(self, ranks: Ints) -> Doubles:
        """The metrics (metrics, G) of ranks (R, G) of the relevant images, ascending."""
        count = len(ranks)
        within = (ranks[None] <= self._ks[:, None, None]).sum(axis=1)  # (ks, G)
        return np.concatenate(
            [
                (np.arange(1, count + 1)[:, None] / ranks).mean(axis=0)[None],
                (count / ranks[-1])[None],
                (1 / ranks[0])[None],
                within > 0,
                within / self._ks[:, None],
            ]
        )
