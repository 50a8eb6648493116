"""What a search of an index found."""

from dataclasses import dataclass

from metric_face.arrays import Floats, Ints
from metric_face.vectors import Metric, distances_of


class Nearest:
    """The k nearest of Q queries, or of each item of a graph."""

    ids: Ints
    similarities: Floats
    metric: Metric

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def k(self) -> int:
        """Neighbors of each query or item."""
        return int(self.ids.shape[1])

    @property
    def distances(self) -> Floats:
        """(Q, k) float32 distances, smallest first, ``inf`` beside a -1: Euclidean, or one minus the cosine."""
        return distances_of(self.similarities, self.metric)


@dataclass(frozen=True, eq=False)
class SearchResult(Nearest):
    """The k nearest of each query, nearest first.

    Attributes:
        ids: (Q, k) int64 ids, -1 where there are fewer than k.
        rows: (Q, k) int64 rows of the index's columns, -1 likewise; valid until vectors are removed.
        similarities: (Q, k) float32, greatest first, ``-inf`` beside each -1; for ``euclidean`` the negative
            distance.
        metric: ``cosine``, ``inner_product`` or ``euclidean``.
    """

    ids: Ints
    rows: Ints
    similarities: Floats
    metric: Metric = "cosine"

    def head(self, k: int) -> "SearchResult":
        """Return the first k of each query; the arrays are views."""
        return SearchResult(self.ids[:, :k], self.rows[:, :k], self.similarities[:, :k], self.metric)
