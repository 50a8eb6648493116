"""whitening: the projection onto the leading principal components, each scaled to unit variance."""

import numpy as np
from numpy.typing import ArrayLike

from metric_face.errors import ArgumentError
from metric_face.features.affine_map import AffineMap, covariance_of, leading


def whitening(features: ArrayLike, dimensions: int) -> AffineMap:
    """Fit a whitened PCA, whose image of the fitted data has mean 0 and covariance 1.

    Computed from the covariance matrix in float64, so that memory grows with F squared and not with N.

    Args:
        features: (N, F), N at least 2.
        dimensions: D. Where the data have fewer components (D above F or N - 1, constant features), the rows beyond
            are 0.

    Returns:
        The map.

    Raises:
        ArgumentError: there are fewer than 2 rows, or no feature varies.

    Reference:
        Jégou and Chum, "Negative evidences and co-occurrences in image retrieval", ECCV 2012, section 3.
    """
    x = np.asarray(features)
    if x.ndim != 2 or len(x) < 2:
        raise ArgumentError(f"features must be (N, F) with at least 2 rows, found {x.shape}")
    mean = x.mean(axis=0, dtype=np.float64)
    covariance = covariance_of([x], mean, len(x) - 1)
    if not np.trace(covariance) > 0:
        raise ArgumentError("features: all rows are equal, so there is no direction to project on")
    variances, directions, share = leading(covariance, min(dimensions, len(x) - 1))
    weight = np.zeros((dimensions, x.shape[1]))
    weight[: len(variances)] = (directions / np.sqrt(variances)).T
    return AffineMap(weight.astype(np.float32), (-weight @ mean).astype(np.float32), len(variances), share)
