"""Properties of an image that no label should hang on: brightness, contrast, sharpness, color, size, compression."""

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
    "size",
    "compression",
)
_SIDE = 96


def image_properties(context: Context, rows: Ints) -> Doubles:
    """Measure the images of some rows.

    Args:
        context: with images: paths, or an array.
        rows: (n,) which.

    Returns:
        (n, 9) values in the order of ``PROPERTIES``; NaN where an image cannot be read, and for size and compression
        where there are no files.
    """
    images = context.images
    found = np.full((len(rows), len(PROPERTIES)), np.nan)
    if images is None:
        return found
    for place, row in enumerate(rows):
        if isinstance(images, np.ndarray):
            found[place, :7] = of_pixels(images[row])
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
    return np.append(of_pixels(pixels), [np.log(area), np.log(max(weight, 1) / area)])
