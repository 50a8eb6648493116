"""SharedBatchNorm: the batch norms of a network see the batches of all processes, as its losses do."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from metric_face.losses import ranks


class SharedBatchNorm(TorchFunctionMode):
    """Inside this context a batch norm in training takes mean and variance over the images of all processes.

    The network is left as it is: what it calls is another function, so timm's batch norms with an activation in them
    work too. Every process must come to the same batch norms, with as many images. ``torch.nn.SyncBatchNorm`` does the
    same on GPUs alone.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        shared = _shared_batch_norm if func is F.batch_norm else func
        return shared(*args, **(kwargs or {}))


def has_batch_norm(module: nn.Module) -> bool:
    """Whether a network has batch norms in training mode."""
    return any(
        isinstance(part, nn.modules.batchnorm._BatchNorm) and part.training for part in module.modules()
    )


def _shared_batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """``torch.nn.functional.batch_norm`` over all processes; (B, C, ...) -> (B, C, ...)."""
    world = ranks()
    if not training or world == 1:
        return F.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
    axes = [0, *range(2, x.ndim)]
    shape = [1, -1, *[1] * (x.ndim - 2)]
    with torch.autocast(x.device.type, enabled=False):
        values = x if x.dtype == torch.float64 else x.float()
        count = world * values.numel() // values.shape[1]
        mean = _Sum.apply(values.sum(axes)) / count
        centered = values - mean.view(shape)
        variance = _Sum.apply(centered.square().sum(axes)) / count
        if running_mean is not None and running_var is not None:
            with torch.no_grad():
                running_mean.lerp_(mean.to(running_mean), momentum)
                running_var.lerp_((variance * (count / max(1, count - 1))).to(running_var), momentum)
        scale = (variance + eps).rsqrt()
        scale = scale if weight is None else scale * weight
        result: Tensor = centered * scale.view(shape)
        result = result if bias is None else result + bias.view(shape)
        return result.to(x.dtype)


class _Sum(torch.autograd.Function):
    """The sum over processes; each gets the gradient that all of them have at it."""

    @staticmethod
    def forward(context: Any, own: Tensor) -> Tensor:
        total = own.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, slope: Tensor) -> Tensor:
        total = slope.contiguous().clone()
        dist.all_reduce(total)
        return total
