"""Share a total out in whole numbers, in proportion and within bounds."""

from typing import Any

import numpy as np
import numpy.typing as npt

from metric_face.arrays import Doubles, Ints

from .dealing import shuffled_within

_ROUNDING = 1e-9  # a share of 2.9999999999 is a 3 that went through floating point


def apportion(
    weight: Doubles,
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

    def add(values: Doubles | Ints) -> Doubles:
        return add_up(group, values, groups)

    if (add(lower) == total).all():
        return lower.copy()
    low, high = np.zeros(groups), np.zeros(groups)
    np.maximum.at(high, group, upper / weight)
    scale = high.copy()
    for _ in range(200):
        exact = np.clip(scale[group] * weight, lower, upper)
        share, ceiling = np.floor(exact + _ROUNDING), np.ceil(exact - _ROUNDING)
        excess = add(exact) - total
        settled = (abs(excess) < 0.5) & (add(share) <= total) & (total <= add(ceiling))
        if settled.all():
            break
        low, high = np.where(excess < 0, scale, low), np.where(excess < 0, high, scale)
        scale = np.where(settled, scale, (low + high) / 2)
    share, ceiling = share.astype(np.int64), ceiling.astype(np.int64)
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


def add_up(group: Ints, values: npt.NDArray[Any], groups: int) -> Doubles:
    """(G,) the sum of the values of each group."""
    return np.bincount(group, values, groups).astype(np.float64)
