"""The evaluation transform: how an image file becomes a normalized array, with PIL and NumPy only.

It is stored with the model and used by validation, extraction and the kNN command alike, so a model is never given a
crop that it was not evaluated with. Training adds `augmentation` to it.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metric_face.arrays import Floats
from metric_face.data.image_inputs import ImageInput, open_input
from metric_face.errors import ArgumentError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
FITS = ("stretch", "center", "squash", "border")


@dataclass(frozen=True)
class EvalTransform:
    """Crop the center, resize, scale and normalize.

    Attributes:
        size: (height, width) of the result in pixels.
        crop: (height, width) of the centered crop as shares of the image's own, 0 < share <= 1.
        mean: per channel, of values in 0..1.
        std: per channel.
        interpolation: ``nearest``, ``bilinear``, ``bicubic`` or ``lanczos``.
        fit: how an image of other proportions comes to ``size``; the last three are timm's crop modes, to the pixel:
            ``stretch`` (the crop, stretched), ``center`` (the shorter side to size / crop, then the center),
            ``squash`` (both sides to size / crop, then the center) or ``border`` (the longer side to size / crop,
            then the center, on a border of the mean color).
    """

    size: tuple[int, int]
    crop: tuple[float, float] = (1.0, 1.0)
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"
    fit: str = "stretch"

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise ArgumentError(
                f"interpolation={self.interpolation!r}: must be one of {', '.join(INTERPOLATIONS)}"
            )
        if self.fit not in FITS:
            raise ArgumentError(f"fit={self.fit!r}: must be one of {', '.join(FITS)}")
        if not all(deviation > 0 for deviation in self.std):
            raise ArgumentError(f"std={self.std}: must be above 0 in each channel")
        if min(self.size) < 8:
            raise ArgumentError(f"size={self.size}: height and width must be at least 8 pixels")
        if not all(0 < share <= 1 for share in self.crop):
            raise ArgumentError(
                f"crop={self.crop}: shares of the image's height and width, above 0 and at most 1"
            )

    def load(self, image: ImageInput, name: str = "image") -> NDArray[np.uint8]:
        """Read an image, mostly a file, and bring it to size: (H, W, 3) uint8; ``name`` stands in messages.

        Raises:
            ImageError: the file cannot be used.
        """
        # Twice the size that is needed keeps the resampling's quality where a JPEG is decoded scaled.
        needed = (
            int(2 * self.size[1] / self.crop[1]),
            int(2 * self.size[0] / self.crop[0]),
        )
        return self.geometry(open_input(image, at_least=needed, name=name))

    def geometry(self, image: Image.Image) -> NDArray[np.uint8]:
        """Crop and resize an RGB image: (H, W, 3) uint8."""
        resampling = INTERPOLATIONS[self.interpolation]
        if self.fit != "stretch":
            fill = (round(255 * self.mean[0]), round(255 * self.mean[1]), round(255 * self.mean[2]))
            image = _of_bounded_ratio(image)
            resized = image.resize(self._scaled(image.size), resampling)
            return np.asarray(_centered(resized, (self.size[1], self.size[0]), fill))
        width, height = image.size
        crop_height, crop_width = self.crop[0] * height, self.crop[1] * width
        left, top = (width - crop_width) / 2, (height - crop_height) / 2
        box = (left, top, left + crop_width, top + crop_height)
        return np.asarray(image.resize((self.size[1], self.size[0]), resampling, box=box, reducing_gap=3.0))

    def _scaled(self, found: tuple[int, int]) -> tuple[int, int]:
        """(width, height) that an image is resized to before its center is cut out; rounded as timm does."""
        width, height = found
        wide, high = math.floor(self.size[1] / self.crop[1]), math.floor(self.size[0] / self.crop[0])
        if self.fit == "center" and wide == high:  # torchvision's Resize with one number
            longer = int(wide * max(found) / min(found))
            return (wide, longer) if width <= height else (longer, wide)
        if self.fit == "squash":
            return wide, high
        choose = max if self.fit == "border" else min
        ratio = choose(height / high, width / wide)
        return max(1, round(width / ratio)), max(1, round(height / ratio))

    def normalize(self, pixels: NDArray[np.uint8]) -> Floats:
        """Scale and normalize (..., H, W, 3) uint8 into (..., 3, H, W) float32."""
        scale = (1 / (255 * np.asarray(self.std, np.float32))).astype(np.float32)
        shift = np.asarray(self.mean, np.float32) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray(np.moveaxis(pixels * scale - shift, -1, -3))

    def __call__(self, image: ImageInput, name: str = "image") -> Floats:
        """Read an image as the model wants it: (3, H, W) float32; ``name`` stands in messages."""
        return self.normalize(self.load(image, name))

    def differences(self, other: "EvalTransform") -> tuple[str, ...]:
        """Which of ``mean``, ``std`` and ``interpolation`` are not another transform's; sizes and crops may differ."""
        names = [
            name
            for name in ("mean", "std")
            if not np.allclose(getattr(self, name), getattr(other, name), rtol=0, atol=5e-4)
        ]
        return (*names, *(() if self.interpolation == other.interpolation else ("interpolation",)))

    def to_dict(self) -> dict[str, Any]:
        """The transform as plain data, for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The way back from :meth:`to_dict`."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        return cls(**values)


def _centered(image: Image.Image, size: tuple[int, int], fill: tuple[int, int, int]) -> Image.Image:
    """The center of an image at (width, height), on a border where the image is smaller."""
    width, height = max(image.width, size[0]), max(image.height, size[1])
    if (width, height) != image.size:
        laid = Image.new("RGB", (width, height), fill)
        laid.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
        image = laid
    left, top = round((width - size[0]) / 2), round((height - size[1]) / 2)
    return image.crop((left, top, left + size[0], top + size[1]))


def _of_bounded_ratio(image: Image.Image, most: int = 16) -> Image.Image:
    """Without the ends of an image ``most`` times longer than wide: at size they would not fit into memory."""
    width, height = min(image.width, most * image.height), min(image.height, most * image.width)
    return image if (width, height) == image.size else _centered(image, (width, height), (0, 0, 0))
