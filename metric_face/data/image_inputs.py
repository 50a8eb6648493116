"""Images that are no files: those of Pillow, arrays, open files and bytes, each checked before it is used."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metric_face.data.images import MAX_PIXELS, open_image
from metric_face.data.pixels import as_seen
from metric_face.errors import ArgumentError, ImageError

ImageInput: TypeAlias = str | Path | Image.Image | NDArray[np.uint8] | BinaryIO | bytes
"""A path, an image of Pillow, an array (H, W, 3) uint8, a file opened in binary mode, or the bytes of one."""


def input_names(images: Sequence[ImageInput]) -> list[str]:
    """How answers and messages call each image: its path, or ``image 3`` by its place.

    Raises:
        ArgumentError: one image is given in place of a list of them.
    """
    one = isinstance(images, str | bytes | os.PathLike | Image.Image) or hasattr(images, "read")
    if one or (isinstance(images, np.ndarray) and images.ndim < 4):
        raise ArgumentError(f"images: must be a list of images, found {type(images).__name__}; give [image]")
    return [
        os.fspath(image) if isinstance(image, str | os.PathLike) else f"image {place}"
        for place, image in enumerate(images)
    ]


def open_input(
    image: ImageInput, *, at_least: tuple[int, int] | None = None, name: str = "image"
) -> Image.Image:
    """Open whatever stands for an image as RGB, upright.

    Args:
        image: what it is.
        at_least: (width, height) that suffice, as for :func:`open_image`.
        name: how a message calls an image without a path.

    Raises:
        ImageError: it is none of these, or cannot be decoded.
    """
    if isinstance(image, str | os.PathLike):
        return open_image(Path(image), at_least=at_least)
    if isinstance(image, Image.Image):
        if image.width * image.height > MAX_PIXELS:
            raise ImageError(
                f"{name}: {image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are used"
            )
        return as_seen(image, name)
    if isinstance(image, np.ndarray):
        return Image.fromarray(_checked(image, name))
    if isinstance(image, bytes | bytearray | memoryview):
        image = io.BytesIO(image)
    if callable(getattr(image, "read", None)):
        return open_image(image, at_least=at_least, name=name)
    raise ImageError(
        f"{name}: must be a path, an image of Pillow, an array (H, W, 3) of uint8 or a binary file, found "
        f"{type(image).__name__}"
    )


def _checked(array: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    rule = f"{name}: must be (H, W, 3) uint8, found {array.shape} {array.dtype}"
    if array.dtype != np.uint8:
        raise ImageError(f"{rule}; scale it to 0..255 and convert it")
    if array.ndim == 3 and array.shape[0] == 3 and array.shape[2] != 3:
        raise ImageError(f"{rule}; move the channels to the end")
    if array.ndim != 3 or array.shape[2] != 3:
        raise ImageError(f"{rule}; a gray image is repeated over three channels, alpha is left out")
    if not 0 < array.shape[0] * array.shape[1] <= MAX_PIXELS:
        raise ImageError(f"{rule}; it needs a pixel, and at most {MAX_PIXELS:,}")
    return np.ascontiguousarray(array)
