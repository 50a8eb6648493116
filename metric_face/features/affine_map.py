"""AffineMap: what a projection starts as, and the arithmetic that whitening and discriminant share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Doubles, Floats

_LEAST = 1e-6
"""Components whose standard deviation is below this share of the first one's are noise of the arithmetic."""


@dataclass(frozen=True)
class AffineMap:
    """An affine map x -> W x + b of features, fitted to some.

    Attributes:
        weight: (D, F) float32.
        bias: (D,) float32.
        rank: the directions that were found in the data; rows of ``weight`` from here on are 0.
        explained: share of the variance that they hold.
    """

    weight: Floats
    bias: Floats
    rank: int
    explained: float

    def __call__(self, features: ArrayLike) -> Floats:
        """(N, F) -> (N, D)."""
        return np.asarray(np.asarray(features, np.float32) @ self.weight.T + self.bias, np.float32)


def covariance_of(views: Sequence[Floats], centers: Doubles, divisor: int) -> Doubles:
    """(F, F): the scatter of all rows around their centers (F,) or (N, F), in float64 and in blocks of rows."""
    scatter = np.zeros((views[0].shape[1],) * 2)
    for view in views:
        for start in range(0, len(view), 4096):
            rows = slice(start, start + 4096)
            block = view[rows] - (centers[rows] if centers.ndim == 2 else centers)
            scatter += block.T @ block
    return scatter / divisor


def leading(covariance: Doubles, most: int) -> tuple[Doubles, Doubles, float]:
    """The leading eigenvalues (R,), their directions (F, R), and their share of all; R at most ``most``."""
    variances, directions = np.linalg.eigh(covariance)
    variances, directions = variances[::-1].clip(0), directions[:, ::-1]
    deviations = np.sqrt(variances)
    rank = int((deviations[:most] > _LEAST * deviations[0]).sum())
    return variances[:rank], directions[:, :rank], float(variances[:rank].sum() / variances.sum())
