"""Properties of an image that no label should hang on: brightness, contrast, sharpness, color, size, marks.

A mark (a stamp, a border, a date) is bright or dark in one of nine regions, measured against the whole image.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Doubles, Ints
from metric_face.diagnosis.context import Context
from metric_face.errors import ImageError

PROPERTIES = (
    "brightness",
    "contrast",
    "sharpness",
    "color",
    "warmth",
    "left_right",
    "up_down",
    "top_left",
    "top",
    "top_right",
    "left",
    "center",
    "right",
    "bottom_left",
    "bottom",
    "bottom_right",
    "size",
    "compression",
)
_OF_ARRAYS = len(PROPERTIES) - 2
_SIDE = 96
_BLOCK, _FEWEST_BLOCKS = 8, 4


def image_properties(context: Context, rows: Ints) -> Doubles:
    """Measure the images of some rows.

    Args:
        context: with images: paths, or an array.
        rows: (n,) which.

    Returns:
        (n, 18) values in the order of ``PROPERTIES``; NaN where an image cannot be read, and for size where there are
        no files. Compression is that of the file, or of arrays what :func:`blocks` finds; NaN in small arrays.
    """
    images = context.images
    found = np.full((len(rows), len(PROPERTIES)), np.nan)
    if images is None:
        return found
    for place, row in enumerate(rows):
        if isinstance(images, np.ndarray):
            found[place, :_OF_ARRAYS] = _of_array(images[row])
            found[place, -1] = blocks(images[row])
        else:
            found[place] = _of_file(Path(images[row]))
    return found


def of_pixels(pixels: NDArray[np.uint8]) -> Doubles:
    """The first seven properties of an (H, W[, 3]) image.

    Returns:
        Mean and standard deviation of the gray level; the mean absolute Laplacian over that deviation, in logs;
        mean saturation; mean of red less blue; where the detail lies, from left to right and from top to bottom.
    """
    color = pixels.astype(np.float64)
    if color.ndim == 2:
        color = np.repeat(color[:, :, None], 3, axis=2)
    color = color[:, :, :3]
    gray = color.mean(axis=2)
    spread = float(gray.std())
    detail = np.abs(
        4 * gray[1:-1, 1:-1] - gray[:-2, 1:-1] - gray[2:, 1:-1] - gray[1:-1, :-2] - gray[1:-1, 2:]
    )
    total = max(float(detail.sum()), 1e-9)
    across = (
        float((detail.sum(axis=0) * np.linspace(-1, 1, detail.shape[1])).sum()) / total
        if detail.size
        else 0.0
    )
    down = (
        float((detail.sum(axis=1) * np.linspace(-1, 1, detail.shape[0])).sum()) / total
        if detail.size
        else 0.0
    )
    sharp = float(np.log((float(detail.mean()) if detail.size else 0.0) / (spread + 1.0) + 1e-3))
    highest, lowest = color.max(axis=2), color.min(axis=2)
    saturation = float(((highest - lowest) / (highest + 1.0)).mean())
    warmth = float((color[:, :, 0] - color[:, :, 2]).mean())
    return np.array([float(gray.mean()), spread, sharp, saturation, warmth, across, down])


def regions(pixels: NDArray[np.uint8]) -> Doubles:
    """(9,) mean gray level of each region of a 3 x 3 grid, row by row, less that of the whole image."""
    gray = _gray(pixels)
    if min(gray.shape) < 3:
        return np.zeros(9)
    bands = [np.array_split(band, 3, axis=1) for band in np.array_split(gray, 3, axis=0)]
    means: Doubles = np.array([part.mean() for band in bands for part in band], dtype=np.float64)
    return means - float(gray.mean())


def blocks(pixels: NDArray[np.uint8]) -> float:
    """How far pixels step at the borders of JPEG's 8 x 8 blocks, by how far they step elsewhere, in logs; or NaN."""
    gray = _gray(pixels)
    if min(gray.shape) < _BLOCK * _FEWEST_BLOCKS:
        return float("nan")
    steps = (np.abs(np.diff(gray, axis=0)).mean(axis=1), np.abs(np.diff(gray, axis=1)).mean(axis=0))
    borders = [np.arange(1, len(step) + 1) % _BLOCK == 0 for step in steps]
    at = np.concatenate([step[border] for step, border in zip(steps, borders, strict=True)]).mean()
    inside = np.concatenate([step[~border] for step, border in zip(steps, borders, strict=True)]).mean()
    return float(np.log((at + 0.1) / (inside + 0.1)))


def _gray(pixels: NDArray[np.uint8]) -> Doubles:
    levels = pixels.astype(np.float64)
    return levels if levels.ndim == 2 else np.asarray(levels[:, :, :3].mean(axis=2))


def _of_array(pixels: NDArray[np.uint8]) -> Doubles:
    return np.concatenate([of_pixels(pixels), regions(pixels)])


def _of_file(path: Path) -> Doubles:
    from metric_face.data import file_of, open_image

    try:
        image = open_image(path)
        weight = file_of(path).stat().st_size
    except (ImageError, OSError):
        return np.full(len(PROPERTIES), np.nan)
    area = image.width * image.height
    image.thumbnail((_SIDE, _SIDE))
    pixels = np.asarray(image.convert("RGB"), dtype=np.uint8)
    return np.append(_of_array(pixels), [np.log(area), np.log(max(weight, 1) / area)])
