"""Aligned crops: a face is turned, scaled and moved so that its eyes, nose and mouth lie where a template has them."""

import numpy as np
from PIL import Image

from metric_face.arrays import Doubles

TEMPLATE: Doubles = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""(5, 2) eyes, nose and corners of the mouth in a crop of 112 x 112 pixels, as ArcFace's training images have them."""
SIDE = 112


def similarity(points: Doubles, targets: Doubles) -> tuple[complex, complex]:
    """The rotation, scale and shift that bring points closest to their targets, in least squares.

    In the plane, Umeyama's closed form is a linear regression of complex numbers, ``target = turn * point + shift``.

    Args:
        points: (N, 2), at least two different ones.
        targets: (N, 2).

    Returns:
        The complex factor, whose length is the scale and whose angle the rotation, and the shift.

    Reference:
        Umeyama: Least-squares estimation of transformation parameters between two point patterns, PAMI 13(4), 1991.
    """
    here, there = points @ [1, 1j], targets @ [1, 1j]
    centered = here - here.mean()
    turn = complex(np.vdot(centered, there - there.mean()) / np.vdot(centered, centered).real)
    return turn, complex(there.mean() - turn * here.mean())


def align_face(image: Image.Image, points: Doubles, side: int = SIDE) -> Image.Image:
    """Cut a face out so that its five points lie on the template.

    Args:
        image: RGB.
        points: (5, 2) x and y of left eye, right eye, nose, left and right corner of the mouth, in pixels.
        side: pixels along each side of the crop.

    Returns:
        RGB, ``side`` x ``side``; black beyond the image.
    """
    turn, _ = similarity(points, TEMPLATE * (side / SIDE))
    shrink = max(
        1, int(1 / abs(turn))
    )  # averaged before it is sampled: a resampling of each point would skip pixels
    small = image.reduce(shrink) if shrink > 1 else image
    turn, shift = similarity(points / shrink, TEMPLATE * (side / SIDE))
    back, offset = 1 / turn, -shift / turn  # Pillow asks where a pixel of the crop comes from
    coefficients = (back.real, -back.imag, offset.real, back.imag, back.real, offset.imag)
    return small.transform(
        (side, side), Image.Transform.AFFINE, coefficients, resample=Image.Resampling.BICUBIC
    )
