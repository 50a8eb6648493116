"""Occlusion and deletion: what becomes of a score when patches of an image are covered by the mean color."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.attribution.result import DeletionCheck

_BATCH = 32
ScoreOf = Callable[[Tensor], Tensor]
"""From images (B, 3, H, W) to scores (B,)."""


def occlusion_map(image: Tensor, score: ScoreOf, side: int) -> Floats:
    """How much the score falls when each of ``side`` x ``side`` patches is covered: (side, side), of either sign.

    Args:
        image: (3, H, W) prepared; zero is the mean color.
        score: what is explained.
        side: patches along each side.
    """
    patches = patch_masks(image.shape[1], image.shape[2], side)
    covered = [image * ~patch for patch in patches]
    whole = scores_of([image], score)[0]
    return np.asarray((whole - scores_of(covered, score)).reshape(side, side), np.float32)


def faithfulness(
    image: Tensor,
    score: ScoreOf,
    maps: Mapping[str, Floats],
    *,
    orders: int = 10,
    steps: int = 16,
    seed: int = 0,
) -> dict[str, DeletionCheck]:
    """Compare the deletion curve of each map's own order with those of random orders of the same patches.

    Patches are covered by the mean color, the highest first; the area is the mean of the score over the curve, so a map
    that names what matters has a small one.

    Args:
        image: (3, H, W) prepared.
        score: what is explained.
        maps: by name, each (s, s) by patch.
        orders: random orders, which all maps are compared with.
        steps: points of a curve beside its start.
        seed: of the random orders.
    """
    side = len(next(iter(maps.values())))
    patches = patch_masks(image.shape[1], image.shape[2], side)
    rng = np.random.default_rng(seed)
    # Equal values have no order of their own: a flat map must not gain by reading from the top left.
    ties = rng.permutation(side * side)
    random = tuple(_area(image, score, patches, rng.permutation(side * side), steps) for _ in range(orders))
    found = {}
    for name, values in maps.items():
        own = np.lexsort((ties, -values.ravel()))
        found[name] = DeletionCheck(_area(image, score, patches, own, steps), random)
    return found


def patch_masks(height: int, width: int, side: int) -> Tensor:
    """(side * side, 1, H, W) which pixels are of each patch; every pixel is of one."""
    rows = torch.arange(height) * side // height
    columns = torch.arange(width) * side // width
    places = rows[:, None] * side + columns[None]
    return (places[None] == torch.arange(side * side)[:, None, None])[:, None]


def to_patches(values: Floats, side: int) -> Floats:
    """A map (h, w) as the mean over each of ``side`` x ``side`` patches, bilinear where it is coarser."""
    whole = torch.from_numpy(np.ascontiguousarray(values, np.float32))[None, None]
    resized = torch.nn.functional.interpolate(
        whole, (8 * side, 8 * side), mode="bilinear", align_corners=False
    )
    pooled: Floats = torch.nn.functional.avg_pool2d(resized, 8)[0, 0].numpy()
    return pooled


def scores_of(images: list[Tensor], score: ScoreOf) -> Doubles:
    """The scores (N,) of images, in batches."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            found.append(score(torch.stack(images[start : start + _BATCH])).double().numpy())
    return np.concatenate(found)


def _area(image: Tensor, score: ScoreOf, patches: Tensor, order: Ints, steps: int) -> float:
    counts = np.unique(np.linspace(0, len(order), min(steps, len(order)) + 1).round().astype(int))
    curve = [image * ~patches[order[:count].tolist()].any(dim=0) if count else image for count in counts]
    scores = scores_of(curve, score)
    return float(np.trapezoid(scores, counts) / counts[-1])
