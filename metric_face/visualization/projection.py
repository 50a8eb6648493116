"""Projection: a map of points, and where others belong on it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

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
        new: how many of the points, the last ones, were placed on the map of the others by ``with_new``.
    """

    coords: Floats
    seed: int
    n_neighbors: int
    min_dist: float
    vectors: Floats | None = None
    new: int = 0

    def __repr__(self) -> str:
        return f"Projection({self.n:,} points, seed {self.seed})"

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.coords)

    def transform(self, vectors: Any) -> Floats:
        """Place new vectors, such as held-out or incoming images, on this map, whose own points stay.

        Args:
            vectors: (M, D), or an object with ``.vectors``, compared by the cosine with those that were laid out.

        Returns:
            (M, 2) or (M, 3) float32; the same input gives the same bits.

        Raises:
            ArgumentError: the map was made without ``vectors``, or those given are not (M, D) finite numbers.
        """
        from metric_face.search import NeighborGraph
        from metric_face.vectors import as_vectors
        from metric_face.visualization.placing import place_points

        if self.vectors is None:
            raise ArgumentError(
                "vectors=None: the map must have been made with its vectors to place others; "
                "call project(graph, vectors=vectors)"
            )
        new = as_vectors(vectors, "vectors", self.vectors.shape[1])
        if not len(new):
            return np.zeros((0, self.coords.shape[1]), dtype=np.float32)
        own = self.coords[: len(self.vectors)]
        near = NeighborGraph.between(new, self.vectors, min(self.n_neighbors, len(own)))
        return place_points(own, near.ids, near.distances, min_dist=self.min_dist, seed=self.seed)

    def with_new(self, vectors: Any) -> "Projection":
        """The map with new vectors on it as its last points; as :meth:`transform`, its own points stay.

        Args:
            vectors: (M, D), or an object with ``.vectors``.

        Raises:
            ArgumentError: as :meth:`transform`.
        """
        placed = self.transform(vectors)
        return replace(self, coords=np.concatenate([self.coords, placed]), new=self.new + len(placed))
