"""Step along two or more losses without undoing one by another."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import torch
from torch import Tensor, nn

from metric_face.errors import ArgumentError, MissingExtraError


def pcgrad_backward(losses: Sequence[Tensor], parameters: Sequence[nn.Parameter]) -> None:
    """Add to ``.grad`` the sum of the losses' gradients, each without what opposes another one.

    Where g_i and g_j oppose each other (g_i . g_j < 0), g_i is projected onto the plane normal to g_j; then all
    are summed. For two losses the order does not matter; for more they are projected in the order given (the
    paper draws it at random). A parameter that only one loss reaches (its head) takes that gradient as it is.
    Costs one backward pass for each loss.

    Args:
        losses: scalars () with a common graph.
        parameters: to which the gradients are taken; those that several losses reach make up one vector.

    Reference:
        Yu et al.: Gradient Surgery for Multi-Task Learning, NeurIPS 2020, algorithm 1.
    """
    wanted = _check(losses, parameters)
    rows = [torch.autograd.grad(x, wanted, retain_graph=True, allow_unused=True) for x in losses]
    reached = [[g for g in column if g is not None] for column in zip(*rows, strict=True)]
    steps = [sum(g[1:], g[0]) if g else torch.zeros_like(p) for g, p in zip(reached, wanted, strict=True)]
    shared = [place for place, g in enumerate(reached) if len(g) > 1]
    if shared:
        slopes = torch.stack([_flat([row[k] for k in shared], [wanted[k] for k in shared]) for row in rows])
        projected = slopes.clone()
        for i, j in permutations(range(len(losses)), 2):
            against = torch.dot(projected[i], slopes[j]).clamp_max(0.0)
            projected[i] -= against / slopes[j].square().sum().clamp_min(1e-30) * slopes[j]
        for k, step in zip(
            shared, torch.split(projected.sum(0), [wanted[k].numel() for k in shared]), strict=True
        ):
            steps[k] = step.view_as(wanted[k]).to(wanted[k].dtype)
    for parameter, step in zip(wanted, steps, strict=True):
        parameter.grad = step if parameter.grad is None else parameter.grad + step


def torchjd_backward(losses: Sequence[Tensor], parameters: Sequence[nn.Parameter], aggregator: Any) -> None:
    """Add to ``.grad`` what an aggregator of TorchJD makes of the losses' gradients.

    Args:
        losses: scalars () with a common graph.
        parameters: to which the gradients are taken.
        aggregator: such as ``torchjd.aggregation.UPGrad()``; called with the Jacobian (losses, parameters).

    Raises:
        MissingExtraError: if torchjd is not installed.

    Reference:
        Quinton, Rey: Jacobian Descent for Multi-Objective Optimization, arXiv 2406.16232, 2024.
    """
    wanted = _check(losses, parameters)
    try:
        from torchjd.autojac import backward, jac_to_grad
    except ImportError as error:
        raise MissingExtraError(
            f"aggregator {aggregator!r} needs torchjd, which is not installed: pip install 'metric_face[torchjd]'"
        ) from error
    backward(list(losses), inputs=wanted, retain_graph=True)
    jac_to_grad(wanted, aggregator)


def _check(losses: Sequence[Tensor], parameters: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    if len(losses) < 2:
        raise ArgumentError(
            f"losses must be two or more, found {len(losses)}: one needs no surgery, call backward()"
        )
    wanted = [p for p in parameters if p.requires_grad]
    if not wanted:
        raise ArgumentError("parameters must hold one that requires a gradient, found none")
    return wanted


def _flat(slope: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> Tensor:
    pairs = zip(slope, parameters, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten().float() for g, p in pairs])
