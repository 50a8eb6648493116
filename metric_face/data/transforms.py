"""How an image becomes numbers: written once for evaluation, and built upon for training.

:class:`EvalTransform` needs PIL and NumPy only. It is stored with the model and used by validation, extraction
and the kNN command alike, so that a model never sees a crop it was not judged with.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metric_face.arrays import Floats
from metric_face.data.images import open_image
from metric_face.errors import ArgumentError

if TYPE_CHECKING:
    from torchvision.transforms import v2

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


@dataclass(frozen=True)
class Augmentation:
    """What training changes about an image, on top of the evaluation transform.

    Attributes:
        flip: chance of a left-right flip.
        scale: smallest share of the image's area that a random crop keeps; 1 is no crop.
        rotate: largest rotation in degrees.
        color: strength of random brightness, contrast and saturation.
        erase: chance that a random rectangle is blanked.
    """

    flip: float = 0.5
    scale: float = 0.7
    rotate: float = 0.0
    color: float = 0.2
    erase: float = 0.0

    def build(self, evaluation: EvalTransform) -> "v2.Compose":
        """The torchvision transform: (3, H, W) uint8, already at size, to (3, H, W) float32, normalized."""
        import torch
        from torchvision.transforms import v2

        steps: list[Any] = []
        if self.flip:
            steps.append(v2.RandomHorizontalFlip(self.flip))
        if self.rotate:
            steps.append(v2.RandomRotation(self.rotate, interpolation=v2.InterpolationMode.BILINEAR))
        if self.scale < 1:
            steps.append(
                v2.RandomResizedCrop(
                    evaluation.size, (self.scale, 1.0), ratio=_ratios(evaluation.size), antialias=True
                )
            )
        if self.color:
            steps.append(v2.ColorJitter(self.color, self.color, self.color))
        steps += [
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(list(evaluation.mean), list(evaluation.std)),
        ]
        if self.erase:
            steps.append(v2.RandomErasing(self.erase, scale=(0.02, 0.2)))
        return v2.Compose(steps)

    def to_dict(self) -> dict[str, float]:
        """The augmentation as plain data."""
        return asdict(self)


def _ratios(size: tuple[int, int]) -> tuple[float, float]:
    """Width over height of a random crop: the result's own, a tenth up or down."""
    ratio = size[1] / size[0]
    return ratio * 0.9, ratio * 1.1
