"""Bring every feature to mean 0 and deviation 1, so that one penalty suits all of them."""

import numpy as np

from metric_face.arrays import Doubles, Floats

_ROWS = 8192  # of a block in float64


def standardize(
    X: Floats,
    row_weights: Doubles | None = None,
) -> tuple[Floats, tuple[Doubles, Doubles]]:
    """Standardize the columns; a constant column becomes 0.

    Args:
        X: (N, D).
        row_weights: (N,) what each row counts in means and deviations; None counts all alike.

    Returns:
        (N, D) float32, and the (D,) means and deviations that were taken off.
    """
    mean = _mean(X, row_weights)
    result = np.empty_like(X)
    squares = np.zeros(X.shape[1])
    for start in range(0, len(X), _ROWS):
        block = X[start : start + _ROWS] - mean
        if row_weights is None:
            squares += (block**2).sum(axis=0)
        else:
            squares += row_weights[start : start + _ROWS] @ block**2
        result[start : start + _ROWS] = block
    deviation = np.sqrt(squares / (len(X) if row_weights is None else row_weights.sum()))
    constant = deviation <= 1e-7 * np.maximum(np.abs(mean), np.finfo(np.float32).tiny)
    deviation[constant] = 1.0
    result /= deviation.astype(np.float32)
    return result, (mean, deviation)


def _mean(X: Floats, row_weights: Doubles | None) -> Doubles:
    if row_weights is None:
        plain: Doubles = X.mean(axis=0, dtype=np.float64)
        return plain
    total = np.zeros(X.shape[1])
    for start in range(0, len(X), _ROWS):
        part = slice(start, start + _ROWS)
        total += row_weights[part] @ X[part].astype(np.float64)
    total /= row_weights.sum()
    return total
