"""Which classes mix in the embedding, and where their names belong on the map."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Doubles, Floats
from metric_face.pages import Column
from metric_face.visualization.faithfulness import neighbor_confusion

MAP_DEPTH = 20
"""Neighbors in the embedding that the numbers of a map are counted among, on its page and in a report."""
MOST_LINKS = 8
LEAST_SHARE = 0.1
"""A pair below this share of each other's neighbors is not linked."""
_MOST_CLASSES = 1000


def mixing_pairs(confusion: Doubles, most: int = MOST_LINKS) -> list[tuple[int, int, float]]:
    """The pairs of classes that mix most, the most mixed first.

    Args:
        confusion: (C, C) of ``neighbor_confusion``; NaN rows are of classes without neighbors.
        most: pairs, at most.

    Returns:
        (code, code, share): the mean share of each among the other's neighbors, of at least ``LEAST_SHARE``.
    """
    known = np.nan_to_num(confusion)
    mean = (known + known.T) / 2
    rows, cols = np.triu_indices(len(mean), k=1)
    order = np.argsort(-mean[rows, cols], kind="stable")[:most]
    pairs = [(int(rows[k]), int(cols[k]), float(mean[rows[k], cols[k]])) for k in order]
    return [pair for pair in pairs if pair[2] >= LEAST_SHARE]


def with_mixing(column: Column, ids: ArrayLike) -> Column:
    """The column with the pairs that mix, and with colors for the classes in them where there are too many.

    Args:
        column: N classes; any other column, and one under a heading of its own, is given back.
        ids: (N, K) neighbors in the embedding space, -1 for none.
    """
    fits = column.is_class and not column.group and 1 < column.num_classes <= _MOST_CLASSES
    if not fits or column.links or column.leading:
        return column
    confusion = neighbor_confusion(ids, column.values, column.num_classes)
    pairs = mixing_pairs(confusion)
    alone = 1 - np.nan_to_num(np.diagonal(confusion), nan=1.0)  # then by what each mixes with all others
    leading = dict.fromkeys([code for pair in pairs for code in pair[:2]])
    leading |= dict.fromkeys(int(code) for code in np.argsort(-alone, kind="stable"))
    return replace(column, links=tuple(pairs), leading=tuple(leading))


def class_centers(coords: Floats, column: Column) -> list[tuple[float, ...] | None]:
    """Where the name of each class belongs: at the point of the class nearest to its median, None without points."""
    centers: list[tuple[float, ...] | None] = []
    for code in range(column.num_classes):
        points = coords[column.values == code]
        if not len(points):
            centers.append(None)
            continue
        far = np.square(points - np.median(points, axis=0)).sum(axis=1)
        centers.append(tuple(float(value) for value in points[int(np.argmin(far))]))
    return centers
