"""The weight of each class, as given or balanced against the classes' frequencies."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from metric_face.arrays import Doubles, Ints
from metric_face.errors import ArgumentError


def class_weights(
    given: str | Mapping[Any, float] | None,
    classes: NDArray[Any],
    codes: Ints,
    row_weights: Doubles | None,
) -> Doubles | None:
    """Turn the ``class_weight`` of an estimator into a (C,) array.

    Args:
        given: None, "balanced" or a weight by class.
        classes: (C,) sorted.
        codes: (N,) 0..C-1.
        row_weights: (N,) what each row counts in "balanced"; None counts all alike.

    Returns:
        (C,) float64, or None.

    Raises:
        ArgumentError: another word, a negative weight, or none above 0.
    """
    if given is None:
        return None
    if isinstance(given, str) and given != "balanced":
        raise ArgumentError(f"class_weight must be None, 'balanced' or a dict, found {given!r}")
    if isinstance(given, str):
        counts = np.bincount(codes, weights=row_weights, minlength=len(classes))
        balanced: Doubles = counts.sum() / (len(classes) * counts)
        return balanced
    weights: Doubles = compute_class_weight(dict(given), classes=classes, y=classes[codes])
    if not (weights >= 0).all() or not weights.sum() > 0:
        raise ArgumentError(f"class_weight must be positive for some class, found {given}")
    return weights
