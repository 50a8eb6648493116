"""Share a total out in whole numbers, in proportion and within bounds."""

import numpy as np
import numpy.typing as npt

from .dealing import shuffled_within
from .labels import Ints

_ROUNDING = 1e-9  # a share of 2.9999999999 is a 3 that went through floating point


def apportion(
    weight: npt.NDArray[np.float64],
    lower: Ints,
    upper: Ints,
    group: Ints,
    total: Ints,
    rng: np.random.Generator,
) -> Ints:
    """Share each group's total among its members, in proportion to weight as far as the bounds allow.

    The share of member i is s * weight[i], held between its bounds, with the one s that makes the group's
    shares add up (water-filling). Shares are rounded down, and what is left over goes, one each, to members
    drawn at random among those that were rounded.

    Args:
        weight: (N,) positive.
        lower, upper: (N,) bounds; in each group their sums enclose the total.
        group: (N,) the group of each member, in [0, G).
        total: (G,) what each group shares out.
        rng: where the randomness comes from.

    Returns:
        (N,) whole numbers within the bounds that add up to total in each group.
    """
    groups = total.size

    def add(values: npt.NDArray[np.float64] | Ints) -> npt.NDArray[np.float64]:
        return np.bincount(group, weights=values, minlength=groups)

    if (add(lower) == total).all():
        return lower.copy()
    low = np.zeros(groups)
    high = np.zeros(groups)
    np.maximum.at(high, group, upper / weight)
    for _ in range(64):
        middle = (low + high) / 2
        if not ((low < middle) & (middle < high)).any():
            break
        enough = add(np.clip(middle[group] * weight, lower, upper)) >= total
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    exact = np.clip(high[group] * weight, lower, upper)
    share = np.floor(exact + _ROUNDING).astype(np.int64)
    ceiling = np.ceil(exact - _ROUNDING).astype(np.int64)
    missing = total - add(share).astype(np.int64)
    while (missing > 0).any():
        candidates = np.flatnonzero((share < ceiling) & (missing > 0)[group])
        order = candidates[shuffled_within(group[candidates], rng)]
        count = np.bincount(group[order], minlength=groups)
        rank = np.arange(order.size) - np.repeat(np.cumsum(count) - count, count)
        share[order[rank < missing[group[order]]]] += 1
        missing = total - add(share).astype(np.int64)
        ceiling = upper
    return share
