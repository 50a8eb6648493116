"""Where else the boundaries of a binned attribute could lie: the nearest values that its training images have."""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

Cuts = tuple[float, ...]

BELOW, ABOVE = 2, 1
"""Values that a boundary is moved past, on each side."""
_MOST_VALUES = 200
"""Where there are more different values, it is moved by quantiles of half a percent."""


def moved_cuts(cuts: Cuts, values: ArrayLike) -> list[tuple[float, Cuts]]:
    """Move one boundary at a time.

    Args:
        cuts: (C - 1,) ascending; a value v has the class that is the number of cuts <= v.
        values: (N,) the numbers behind the classes of the training images.

    Returns:
        The boundary that was moved, and all of them with it moved; every class keeps a training image. Cuts (30, 60) of
        ages in whole years become (30, 58), (30, 59) and (30, 61), and likewise for 30.
    """
    numbers = np.unique(np.asarray(values, dtype=float))
    levels = numbers
    if len(numbers) > _MOST_VALUES:
        shares = np.linspace(0, 1, _MOST_VALUES + 1)
        levels = np.unique(np.quantile(np.asarray(values, dtype=float), shares))
    found = []
    for place, cut in enumerate(cuts):
        near = [*levels[levels < cut][-BELOW:], *levels[levels > cut][:ABOVE]]
        for level in near:
            moved = (*cuts[:place], float(level), *cuts[place + 1 :])
            ascending = all(low < high for low, high in pairwise(moved))
            if ascending and len(np.unique(np.searchsorted(moved, numbers, side="right"))) == len(cuts) + 1:
                found.append((cut, moved))
    return found
