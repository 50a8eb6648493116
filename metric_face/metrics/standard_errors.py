"""The jackknife's standard error with its degrees of freedom, and the quantile of Student's t that goes with it."""

import numpy as np

from metric_face.arrays import Doubles
from metric_face.errors import ArgumentError


def jackknife_error(without: Doubles) -> tuple[float, float]:
    """Return the jackknife's standard error of a score, and the degrees of freedom of that error.

    Args:
        without: (G,) the score without each identity, or each group of identities of equal number, in turn.
    """
    size = len(without)
    moved = without - without.mean()
    square = float((moved**2).sum())
    error = float(np.sqrt((size - 1) / size * square))
    if square == 0:
        return error, float(size - 1)
    kurtosis = size * float((moved**4).sum()) / square**2
    return error, float(np.clip(2 * size / max(kurtosis - 1, 1e-9), min(3, size - 1), size - 1))


def student(confidence: float, freedom: float) -> float:
    """Return the two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    check_confidence(confidence)
    return float(stdtrit(freedom, 0.5 + confidence / 2))


def check_confidence(confidence: float) -> None:
    """Refuse a coverage outside (0, 1)."""
    if not 0 < confidence < 1:
        raise ArgumentError(f"confidence must lie between 0 and 1, found {confidence}; 0.95 is usual")
