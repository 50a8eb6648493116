"""Count the triplets of a batch that violate a margin, without ever listing them.

An anchor with M positives and N negatives has M x N triplets; a batch has up to B^3 / 4. For the hinge only
two integers per entry of the B x B distance matrix matter: how many negatives each positive is violated by,
and how many positives each negative violates. With an anchor's positives sorted, a negative at distance d
violates those beyond d - margin, which is one binary search; the counts of the positives are a prefix sum
over where those searches land. That is O(B^2 log M) time and, taken a block of anchors at a time, O(B^2)
memory with a small constant.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 1 << 17
"""Entries of the distance matrix handled at once: the scratch then stays in the processor's cache."""


@dataclass(frozen=True)
class Violations:
    """The summed cost of all triplets and its derivative by each distance."""

    cost: Tensor
    """() sum of the triplet costs, float64 where the device has it."""
    slope: Tensor
    """(B, B) derivative of `cost` by the distance from anchor (row) to other (column)."""
    active: Tensor
    """() number of triplets with a cost above zero, int64."""


def hinge_violations(
    distances: Tensor, positive: Tensor, negative: Tensor, margin: float, beyond_positive: bool
) -> Violations:
    """Sum max(0, d_ap - d_an + margin) over all triplets (a, p, n), exactly.

    Args:
        distances: (B, B) from anchor (row) to other (column).
        positive: (B, B) bool, which columns are positives of the row.
        negative: (B, B) bool, which columns are negatives of the row.
        margin: the hinge's margin.
        beyond_positive: only negatives farther than the positive, d_ap < d_an (semi-hard triplets).

    Returns:
        The cost, its slope and the number of active triplets.
    """
    slope = torch.zeros_like(distances)
    cost = distances.new_zeros((), dtype=_wide(distances))
    active = torch.zeros((), dtype=torch.int64, device=distances.device)
    for rows, nearest, column, count in _sorted_positives(distances, positive):
        d, foe = distances[rows], negative[rows]
        # positives at sorted places [first, last) are the ones that this column violates, if it is a negative
        first = torch.searchsorted(nearest, d - margin, right=True)
        last = count.expand_as(first)
        if beyond_positive:
            last = torch.minimum(torch.searchsorted(nearest, d), last)
        last = torch.where(foe, last, 0)
        first = torch.minimum(first, last)
        struck = _covered(first, last, nearest.shape[1])
        active += struck.sum()
        here = (first - last).to(d.dtype).scatter_add_(1, column, struck.to(d.dtype))
        slope[rows] = here
        # the hinge is linear in the distances once the active set is known
        cost += torch.linalg.vecdot(here, d).sum(dtype=cost.dtype)
    return Violations(cost + margin * active.to(cost.dtype), slope, active)


def softplus_violations(
    distances: Tensor, positive: Tensor, negative: Tensor, beyond_positive: bool
) -> Violations:
    """Sum log(1 + exp(d_ap - d_an)) over all triplets, one sorted positive at a time: O(B^2 M).

    Every triplet costs something, so no search can leave any out. Arguments and result are those of
    `hinge_violations`; there is no margin.
    """
    slope = torch.zeros_like(distances)
    cost = distances.new_zeros((), dtype=_wide(distances))
    active = torch.zeros((), dtype=torch.int64, device=distances.device)
    for rows, nearest, column, count in _sorted_positives(distances, positive):
        d, foe = distances[rows], negative[rows]
        for place in range(nearest.shape[1]):
            here = nearest[:, place : place + 1]
            member = foe & (place < count)
            if beyond_positive:
                member = member & (d > here)
            gap = torch.where(member, here - d, -torch.inf)
            pull = torch.sigmoid(gap)
            cost += torch.nn.functional.softplus(gap).sum(dtype=cost.dtype)
            active += member.sum()
            slope[rows] -= pull
            slope[rows] = slope[rows].scatter_add_(1, column[:, place : place + 1], pull.sum(1, keepdim=True))
    return Violations(cost, slope, active)


def _wide(tensor: Tensor) -> torch.dtype:
    return torch.float32 if tensor.device.type == "mps" else torch.float64


def _sorted_positives(distances: Tensor, positive: Tensor) -> Iterator[tuple[slice, Tensor, Tensor, Tensor]]:
    """Yield blocks of anchors: their rows, their positives' distances ascending (rows padded with
    infinity), the columns those came from, and how many are real."""
    batch = distances.shape[0]
    most = int(positive.sum(1).max())
    step = max(1, BLOCK // batch)
    for start in range(0, batch, step):
        rows = slice(start, start + step)
        near = torch.where(positive[rows], distances[rows], torch.inf)
        nearest, column = near.topk(most, dim=1, largest=False, sorted=True)
        yield rows, nearest, column, positive[rows].sum(1, keepdim=True)


def _covered(first: Tensor, last: Tensor, places: int) -> Tensor:
    """For each row, how many of its intervals [first, last) cover each of the `places`."""
    edges = torch.zeros(first.shape[0], places + 1, dtype=torch.int64, device=first.device)
    edges.scatter_add_(1, first, edges.new_ones(()).expand_as(first))
    edges.scatter_add_(1, last, edges.new_full((), -1).expand_as(last))
    return edges.cumsum(1)[:, :places]
