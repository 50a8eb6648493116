"""discriminant: the projection in which images of one label lie close, in closed form."""

from collections.abc import Sequence

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.errors import ArgumentError
from metric_face.features.affine_map import AffineMap, covariance_of, leading

SHRINKAGE = 0.5
"""Share of the within-label covariance that is replaced by a multiple of the identity matrix."""


def discriminant(
    views: Sequence[Floats], labels: Ints, dimensions: int, *, shrinkage: float = SHRINKAGE
) -> AffineMap:
    """Fit a linear discriminant analysis that keeps more directions than there are labels.

    Features are whitened by the covariance within labels, shrunk towards a multiple of the identity matrix, and then
    turned to the principal components of what they are over all labels. Views of one image count as images of its
    label, so that a label with a single image still says what does not matter.

    Args:
        views: one or more (N, F): the features of the images, and of changed copies of them.
        labels: (N,).
        dimensions: D. Where there are fewer directions (D above F or the rows less one), the rows beyond are 0.
        shrinkage: above 0, at most 1.

    Returns:
        The map; the mean squared length of what it makes of the fitted rows is D, or the rank where that is lower.

    Raises:
        ArgumentError: no label has two rows, no feature varies, or the shapes do not fit.

    Reference:
        Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", 2004 (the target of
        the shrinkage); Hatch, Kajarekar and Stolcke, "Within-class covariance normalization", 2006.
    """
    if not 0 < shrinkage <= 1:
        raise ArgumentError(f"shrinkage must be above 0 and at most 1, found {shrinkage}")
    if not views or any(view.ndim != 2 or view.shape != views[0].shape for view in views):
        raise ArgumentError(f"views must be (N, F) of one shape, found {[np.shape(view) for view in views]}")
    if len(labels) != len(views[0]):
        raise ArgumentError(f"labels must have one code per image, {len(views[0])}; found {len(labels)}")
    codes = np.unique(labels, return_inverse=True)[1]
    count, rows = int(codes.max()) + 1, len(codes) * len(views)
    if rows == count:
        raise ArgumentError("labels: no label has two images, so nothing says what changes within one")
    mean = np.mean([view.mean(axis=0, dtype=np.float64) for view in views], axis=0)
    within = covariance_of(views, _means(views, codes, count)[codes], rows - count)
    total = covariance_of(views, mean, rows - 1)
    size = float(np.trace(within)) / len(mean)
    if not (np.trace(total) > 0 and size > 0):
        raise ArgumentError(
            "features: all rows are equal, or all of each label, so there is no direction to find"
        )
    shrunk = (1 - shrinkage) * within + shrinkage * size * np.eye(len(mean))
    variances, directions = np.linalg.eigh(shrunk)
    spherical = directions / np.sqrt(variances)
    found, turned, share = leading(spherical.T @ total @ spherical, min(dimensions, rows - 1))
    length = np.sqrt(len(found) / found.sum())
    weight = np.zeros((dimensions, len(mean)))
    weight[: len(found)] = length * (spherical @ turned).T
    return AffineMap(weight.astype(np.float32), (-weight @ mean).astype(np.float32), len(found), share)


def _means(views: Sequence[Floats], codes: Ints, count: int) -> Doubles:
    """(labels, F): the mean of each label over all views."""
    sums = np.zeros((count, views[0].shape[1]))
    for view in views:
        np.add.at(sums, codes, view)
    means: Doubles = sums / (len(views) * np.bincount(codes, minlength=count))[:, None]
    return means
