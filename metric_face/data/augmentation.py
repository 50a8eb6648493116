"""Random augmentation of training images, on top of the evaluation transform."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from metric_face.data.transforms import EvalTransform

if TYPE_CHECKING:
    from torchvision.transforms import v2


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
                    evaluation.size,
                    (self.scale, 1.0),
                    ratio=_ratios(evaluation.size),
                    interpolation=v2.InterpolationMode(
                        evaluation.interpolation.replace("lanczos", "bicubic")  # which torchvision lacks
                    ),
                    antialias=True,
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
