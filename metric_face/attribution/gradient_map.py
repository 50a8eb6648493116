"""gradient_map: class activation maps of a score, from the last places that a backbone still has.

Of a convolutional network these are its last feature map. Of a transformer the output of the last block is of no use:
a class token is all that is read of it. So the tokens that enter the last block are taken, laid out on their grid,
without class and register tokens.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError
from metric_face.models import EmbeddingModel, ModelOutput

Score = Callable[[ModelOutput], Tensor]
"""From what the model makes of (B, 3, H, W) to one number an image, (B,)."""


def gradient_map(model: EmbeddingModel, images: Tensor, score: Score) -> Floats:
    """Where the score of each image comes from: (B, h, w), at least 0, on the grid of the backbone's last places.

    The map is the positive part of activation times gradient, summed over channels. Where places are averaged, as in
    most convolutional networks, that is Grad-CAM up to a factor; elsewhere it shows what was read at each place, which
    Grad-CAM's averaged gradients do not.

    Args:
        model: in evaluation mode; its parameters are left as they are.
        images: (B, 3, H, W) prepared.
        score: what is explained.

    Raises:
        ArgumentError: the backbone has no places that could be laid out on a grid.

    Reference:
        Selvaraju et al.: Grad-CAM, ICCV 2017; Draelos and Carin: HiResCAM, 2020.
    """
    kept: list[Tensor] = []

    def keep(value: Tensor) -> Tensor:
        seen = value.detach().requires_grad_() if not value.requires_grad else value
        kept.append(seen)
        return seen

    with torch.enable_grad():
        output = _forward(model, images.requires_grad_(False), keep)
        (slopes,) = torch.autograd.grad(score(output).sum(), kept)
    places = (kept[0].detach() * slopes).float()
    return np.asarray(_on_grid(model, places, images.shape).clamp_min(0).numpy())


def _forward(model: EmbeddingModel, images: Tensor, keep: Callable[[Tensor], Tensor]) -> ModelOutput:
    """The model's output, with the last places handed to ``keep``, which returns what goes on in their stead."""
    backbone: Any = model.backbone
    blocks = getattr(backbone, "blocks", None)
    if blocks is not None and hasattr(backbone, "num_prefix_tokens") and len(blocks):
        handle = blocks[-1].register_forward_pre_hook(
            lambda module, arguments: (keep(arguments[0]), *arguments[1:])
        )
        try:
            features = backbone.forward_features(images)
        finally:
            handle.remove()
    else:
        features = keep(backbone.forward_features(images))
    pooled = backbone.forward_head(features) if model.pooling is None else model.pooling(features)
    return model.read(model.projection(pooled))


def _on_grid(model: EmbeddingModel, places: Tensor, shape: torch.Size) -> Tensor:
    """(B, F, h, w), (B, h, w, F) or (B, L, F) -> (B, h, w), summed over channels."""
    backbone: Any = model.backbone
    if places.ndim == 4:
        last = str(getattr(backbone, "output_fmt", "NCHW")).upper().endswith("C")
        return places.sum(dim=3 if last else 1)
    if places.ndim == 3:
        tokens = places[:, int(getattr(backbone, "num_prefix_tokens", 0) or 0) :].sum(dim=2)
        height, width = _token_grid(backbone, tokens.shape[1], shape)
        return tokens.reshape(-1, height, width)
    raise ArgumentError(
        f"run: the features of {type(backbone).__name__} have the shape {tuple(places.shape)} without places, so no "
        "region can be named"
    )


def _token_grid(backbone: Any, count: int, shape: torch.Size) -> tuple[int, int]:
    known = getattr(getattr(backbone, "patch_embed", None), "grid_size", None)
    if known is not None and known[0] * known[1] == count:
        return int(known[0]), int(known[1])
    height = max(1, round((count * shape[2] / shape[3]) ** 0.5))
    if height * (count // height) != count:
        raise ArgumentError(f"run: {count} tokens make no grid for images of {shape[2]} x {shape[3]}")
    return height, count // height
