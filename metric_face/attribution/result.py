"""Attribution: the maps of one question about an image or two, and whether they are to be believed."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metric_face.arrays import Floats


@dataclass(frozen=True)
class DeletionCheck:
    """The area under a map's deletion curve beside random orders of the same patches.

    Attributes:
        area: mean of the score while patches are covered, the map's highest first.
        random: the same of each random order.
    """

    area: float
    random: tuple[float, ...]

    @property
    def faithful(self) -> bool:
        """Whether the map's order lowers the score faster than every random one."""
        return bool(self.random) and self.area < min(self.random)

    def __str__(self) -> str:
        ends = f"{np.mean(self.random):.3f} [{min(self.random):.3f}, {max(self.random):.3f}]"
        beaten = f"better than {sum(self.area < one for one in self.random)} of {len(self.random)}"
        verdict = "" if self.faithful else ", so do not trust the map"
        return f"deletion area {self.area:.3f}, of random orders {ends}: {beaten}{verdict}"

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"area": self.area, "random": list(self.random), "faithful": self.faithful}


@dataclass(frozen=True)
class ImageMap:
    """The maps of one image.

    Attributes:
        name: of the image.
        pixels: (H, W, 3) uint8, as the model sees it.
        gradient: (s, s) activation times gradient by patch; its sum is 1 unless all is 0.
        occlusion: (s, s) how much the score falls when a patch is covered.
        deletion: of each map, ``gradient`` and ``occlusion``.
        agreement: Spearman's rank correlation of both maps; NaN where one is flat.
        border: share of the gradient map in the outer half of the area.
    """

    name: str
    pixels: Any = field(repr=False)
    gradient: Floats = field(repr=False)
    occlusion: Floats = field(repr=False)
    deletion: dict[str, DeletionCheck] = field(default_factory=dict)
    agreement: float = float("nan")
    border: float = float("nan")


@dataclass(frozen=True)
class Attribution:
    """What was asked of a run about an image or two, and the answer.

    Attributes:
        question: ``similarity`` or ``class``.
        target: head and class of a ``class``, such as ``color: red``; "" of a similarity.
        score: the cosine of both images, or the logit of the class.
        images: the maps of each image.
    """

    question: str
    target: str
    score: float
    images: tuple[ImageMap, ...]

    def lines(self) -> list[str]:
        """The answer in words."""
        names = " and ".join(one.name for one in self.images)
        what = (
            f"similarity {self.score:.3f} of"
            if self.question == "similarity"
            else f"{self.target}, logit {self.score:.2f}, of"
        )
        lines = [f"{what} {names}"]
        for one in self.images:
            row, column = np.unravel_index(int(one.gradient.argmax()), one.gradient.shape)
            side = len(one.gradient)
            lines.append(
                f"  {one.name}: highest in row {row + 1}, column {column + 1} of {side} x {side}; "
                f"{one.border:.0%} in the outer half of the area; occlusion agrees with r = {one.agreement:.2f}"
            )
            lines += [f"    {kind}: {found}" for kind, found in one.deletion.items()]
        return lines

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain data, for JSON."""
        return {
            "question": self.question,
            "target": self.target,
            "score": self.score,
            "images": [
                {
                    "name": one.name,
                    "gradient": one.gradient.tolist(),
                    "occlusion": one.occlusion.tolist(),
                    "deletion": {kind: found.to_dict() for kind, found in one.deletion.items()},
                    "agreement": one.agreement,
                    "border": one.border,
                }
                for one in self.images
            ],
        }


def border_share(values: Floats) -> float:
    """The share of a map that lies outside the centered rectangle of half the area; by area alone it is .5."""
    total = float(values.sum())
    if not total > 0:
        return float("nan")
    return float((values * (1 - _inner(*values.shape))).sum()) / total


def _inner(height: int, width: int) -> Any:
    """(h, w) how much of each patch lies in the centered rectangle of half the area."""
    sides = []
    for count in (height, width):
        low, high = count * (1 - 0.5**0.5) / 2, count * (1 + 0.5**0.5) / 2
        places = np.arange(count)
        sides.append(np.clip(np.minimum(places + 1, high) - np.maximum(places, low), 0, 1))
    return np.outer(*sides)
