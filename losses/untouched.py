"""Look at a model without leaving a trace in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

# the registries of a module are filled in place and handled one by one; everything else is put back as it was
_REGISTRIES = {"_parameters", "_buffers", "_modules"}


@contextmanager
def untouched(*modules: nn.Module) -> Iterator[None]:
    """Run a block with gradients on, and put back what it changed in the modules and in torch's generators.

    Put back are buffers (the running statistics of a batch norm, the history of a loss), plain attributes
    (the statistics of a `TripletLoss`, the training flag) and the state of the CPU's random generator and of
    those of the modules' CUDA devices. Parameters and their ``.grad`` are not copied: the block must take
    gradients with ``torch.autograd.grad`` and step no optimizer.

    Args:
        modules: to protect, with their submodules.
    """
    every = {id(m): m for module in modules for m in module.modules()}.values()
    kept = [(m, _attributes(m), dict(m._buffers), [_copy(b) for b in m._buffers.values()]) for m in every]
    tensors = [t for m in modules for t in (*m.parameters(), *m.buffers())]
    devices = {t.device.index for t in tensors if t.device.type == "cuda"}
    try:
        with torch.random.fork_rng(devices=sorted(devices)), torch.enable_grad():
            yield
    finally:
        with torch.no_grad():
            for module, attributes, buffers, values in kept:
                for name in set(vars(module)) - attributes.keys() - _REGISTRIES:
                    delattr(module, name)
                module.__dict__.update(attributes)
                module._buffers.update(buffers)
                for buffer, value in zip(buffers.values(), values, strict=True):
                    if buffer is not None:
                        buffer.copy_(value)


def _attributes(module: nn.Module) -> dict[str, Any]:
    return {name: _copy(value) for name, value in vars(module).items() if name not in _REGISTRIES}


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value
