"""A loss of numbers: how well a distribution that a head predicts foretells a continuous attribute."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metric_face.errors import ArgumentError


class NumberLoss(nn.Module):
    """How far the log likelihood of numbers under logistic distributions is below the highest possible one; the mean.

    For a number y, a location v and a scale s it is log(s / least) + z + 2 log(1 + exp(-z)) - 2 log 2, where
    z = (y - v) / s. It is never below 0, grows like the absolute error where that is large and like its square where it
    is small, and learns from the errors how large s should be. Arithmetic is float32 or better.

    Args:
        targets: (N,) the numbers of the N training images; they are not part of the state dict.
        least: smallest scale that the distribution can have, above 0.
    """

    targets: Tensor

    def __init__(self, targets: Tensor, least: float) -> None:
        super().__init__()
        if targets.ndim != 1 or not bool(targets.isfinite().all()):
            raise ArgumentError(f"targets must be (N,) finite numbers, found {tuple(targets.shape)}")
        if not least > 0:
            raise ArgumentError(f"least must be above 0, found {least!r}")
        self.least = least
        self.register_buffer("targets", targets.float(), persistent=False)

    def forward(
        self, predicted: Tensor, rows: Tensor, partners: Tensor | None = None, shares: Tensor | None = None
    ) -> Tensor:
        """Return the loss ().

        Args:
            predicted: (B, 2) location and logarithm of the scale.
            rows: (B,) of the training images.
            partners: (B,) rows of the images that were mixed in; None where none were.
            shares: (B,) of the images themselves; the number of a mixed image is the mean by these.
        """
        if predicted.ndim != 2 or predicted.shape[1] != 2:
            raise ArgumentError(f"predicted must be (B, 2), found {tuple(predicted.shape)}")
        if not len(rows):
            return predicted.sum()
        wide = predicted.to(torch.promote_types(predicted.dtype, torch.float32))
        wanted = self.targets[rows].to(wide)
        if partners is not None and shares is not None:
            share = shares.to(wide)
            wanted = share * wanted + (1 - share) * self.targets[partners].to(wide)
        location, log_scale = wide.unbind(1)
        z = (wanted - location) / log_scale.exp()
        even = 2 * torch.tensor(2.0).log().to(wide)
        cost = log_scale - torch.tensor(self.least).log().to(wide) + z + 2 * F.softplus(-z) - even
        return cost.mean()

    def extra_repr(self) -> str:
        return f"{len(self.targets)}, least={self.least:g}"
