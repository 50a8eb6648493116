"""A loss of pytorch-metric-learning with its miner, called and kept as ours are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .checks import check_batch


class PMLLoss(nn.Module):
    """A loss of pytorch-metric-learning, with its miner, called as ours: (embeddings, labels, indices).

    Its trainable parameters (the class vectors of ``ArcFaceLoss``) are this module's, so they reach the
    optimizer and the checkpoint with it. Arithmetic is float32 or better, also under autocast. With a miner
    and `indices`, mined pairs of two copies of one image are dropped; without a miner the loss builds its
    pairs itself and copies count as positives. The sampler is the one that the wrapped loss asks for.

    Args:
        loss: any object with ``loss(embeddings, labels, indices_tuple)``.
        miner: any object with ``miner(embeddings, labels)``, or None.
    """

    def __init__(self, loss: nn.Module, miner: nn.Module | None = None) -> None:
        super().__init__()
        self.loss = loss
        self.miner = miner

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor | Sequence[int],
        indices: Tensor | Sequence[int] | None = None,
    ) -> Tensor:
        """Return the loss () of embeddings (B, D) with labels (B,); indices (B,) name the images."""
        labels, indices = check_batch(embeddings, labels, indices)
        with torch.autocast(embeddings.device.type, enabled=False):
            points = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
            mined = None
            if self.miner is not None:
                mined = self.miner(points, labels)
                if indices is not None:
                    mined = _without_copies(mined, indices)
            value: Tensor = self.loss(points, labels, mined)
        return value

    def get_extra_state(self) -> dict[str, dict[str, Any]]:
        """What their modules keep beside parameters and buffers, such as a memory's ``queue_idx``."""
        kept = {name: _plain_attributes(module) for name, module in self.named_modules() if name}
        return {name: values for name, values in kept.items() if values}

    def set_extra_state(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Take up what :meth:`get_extra_state` gave."""
        for name, values in state.items():
            module = self.get_submodule(name)
            for key, value in values.items():
                setattr(module, key, value)


_PLAIN = (bool, int, float, str, Tensor, type(None))


def _plain_attributes(module: nn.Module) -> dict[str, Any]:
    """Numbers, texts and tensors that a module keeps as attributes of its own, which no state dict holds."""
    values = {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in vars(module).items()
        if not key.startswith("_") and key != "training"
    }
    return {key: value for key, value in values.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str | int) and _is_plain(item) for key, item in value.items())
    return isinstance(value, _PLAIN)


def _without_copies(mined: tuple[Tensor, ...], indices: Tensor) -> tuple[Tensor, ...]:
    keep = indices[mined[0]] != indices[mined[1]]
    if len(mined) == 3:
        return tuple(column[keep] for column in mined)
    return mined[0][keep], mined[1][keep], *mined[2:]
