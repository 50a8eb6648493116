"""Test-time augmentation: which copies of an image its vector is averaged over, and how vectors say so."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError

TTA = ("none", "flip", "crops", "flip+crops")
"""``none``: the image alone; ``flip``: and its mirror image; ``crops``: and four copies moved towards its corners by a
sixteenth of its sides, edges repeated; ``flip+crops``: those five and their mirror images."""

_MOVED = 16


def checked_tta(tta: str) -> str:
    """The name of a test-time augmentation.

    Raises:
        ArgumentError: there is no such one.
    """
    if tta not in TTA:
        raise ArgumentError(f"tta (--tta): must be one of {', '.join(TTA)}, found {tta!r}")
    return tta


def made_by(fingerprint: str, tta: str) -> str:
    """The fingerprint of vectors: the model's, and what they are averaged over, such as ``0123abcd+flip``.

    So vectors that are averaged over different copies never pass for those of one model.
    """
    return fingerprint if tta == "none" else f"{fingerprint}+{tta}"


def model_of(fingerprint: str) -> str:
    """The model's part of the fingerprint of vectors."""
    return fingerprint.partition("+")[0]


def tta_of(fingerprint: str) -> str:
    """What vectors with this fingerprint are averaged over.

    Raises:
        ArgumentError: it names what this version does not know.
    """
    return checked_tta(fingerprint.partition("+")[2] or "none")


def copies_of(images: NDArray[Any], tta: str, *, sides: tuple[int, int]) -> Iterator[NDArray[Any]]:
    """Yield the copies of images whose vectors are averaged, the images themselves first.

    Args:
        images: an array of B images.
        tta: one of :data:`TTA`.
        sides: the axes of height and width.
    """
    for moved in _moved(images, sides) if "crops" in tta else (images,):
        yield moved
        if "flip" in tta:
            yield np.flip(moved, sides[1])


def averaged(embed: Callable[[NDArray[Any]], Floats], images: NDArray[Any], tta: str) -> Floats:
    """The mean vectors (B, D) over the copies of images (B, 3, H, W)."""
    mean: Floats = np.mean([embed(copy) for copy in copies_of(images, tta, sides=(2, 3))], axis=0)
    return mean


def _moved(images: NDArray[Any], sides: tuple[int, int]) -> Iterator[NDArray[Any]]:
    yield images
    steps = [max(1, images.shape[side] // _MOVED) for side in sides]
    for down in (-steps[0], steps[0]):
        for right in (-steps[1], steps[1]):
            moved = images
            for side, step in zip(sides, (down, right), strict=True):
                size = images.shape[side]
                moved = np.take(moved, np.clip(np.arange(size) + step, 0, size - 1), axis=side)
            yield moved
