"""whitening: the projection onto the leading principal components, each scaled to unit variance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError

_LEAST = 1e-6
"""Components whose standard deviation is below this share of the first one's are noise of the arithmetic."""


@dataclass(frozen=True)
class Whitening:
    """An affine map x -> W x + b whose image of the fitted data has mean 0 and covariance 1.

    Attributes:
        weight: (D, F) float32.
        bias: (D,) float32.
        rank: the components that were found in the data; rows of ``weight`` from here on are 0.
        explained: share of the variance that the D components hold.
    """

    weight: Floats
    bias: Floats
    rank: int
    explained: float

    def __call__(self, features: ArrayLike) -> Floats:
        """(N, F) -> (N, D)."""
        return np.asarray(np.asarray(features, np.float32) @ self.weight.T + self.bias, np.float32)


def whitening(features: ArrayLike, dimensions: int) -> Whitening:
    """Fit a whitened PCA.

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
    covariance = np.zeros((x.shape[1], x.shape[1]))
    for start in range(0, len(x), 4096):
        block = x[start : start + 4096] - mean
        covariance += block.T @ block
    variances, directions = np.linalg.eigh(covariance / (len(x) - 1))
    variances, directions = variances[::-1].clip(0), directions[:, ::-1]
    total = float(variances.sum())
    if not total > 0:
        raise ArgumentError("features: all rows are equal, so there is no direction to project on")
    deviations = np.sqrt(variances)
    rank = int((deviations[: min(dimensions, len(x) - 1)] > _LEAST * deviations[0]).sum())
    weight = np.zeros((dimensions, x.shape[1]))
    weight[:rank] = (directions[:, :rank] / deviations[:rank]).T
    return Whitening(
        weight.astype(np.float32),
        (-weight @ mean).astype(np.float32),
        rank,
        float(variances[:rank].sum()) / total,
    )
