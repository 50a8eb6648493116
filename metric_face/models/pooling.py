"""From a feature map to one vector: the mean over places, a generalized mean, or the class token."""

from typing import Any

import torch
from torch import Tensor, nn

from metric_face.errors import ArgumentError

POOLINGS = ("auto", "avg", "gem", "token")


class GeM(nn.Module):
    """The generalized mean over places, ``mean(max(x, eps) ** p) ** (1 / p)``, with a learned exponent.

    With p = 1 it is the mean, with a large p the maximum. Values below ``eps`` count as ``eps``, which suits maps that
    end in a ReLU.

    Args:
        p: where the exponent starts.
        eps: smallest value.

    Reference:
        Radenovic et al., "Fine-tuning CNN Image Retrieval with No Human Annotation", TPAMI 2019.
    """

    def __init__(self, p: float = 3.0, eps: float = 1e-6) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor([p]))
        self.eps = eps

    def forward(self, places: Tensor) -> Tensor:
        """(B, L, F) -> (B, F)."""
        powers: Tensor = places.float().clamp_min(self.eps) ** self.p
        return powers.mean(dim=1) ** (1 / self.p)


class Pooling(nn.Module):
    """Pool what a timm model's ``forward_features`` gives.

    Args:
        kind: ``avg``, ``gem`` or ``token``.
        model: the timm model, which is asked where its channels are, and how many tokens stand before the places.

    Raises:
        ArgumentError: ``token`` of a model without a class token.
    """

    def __init__(self, kind: str, model: Any) -> None:
        super().__init__()
        self.kind = kind
        self.channels = int(model.num_features)
        self.last = str(getattr(model, "output_fmt", "NCHW")).upper().endswith("C")
        self.tokens = int(getattr(model, "num_prefix_tokens", 0) or 0)
        self.gem: nn.Module = GeM() if kind == "gem" else nn.Identity()
        if kind == "token" and not self.tokens:
            raise ArgumentError(
                f"model.pooling=token: {type(model).__name__} has no class token; use auto, avg or gem"
            )

    def forward(self, features: Tensor) -> Tensor:
        """(B, F, H, W), (B, H, W, F) or (B, L, F) -> (B, F)."""
        if features.ndim == 4:
            is_first, is_last = features.shape[1] == self.channels, features.shape[3] == self.channels
            last = is_last and (self.last or not is_first)
            places = features.flatten(1, 2) if last else features.flatten(2).transpose(1, 2)
        else:
            if self.kind == "token":
                return features[:, 0]
            places = features[:, self.tokens :]
        return self.gem(places) if self.kind == "gem" else places.mean(dim=1)
