"""Random augmentation of training images, on top of the evaluation transform."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from metric_face.data.transforms import EvalTransform
from metric_face.errors import ArgumentError

if TYPE_CHECKING:
    from torchvision.transforms import v2


POLICIES = ("none", "randaugment", "trivialaugment")
_SIGMA = (0.1, 2.0)  # of a blur, in pixels, as in SimCLR


@dataclass(frozen=True)
class Augmentation:
    """What training changes about an image, on top of the evaluation transform.

    Attributes:
        flip: chance of a left-right flip.
        scale: smallest share of the image's area that a random crop keeps; 1 is no crop.
        rotate: largest rotation in degrees.
        policy: ``none``, ``randaugment`` (two random operations at magnitude 9) or ``trivialaugment`` (one random
            operation at a random strength), as torchvision has them.
        color: strength of random brightness, contrast and saturation.
        grayscale: chance that an image loses its colors.
        blur: chance of a Gaussian blur.
        erase: chance that a random rectangle is blanked.
    """

    flip: float = 0.5
    scale: float = 0.7
    rotate: float = 0.0
    policy: str = "none"
    color: float = 0.2
    grayscale: float = 0.0
    blur: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ArgumentError(f"policy={self.policy!r}: must be one of {', '.join(POLICIES)}")

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
        if self.policy != "none":
            steps.append(
                {"randaugment": v2.RandAugment, "trivialaugment": v2.TrivialAugmentWide}[self.policy]()
            )
        if self.color:
            steps.append(v2.ColorJitter(self.color, self.color, self.color))
        if self.grayscale:
            steps.append(v2.RandomGrayscale(self.grayscale))
        if self.blur:
            steps.append(v2.RandomApply([v2.GaussianBlur(_kernel(evaluation.size), _SIGMA)], self.blur))
        steps += [
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(list(evaluation.mean), list(evaluation.std)),
        ]
        if self.erase:
            steps.append(v2.RandomErasing(self.erase, scale=(0.02, 0.2)))
        return v2.Compose(steps)

    def to_dict(self) -> dict[str, float | str]:
        """The augmentation as plain data."""
        return asdict(self)


def _kernel(size: tuple[int, int]) -> int:
    """Width of the Gaussian's window: an odd number near a tenth of the shorter side."""
    return max(3, min(size) // 20 * 2 + 1)


def _ratios(size: tuple[int, int]) -> tuple[float, float]:
    """Width over height of a random crop: the result's own, a tenth up or down."""
    ratio = size[1] / size[0]
    return ratio * 0.9, ratio * 1.1
