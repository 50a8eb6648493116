"""The evaluation transform: how an image file becomes a normalized array, with PIL and NumPy only.

It is stored with the model and used by validation, extraction and the kNN command alike, so a model is never given a
crop that it was not evaluated with. Training adds `augmentation` to it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metric_face.arrays import Floats
from metric_face.data.images import open_image
from metric_face.errors import ArgumentError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class EvalTransform:
    """Crop the center, resize, scale and normalize.

    Attributes:
        size: (height, width) of the result in pixels.
        crop: (height, width) of the centered crop as shares of the image's own, 0 < share <= 1.
        mean: per channel, of values in 0..1.
        std: per channel.
    """

    size: tuple[int, int]
    crop: tuple[float, float] = (1.0, 1.0)
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        if min(self.size) < 8:
            raise ArgumentError(f"size={self.size}: height and width must be at least 8 pixels")
        if not all(0 < share <= 1 for share in self.crop):
            raise ArgumentError(
                f"crop={self.crop}: shares of the image's height and width, above 0 and at most 1"
            )

    def load(self, path: str | Path) -> NDArray[np.uint8]:
        """Read a file and bring it to size: (H, W, 3) uint8.

        Raises:
            ImageError: the file cannot be used.
        """
        # Twice the size that is needed keeps the resampling's quality where a JPEG is decoded scaled.
        needed = (
            int(2 * self.size[1] / self.crop[1]),
            int(2 * self.size[0] / self.crop[0]),
        )
        return self.geometry(open_image(path, at_least=needed))

    def geometry(self, image: Image.Image) -> NDArray[np.uint8]:
        """Crop and resize an RGB image: (H, W, 3) uint8."""
        width, height = image.size
        crop_height, crop_width = self.crop[0] * height, self.crop[1] * width
        left, top = (width - crop_width) / 2, (height - crop_height) / 2
        box = (left, top, left + crop_width, top + crop_height)
        resized = image.resize(
            (self.size[1], self.size[0]), Image.Resampling.BILINEAR, box=box, reducing_gap=3.0
        )
        return np.asarray(resized)

    def normalize(self, pixels: NDArray[np.uint8]) -> Floats:
        """Scale and normalize (..., H, W, 3) uint8 into (..., 3, H, W) float32."""
        scale = (1 / (255 * np.asarray(self.std, np.float32))).astype(np.float32)
        shift = np.asarray(self.mean, np.float32) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray(np.moveaxis(pixels * scale - shift, -1, -3))

    def __call__(self, path: str | Path) -> Floats:
        """Read a file as the model wants it: (3, H, W) float32."""
        return self.normalize(self.load(path))

    def to_dict(self) -> dict[str, Any]:
        """The transform as plain data, for JSON."""
        return {name: list(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The way back from :meth:`to_dict`."""
        return cls(**{name: tuple(value) for name, value in data.items()})
