"""Two fingerprints of an image: one of its bytes, one of how it looks."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metric_face.arrays import Bools, Floats
from metric_face.data.boxes import box_of, file_of
from metric_face.data.images import open_image, refuse_special
from metric_face.errors import ImageError
from metric_face.progress import Progress, silent

SIDE = 32
"""Pixels along a side of the small picture that looks are compared on."""

WAVES = 100
"""Bits of the perceptual hash."""

_FAINT = 0.01

_Look = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class Fingerprints:
    """What one pass over the files leaves.

    Attributes:
        digests: (N,) SHA-256 of the bytes, followed by the box where there is one, "" where the file cannot be read.
        pictures: (N, 32, 32) uint8, small and gray.
        darkest: (N, 3) uint8, the least of each channel over the whole image; 0 where it is broken.
        brightest: (N, 3) uint8, the most.
        broken: by row, why the image cannot be used.
    """

    digests: list[str]
    pictures: NDArray[np.uint8]
    darkest: NDArray[np.uint8]
    brightest: NDArray[np.uint8]
    broken: dict[int, str]


def take_fingerprints(
    paths: Sequence[Path], *, workers: int = 4, progress: Progress = silent
) -> Fingerprints:
    """Read and decode every image once.

    Args:
        paths: N files.
        workers: threads; Pillow releases the interpreter while it decodes.
        progress: called with (images read, images in all).
    """

    def read(path: Path) -> tuple[str, _Look | None, str]:
        try:
            refuse_special(file_of(path))
            with open(file_of(path), "rb") as file:
                digest = f"{hashlib.file_digest(file, 'sha256').hexdigest()}{box_of(path) or ''}"
        except OSError as error:
            return "", None, f"{path}: cannot be read ({error.strerror}); restore it or drop its row"
        except ImageError as error:
            return "", None, str(error)
        try:
            image = open_image(path, at_least=(2 * SIDE, 2 * SIDE))
        except ImageError as error:
            return digest, None, str(error)
        picture = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
        return digest, (picture, np.array(image.getextrema(), dtype=np.uint8)), ""

    pictures = np.zeros((len(paths), SIDE, SIDE), dtype=np.uint8)
    extremes = np.zeros((len(paths), 3, 2), dtype=np.uint8)
    digests: list[str] = []
    broken: dict[int, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        for row, (digest, look, reason) in enumerate(pool.map(read, paths)):
            digests.append(digest)
            if look is None:
                broken[row] = reason
            else:
                pictures[row], extremes[row] = look
            progress(row + 1, len(paths))
    return Fingerprints(digests, pictures, extremes[..., 0], extremes[..., 1], broken)


def perceptual_bits(pictures: NDArray[np.uint8]) -> Bools:
    """(N, 100) which of the coarsest waves each picture has, a hash that survives resizing and recompression.

    Args:
        pictures: (N, 32, 32).
    """
    waves = _cosines(16)
    bits = np.empty((len(pictures), WAVES), dtype=bool)
    for start in range(0, len(pictures), 4096):
        part = pictures[start : start + 4096].astype(np.float32)
        part -= part.mean(axis=(1, 2), keepdims=True)
        strength = (waves @ part @ waves.T).reshape(len(part), -1)
        faint = _FAINT * np.linalg.norm(strength, axis=1, keepdims=True)  # noise must not decide
        bits[start : start + 4096] = strength[:, _coarsest()] > faint
    return bits


@cache
def _cosines(count: int) -> Floats:
    """(count, 32) the first waves of the discrete cosine transform."""
    at = (np.arange(SIDE) + 0.5) * np.pi / SIDE
    return np.cos(np.arange(count)[:, None] * at).astype(np.float32)


@cache
def _coarsest() -> NDArray[Any]:
    """(100,) of the 16 x 16 waves, the constant left out, in a mixed order."""
    fineness = np.add.outer(np.arange(16), np.arange(16)).ravel()
    chosen = np.argsort(fineness, kind="stable")[1 : WAVES + 1]
    return np.random.default_rng(0).permutation(chosen)
