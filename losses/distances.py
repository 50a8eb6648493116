"""All distances of a batch, their gradient by one matrix product, and a value that carries a known gradient."""

from typing import Any

import torch
from torch import Tensor

DISTANCES = ("euclidean", "squared_euclidean", "cosine")


def all_distances(points: Tensor, distance: str) -> Tensor:
    """Return the (B, B) distances between points (B, D), one matrix product; coincident points get 0.

    The points are centered first: a product of points far from the origin would lose the small distances.
    """
    if distance == "cosine":
        return 1 - points @ points.T
    points = points - points.mean(0)
    product = points @ points.T
    square = product.diagonal().clone()
    total = square[:, None] + square
    away = product.mul_(-2).add_(total)
    # what rounding leaves of zero is zero: its direction is noise, and the root's slope there has no bound
    away.masked_fill_(away <= total.mul_(8 * torch.finfo(points.dtype).eps), 0.0)
    return away.sqrt_() if distance == "euclidean" else away


def gradient_of_distances(points: Tensor, away: Tensor, slope: Tensor, distance: str) -> Tensor:
    """Pull a slope (B, B) by each distance back to the points: (B, D), one matrix product."""
    if distance == "cosine":
        return -((slope + slope.T) @ points)
    pull = 2 * slope if distance == "squared_euclidean" else slope / away.masked_fill(away == 0, torch.inf)
    pull = pull + pull.T
    return pull.sum(1, keepdim=True) * points - pull @ points


class _Known(torch.autograd.Function):
    """A value whose gradient was found together with it."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * scale, None, None


def with_gradient(points: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
    """Return `value` () whose gradient by the points (B, D) is the one given."""
    result: Tensor = _Known.apply(points, value, gradient)
    return result


def poison(points: Tensor) -> Tensor:
    """Return 0, or NaN if any entry is not finite: comparisons alone would let a NaN pass as "no triplet"."""
    return 0.0 * points.detach().sum()


def safe_root(square: Tensor) -> Tensor:
    """The square root, with a slope of zero at zero."""
    zero = square == 0
    return square.masked_fill(zero, 1.0).sqrt().masked_fill(zero, 0.0)
