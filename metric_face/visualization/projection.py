"""Projection: a map of points, and where others belong on it."""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError


@dataclass(frozen=True, eq=False)
class Projection:
    """A map of N points.

    Attributes:
        coords: (N, 2) or (N, 3) float32. Only who is near whom means something: axes, distances and sizes do not.
            Wide empty strips between islands are narrowed.
        seed: the seed that gives exactly these coordinates again.
        n_neighbors: neighbors of each point that the layout saw, itself not counted.
        min_dist: how closely points may be packed.
        vectors: (N, D) that were laid out, for ``transform``; None where only neighbors were known.
    """

    coords: Floats
    seed: int
    n_neighbors: int
    min_dist: float
    vectors: Floats | None = None

    def __repr__(self) -> str:
        return f"Projection({self.n:,} points, seed {self.seed})"

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.coords)

    def transform(self, vectors: ArrayLike) -> Floats:
        """Place new vectors, such as held-out or incoming images, on this map, whose own points stay.

        Args:
            vectors: (M, D), compared by the cosine with those the map was laid out of.

        Returns:
            (M, 2) float32; the same input gives the same bits.

        Raises:
            ArgumentError: the map was made without ``vectors``, or the dimensions differ.
        """
        from metric_face.search import NeighborGraph
        from metric_face.visualization.placing import place_points

        if self.vectors is None:
            raise ArgumentError(
                "vectors=None: the map must have been made with its vectors to place others; "
                "call project(graph, vectors=vectors)"
            )
        near = NeighborGraph.between(vectors, self.vectors, min(self.n_neighbors, self.n))
        return place_points(self.coords, near.ids, near.distances, min_dist=self.min_dist, seed=self.seed)
