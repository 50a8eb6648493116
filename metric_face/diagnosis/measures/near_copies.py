"""Near copies across the split: a held-out image far nearer to a training image than that image's own neighborhood.

A threshold for the whole set accuses every image of a class that is tighter than the rest. So each distance is divided
by the local scale of the training neighbor: the median distance to its own nearest training images of other
identities. What ratio is usual, and how many identities lie below the threshold by chance, is read from training
images among themselves.
"""

from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Bools, Doubles, Floats, Ints

FAR_OUT = 6.0
"""Robust standard deviations of the log ratio below its median."""
FEWEST_PAIRS = 20
FEWEST_LOCAL = 3
"""Training neighbors that a local scale needs."""
BY_CHANCE = 1e-2
"""Probability that as many identities lie below the threshold by chance."""


@dataclass(frozen=True)
class NearCopies:
    """Held-out rows beside their training neighbors.

    Attributes:
        rows: (n,) held-out rows below the threshold, the nearest first.
        twins: (n,) the training row of each.
        ratio: the threshold: distance over local scale.
        identities: held-out identities among ``rows``.
        expected: identities that would lie there by chance, going by training images among themselves.
        nearest: (H,) training row nearest to each held-out row.
        closeness: (H,) similarity of those; -inf where there is none among the neighbors kept.
    """

    rows: Ints
    twins: Ints
    ratio: float
    identities: int
    expected: float
    nearest: Ints
    closeness: Doubles

    @property
    def beyond_chance(self) -> bool:
        """Whether there are more identities than chance would put there."""
        from scipy.stats import poisson

        return bool(poisson.sf(self.identities - 1, self.expected) < BY_CHANCE)


def near_copies(ids: Ints, similarities: Floats, identities: Ints, train: Ints, held: Ints) -> NearCopies:
    """Compare held-out rows with training rows of other identities.

    Args:
        ids: (N, K) nearest rows of other identities, -1 where there are fewer.
        similarities: (N, K) their cosines.
        identities: (N,) identities.
        train: training rows.
        held: held-out rows.

    Returns:
        The rows below the threshold, with what chance would give; none where fewer than 20 training rows have a
        training neighbor with a scale of its own.
    """
    in_train = np.zeros(len(ids), dtype=bool)
    in_train[train] = True
    scale = _local_scale(ids, similarities, in_train)
    usual, _, _ = _ratios(ids, similarities, train, in_train, scale)
    across, who, closeness = _ratios(ids, similarities, held, in_train, scale)
    known = np.isfinite(usual)
    if int(known.sum()) < FEWEST_PAIRS:
        return NearCopies(held[:0], held[:0], 0.0, 0, 0.0, who, closeness)
    low, middle, high = np.quantile(usual[known], [0.25, 0.5, 0.75])
    threshold = float(middle - FAR_OUT * max((high - low) / 1.349, 1e-3))
    below = np.flatnonzero(np.isfinite(across) & (across < threshold))
    below = below[np.argsort(across[below], kind="stable")]
    by_chance = len(np.unique(identities[train[known & (usual < threshold)]]))
    sides = [len(np.unique(identities[side])) for side in (held, train)]
    expected = (by_chance + 0.5) * sides[0] / max(sides[1], 1)
    count = len(np.unique(identities[held[below]]))
    return NearCopies(held[below], who[below], float(np.exp(threshold)), count, expected, who, closeness)


def _local_scale(ids: Ints, similarities: Floats, in_train: Bools) -> Doubles:
    """(N,) median distance to the training rows among the neighbors; NaN where there are fewer than three."""
    good = (ids >= 0) & in_train[ids]
    far = np.where(good, np.maximum(1 - similarities.astype(np.float64), 1e-9), np.nan)
    enough = good.sum(axis=1) >= FEWEST_LOCAL
    scale = np.full(len(ids), np.nan)
    scale[enough] = np.nanmedian(far[enough], axis=1)
    return scale


def _ratios(
    ids: Ints, similarities: Floats, rows: Ints, in_train: Bools, scale: Doubles
) -> tuple[Doubles, Ints, Doubles]:
    """Log of distance over the neighbor's scale, the nearest training neighbor, and its similarity."""
    near, close = ids[rows], similarities[rows].astype(np.float64)
    close = np.where((near >= 0) & in_train[near], close, -np.inf)
    best = close.argmax(axis=1)
    at = np.arange(len(rows))
    who, closeness = near[at, best], close[at, best]
    found = np.isfinite(closeness)
    ratio = np.full(len(rows), np.nan)
    ratio[found] = np.log(np.maximum(1 - closeness[found], 1e-9)) - np.log(scale[who[found]])
    return ratio, who, closeness
