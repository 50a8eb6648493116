"""Features of photographs that need no training: histograms of gradients, reduced to their principal axes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, CELL, DIRECTIONS = 96, 8, 9


def gradients(paths: Sequence[Path]) -> NDArray[np.float32]:
    """(N, F) histograms of gradient directions in cells of 8 x 8 pixels, normalized over 2 x 2 cells."""
    return np.stack([_histograms(path) for path in paths])


def principal_axes(
    features: NDArray[np.float32], fitted: NDArray[np.int64], axes: int = 256
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The map from features (M, F) to coordinates (M, axes) along the principal axes of the fitted rows."""
    from sklearn.utils.extmath import randomized_svd

    center = features[fitted].mean(axis=0)
    directions = randomized_svd(features[fitted] - center, axes, n_iter=2, random_state=0)[2]

    def turn(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray((rows - center) @ directions.T, dtype=np.float32)

    return turn


def _histograms(path: Path) -> NDArray[np.float32]:
    with Image.open(path) as image:
        gray = np.asarray(
            image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float32
        )
    down, across = np.gradient(gray / 255)
    strength = np.hypot(down, across)
    direction = (np.arctan2(down, across) % np.pi) / np.pi * DIRECTIONS
    cells = SIDE // CELL
    place = np.add.outer(np.arange(SIDE) // CELL * cells, np.arange(SIDE) // CELL) * DIRECTIONS
    bins = place + np.minimum(direction.astype(np.int64), DIRECTIONS - 1)
    counts = np.bincount(bins.ravel(), weights=strength.ravel(), minlength=cells * cells * DIRECTIONS)
    grid = counts.reshape(cells, cells, DIRECTIONS)
    blocks = np.concatenate([grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]], axis=2)
    blocks = blocks / np.sqrt(np.square(blocks).sum(axis=2, keepdims=True) + 1e-3)
    return blocks.ravel().astype(np.float32)
