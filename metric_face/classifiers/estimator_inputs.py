"""What both scikit-learn estimators take beside dense rows: sparse matrices and a weight for each row."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight

from metric_face.arrays import Doubles, Floats, column_of
from metric_face.errors import ArgumentError


def dense(rows: Any) -> Floats:
    """Write checked float32 rows out: a sparse matrix takes 4 N D bytes of memory here, zeros included."""
    written: Floats = rows.toarray() if issparse(rows) else rows
    return written


def labels_of(y: Any) -> Any:
    """Labels or weights: a frame of one column as that column, anything else as it is for scikit-learn to check."""
    return column_of(y) if hasattr(y, "columns") else y


def check_row_weights(sample_weight: ArrayLike, rows: Floats) -> Doubles:
    """Check one weight for each row and divide by the largest, which leaves every weighted mean as it is.

    Args:
        sample_weight: (N,) finite numbers of at least 0, not all 0; a single number stands for all rows.
        rows: (N, D).

    Returns:
        (N,) float64 in 0..1.

    Raises:
        ArgumentError: a weight is negative, or none is above 0.
        ValueError: another shape, or a weight that is not a finite number.
    """
    sample_weight = labels_of(sample_weight)
    if not np.any(np.asarray(sample_weight)):
        raise ArgumentError("sample_weight must be above zero for some row, found 0 for all; pass None")
    weights: Doubles = _check_sample_weight(sample_weight, rows, dtype=np.float64)
    if weights.min() < 0:
        raise ArgumentError(f"sample_weight must be at least 0, found {weights.min():g}; 0 leaves a row out")
    weights = weights / weights.max()
    return weights
