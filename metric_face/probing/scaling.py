"""Bring every feature to mean 0 and deviation 1, so that one penalty suits all of them."""

import numpy as np
from numpy.typing import NDArray

_ROWS = 8192  # of a block in float64


def standardise(
    X: NDArray[np.float32],
) -> tuple[NDArray[np.float32], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Standardise the columns; a constant column becomes 0.

    Args:
        X: (N, D).

    Returns:
        (N, D) float32, and the (D,) means and deviations that were taken off.
    """
    mean = X.mean(axis=0, dtype=np.float64)
    result = np.empty_like(X)
    squares = np.zeros(X.shape[1])
    for start in range(0, len(X), _ROWS):
        block = X[start : start + _ROWS] - mean
        squares += (block**2).sum(axis=0)
        result[start : start + _ROWS] = block
    deviation = np.sqrt(squares / len(X))
    constant = deviation <= 1e-7 * np.maximum(np.abs(mean), np.finfo(np.float32).tiny)
    deviation[constant] = 1.0
    result /= deviation.astype(np.float32)
    return result, (mean, deviation)
