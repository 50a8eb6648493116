"""What every loss of ours keeps, as asserts: a new loss gets its tests by calling them."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

Loss = Callable[..., Tensor]


def assert_slope_is_derivative(loss: Loss, points: Tensor, *rest: Tensor) -> None:
    """The gradient agrees with central differences in float64."""
    free = points.double().detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: loss(p, *rest), (free,), eps=1e-6, atol=1e-6, rtol=1e-4)


def assert_same_value_and_slope(one: Loss, other: Loss, points: Tensor, tolerance: float) -> None:
    """Two functions of the points agree in value and in gradient, relative to their size."""
    (a, slope_a), (b, slope_b) = value_and_slope(one, points), value_and_slope(other, points)
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(slope_a, slope_b, rtol=tolerance, atol=tolerance)


def assert_order_does_not_matter(loss: Loss, points: Tensor, *rest: Tensor) -> None:
    """Shuffling the batch shuffles the gradient and leaves the value."""
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(3))
    value, slope = value_and_slope(lambda p: loss(p, *rest), points)
    moved, moved_slope = value_and_slope(lambda p: loss(p, *(r[order] for r in rest)), points[order])
    torch.testing.assert_close(value, moved)
    torch.testing.assert_close(slope[order], moved_slope)


def assert_float32_under_autocast(loss: Loss, points: Tensor, *rest: Tensor) -> None:
    """bfloat16 in, the float32 result of the same numbers out, with a gradient in bfloat16."""
    coarse = points.detach().bfloat16().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(coarse, *rest)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(coarse.detach().float(), *rest))
    value.backward()
    assert coarse.grad is not None
    assert coarse.grad.dtype == torch.bfloat16
    assert coarse.grad.isfinite().all()


def assert_finite(loss: Loss, points: Tensor, *rest: Tensor) -> None:
    """Value and gradient are finite."""
    value, slope = value_and_slope(lambda p: loss(p, *rest), points)
    assert value.isfinite()
    assert slope.isfinite().all()


def assert_idle_but_differentiable(loss: Loss, points: Tensor, *rest: Tensor) -> None:
    """The value is zero, and backward gives a gradient of zeros instead of an error."""
    value, slope = value_and_slope(lambda p: loss(p, *rest), points)
    assert value == 0
    assert torch.equal(slope, torch.zeros_like(points))


def assert_nan_is_not_silent(loss: Loss, points: Tensor, *rest: Tensor) -> None:
    """One NaN among the inputs makes the value NaN."""
    spoilt = points.clone()
    spoilt[0, 0] = torch.nan
    assert loss(spoilt, *rest).isnan()


def assert_state_travels(loss: nn.Module, *inputs: object) -> None:
    """A fresh copy that loads the state dict gives the same next value."""
    fresh = copy.deepcopy(loss)
    for tensor in (*fresh.parameters(), *fresh.buffers()):
        tensor.data.fill_(1)
    fresh.load_state_dict(loss.state_dict())
    torch.testing.assert_close(loss(*inputs), fresh(*inputs))


def value_and_slope(loss: Loss, points: Tensor) -> tuple[Tensor, Tensor]:
    """The value at the points and the gradient there."""
    free = points.detach().clone().requires_grad_()
    value = loss(free)
    value.backward()
    assert free.grad is not None
    return value.detach(), free.grad
