"""Several metric losses of one batch, with weights, in the place of one."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from metric_face.errors import ArgumentError


class SummedLosses(nn.Module):
    """A weighted sum of metric losses, called as one: (embeddings, labels, indices).

    ::

        summed = SummedLosses({"triplet": (TripletLoss(0.2), 1.0), "proxies": (proxy_anchor, 0.5)})
        summed(embeddings, labels, indices).backward()
        summed.parts  # {"triplet": tensor(0.18), "proxies": tensor(9.2)}

    Their own parameters and buffers are this module's.

    Args:
        losses: name -> (loss, weight).

    Raises:
        ArgumentError: there is none, or a weight is not above 0.
    """

    def __init__(self, losses: Mapping[str, tuple[nn.Module, float]]) -> None:
        super().__init__()
        if not losses:
            raise ArgumentError("losses must name at least one metric loss, found none")
        for name, (_, weight) in losses.items():
            if not weight > 0:
                raise ArgumentError(f"losses: the weight of {name!r} must be above 0, found {weight!r}")
        self.names = tuple(losses)
        self.weights = tuple(weight for _, weight in losses.values())
        self.losses = nn.ModuleList(loss for loss, _ in losses.values())  # a name may hold a dot
        self.parts: dict[str, Tensor] = {}
        """Name -> what each loss was in the last batch, without its weight or a gradient."""

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor | Sequence[int],
        indices: Tensor | Sequence[int] | None = None,
    ) -> Tensor:
        """Return the sum () of the losses of embeddings (B, D) with labels (B,); indices (B,) name the images."""
        values = [loss(embeddings, labels, indices) for loss in self.losses]
        self.parts = {name: value.detach() for name, value in zip(self.names, values, strict=True)}
        return torch.stack([weight * value for weight, value in zip(self.weights, values, strict=True)]).sum()
