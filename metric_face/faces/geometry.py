"""Boxes as arrays of left, top, right and bottom: moved by a network, made square, and thinned to those apart."""

from typing import Literal

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints


def move_boxes(boxes: Doubles, shifts: Doubles | Floats) -> Doubles:
    """Move each side of a box by a share of its width or height.

    Args:
        boxes: (F, 4).
        shifts: (F, 4) for left, top, right and bottom.

    Returns:
        (F, 4).
    """
    size = boxes[:, 2:] - boxes[:, :2]
    moved: Doubles = boxes + shifts * np.concatenate([size, size], axis=1)
    return moved


def square_boxes(boxes: Doubles, margin: float = 0.0) -> Doubles:
    """Squares around the same centers with the longer side of each box.

    Args:
        boxes: (F, 4).
        margin: added on each side, as a share of that side.

    Returns:
        (F, 4).
    """
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True, initial=0) / 2 * (1 + 2 * margin)
    return np.concatenate([center - half, center + half], axis=1)


def suppress_overlaps(
    boxes: Doubles, scores: Doubles, most: float, of: Literal["union", "smaller"] = "union"
) -> Ints:
    """Non-maximum suppression: the boxes that overlap no better one by more than a share.

    Args:
        boxes: (F, 4).
        scores: (F,); of equal ones the first row is the better.
        most: the largest share that two boxes may have in common.
        of: what it is a share of: the area of both together, or that of the smaller one.

    Returns:
        (K,) rows, best first.
    """
    left = np.argsort(-scores, kind="stable")
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        sides = np.minimum(boxes[left, 2:], boxes[best, 2:]) - np.maximum(boxes[left, :2], boxes[best, :2])
        shared = np.maximum(sides, 0).prod(axis=1)
        both = np.minimum(areas[left], areas[best]) if of == "smaller" else areas[left] + areas[best] - shared
        left = left[shared <= most * both]
    return np.array(kept, dtype=np.int64)
