"""attribute_classes: where two classes are told apart, averaged over validation images. An observation, no verdict."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from metric_face.arrays import Floats
from metric_face.attribution.attributing import SIDE, on_images, similarity_to
from metric_face.attribution.deletion import faithfulness, to_patches
from metric_face.attribution.gradient_map import Score, gradient_map
from metric_face.attribution.result import border_share
from metric_face.data import identities_of
from metric_face.errors import ArgumentError
from metric_face.files import keep_pair
from metric_face.metrics import Interval, left_out_interval
from metric_face.models import ModelOutput
from metric_face.plurals import counted
from metric_face.progress import Progress, silent
from metric_face.run import Run

_FEWEST = 4


@dataclass(frozen=True)
class PairRegions:
    """Where two classes are told apart.

    Attributes:
        label: the attribute, or ``joint`` or ``identity``.
        classes: the two.
        mean: (s, s) the mean of the maps of all images, each of sum 1.
        border: the share of the maps that lies in the outer half of the area, .5 by area alone, with its interval over
            identities.
        images: how many.
        faithful: share of the images whose map lowers the score faster than every random order.
        fingerprint: of the model.
    """

    label: str
    classes: tuple[str, str]
    mean: Floats = field(repr=False)
    border: Interval
    images: int
    faithful: float
    fingerprint: str = ""

    def lines(self) -> list[str]:
        """The observation in words."""
        first, second = self.classes
        where = "as much as anywhere"
        if self.border.low > 0.5:
            where = "more than its area, which is .50"
        elif self.border.high < 0.5:
            where = "less than its area, which is .50"
        return [
            f"{self.label}: {first} and {second}, {counted(self.images, 'images')} of validation: {self.border} of "
            f"what tells them apart lies in the outer half of the image, {where}",
            f"maps better than every random order: {self.faithful:.0%}; an observation, not a proof of a shortcut",
        ]

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "label": self.label,
            "classes": list(self.classes),
            "mean": self.mean.tolist(),
            "border": self.border.value,
            "low": self.border.low,
            "high": self.border.high,
            "expected": 0.5,
            "images": self.images,
            "faithful": self.faithful,
            "fingerprint": self.fingerprint,
        }


def attribute_classes(
    run: Run | str | Path,
    label: str,
    first: str,
    second: str,
    *,
    images: int = 32,
    side: int = SIDE,
    seed: int = 0,
    progress: Progress = silent,
) -> PairRegions:
    """Average the maps of what makes validation images of one class more like their own class than like another.

    The score of an image is its cosine to the mean direction of its own class, less that to the other's, both over the
    validation images.

    Args:
        run: a run, or its folder.
        label: an attribute, ``joint`` or ``identity``.
        first, second: two of its classes.
        images: of each class, at most, drawn at random.
        side: patches along each side.
        seed: of drawing and of the random orders.
        progress: called with (images done, images in all).

    Raises:
        ArgumentError: no such label or class, or fewer than 4 images of one.
    """
    run = Run.open(run)
    table = run.table.in_split("val")
    if run.space is None:
        raise ArgumentError("label: the run has no attributes; explain two images instead")
    codes, names = run.space.labels(table, label)
    pair = (first, second)
    for name in pair:
        if name not in names:
            raise ArgumentError(f"classes: {name!r} is none of {label}; it has {', '.join(names)}")
    if first == second:
        raise ArgumentError(f"classes: must be two different ones, found {first!r} twice")
    rng = np.random.default_rng(seed)
    chosen = []
    for name in pair:
        own = np.flatnonzero(codes == names.index(name))
        if len(own) < _FEWEST:
            raise ArgumentError(
                f"classes: {name!r} has {counted(len(own), 'validation images')}, needs {_FEWEST}"
            )
        chosen.append(np.sort(rng.permutation(own)[:images]))
    model = run.model.float().cpu()
    prepared = [[torch.from_numpy(run.transform(table.paths[row])) for row in rows] for rows in chosen]
    with torch.inference_mode():
        centers = [_center(torch.cat([model.embed(one[None]) for one in of_class])) for of_class in prepared]
    maps, better = [], []
    total = sum(map(len, prepared))
    for number, of_class in enumerate(prepared):
        score = _apart(centers[number], centers[1 - number])
        for image in of_class:
            values = to_patches(gradient_map(model, image[None], score)[0], side)
            maps.append(values / max(float(values.sum()), 1e-12))
            checks = faithfulness(
                image, on_images(model, score), {"gradient": values}, orders=4, steps=8, seed=seed
            )
            better.append(checks["gradient"].faithful)
            progress(len(maps), total)
    identities = identities_of(table, run.config.data.split.group)[np.concatenate(chosen)]
    shares = np.array([border_share(one) for one in maps])
    border, faithful = _interval(shares, identities), float(np.mean(better))
    return PairRegions(label, pair, np.mean(maps, axis=0), border, total, faithful, run.fingerprint)


def write_pair(found: PairRegions, folder: str | Path) -> Path:
    """Keep a pair in ``attribution.json``, beside others of the same model; ``why`` reads it in the run's folder.

    Args:
        found: what :func:`attribute_classes` gave.
        folder: to write into.

    Returns:
        The file.

    Raises:
        OutputError: the file may not be replaced.
    """
    return keep_pair(Path(folder), found.fingerprint, found.to_dict())


def _center(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors.float(), dim=1).mean(dim=0, keepdim=True)


def _apart(own: torch.Tensor, other: torch.Tensor) -> Score:
    near, far = similarity_to(own), similarity_to(other)

    def score(output: ModelOutput) -> torch.Tensor:
        return near(output) - far(output)

    return score


def _interval(shares: Any, identities: Any) -> Interval:
    """The mean of a share with its interval over identities; NaN is left out."""
    known = np.isfinite(shares)
    if not known.any():
        return Interval.without_range(float("nan"))
    shares, groups = shares[known], np.unique(np.asarray(identities)[known], return_inverse=True)[1]
    counts = np.bincount(groups)
    if len(counts) < 2:
        return Interval.without_range(float(shares.mean()))
    without = (shares.sum() - np.bincount(groups, shares)) / (len(shares) - counts)
    return left_out_interval(float(shares.mean()), without, 0.0, len(counts))
