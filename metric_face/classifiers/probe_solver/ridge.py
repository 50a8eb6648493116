"""Ridge regression onto classes or values: every strength from one eigendecomposition."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints

_ROWS = 4096  # of a block


@dataclass(frozen=True)
class Moments:
    """Weighted sums over rows: all that ridge regression needs of them, and what folds are subtracted from.

    Attributes:
        gram: (D, D) sum of w x x^T.
        cross: (D, C) sum of w x y^T, where y is a row's target: its class one-hot, or its values.
        total: (D,) sum of w x.
        targets: (C,) sum of w y; of classes, the weight of each.
        weight: sum of w.
    """

    gram: Doubles
    cross: Doubles
    total: Doubles
    targets: Doubles
    weight: float

    @classmethod
    def of(
        cls,
        X: Floats,
        target: Ints,
        classes: int,
        row_weight: Floats | None,
        gram: Doubles | None = None,
    ) -> Self:
        """Sum over rows with one class each.

        Args:
            X: (N, D) float32.
            target: (N,) codes 0..C-1.
            classes: C.
            row_weight: (N,) or None.
            gram: of the same rows and weights, where another head has it already.
        """
        D = X.shape[1]
        squares, cross, total = np.zeros((D, D)), np.zeros((D, classes)), np.zeros(D)
        counts = np.bincount(target, weights=row_weight, minlength=classes).astype(np.float64)
        for start in range(0, len(X), _ROWS):
            part = slice(start, start + _ROWS)
            block = X[part]
            one_hot = np.zeros((len(block), classes), np.float32)
            one_hot[np.arange(len(block)), target[part]] = 1 if row_weight is None else row_weight[part]
            weighed = block if row_weight is None else block * row_weight[part, None]
            if gram is None:
                squares += block.T @ weighed
            cross += block.T @ one_hot
            total += weighed.sum(axis=0, dtype=np.float64)
        return cls(squares if gram is None else gram, cross, total, counts, float(counts.sum()))

    @classmethod
    def of_values(cls, X: Doubles, values: Doubles) -> Self:
        """Sum over rows (N, D) with targets (N, C), each row of weight one."""
        return cls(X.T @ X, X.T @ values, X.sum(axis=0), values.sum(axis=0), float(len(X)))

    @property
    def mean_variance(self) -> float:
        """The mean eigenvalue of the rows' covariance, above 0: the unit of a strength that has none of its own."""
        center = self.total / self.weight
        variance = float(np.trace(self.gram)) / self.weight - float(center @ center)
        return max(variance / len(center), float(np.finfo(np.float64).tiny))

    def without(self, other: "Moments") -> "Moments":
        """The sums over the rows that ``other`` does not hold."""
        return Moments(
            self.gram - other.gram,
            self.cross - other.cross,
            self.total - other.total,
            self.targets - other.targets,
            self.weight - other.weight,
        )


def ridge_path(moments: Moments, strengths: Iterable[float]) -> Iterator[Doubles]:
    """Least squares with a penalty, for every strength.

    The objective is the weighted mean of |y - W^T x - b|^2 plus s |W|^2; the intercept is free.

    Args:
        moments: of the rows.
        strengths: S penalties.

    Yields:
        (D + 1, C) coefficients of each strength, the last row the intercepts.

    Reference:
        Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", equation 3.47.
    """
    weight = moments.weight
    center, share = moments.total / weight, moments.targets / weight
    values, vectors = np.linalg.eigh(moments.gram / weight - np.outer(center, center))
    rotated = vectors.T @ (moments.cross / weight - np.outer(center, share))
    for strength in strengths:
        coefficients = vectors @ (rotated / (np.maximum(values, 0) + strength)[:, None])
        yield np.concatenate([coefficients, (share - center @ coefficients)[None]])
