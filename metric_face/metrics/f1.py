"""F1 by class and macro F1 from integer labels."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metric_face.arrays import Doubles, Ints, column_of, numbered
from metric_face.errors import ArgumentError
from metric_face.vectors import group_codes


def as_labels(values: Any, name: str) -> Ints:
    """Check that ``values`` is a vector of integers, in any form, and return it as int64.

    Doubles are refused even when whole: float32 merges identities above 2^24.
    """
    array: NDArray[Any] = column_of(values)
    if array.ndim != 1:
        raise ArgumentError(f"{name} must be one-dimensional, found shape {array.shape}; pass one per item")
    if array.size == 0:
        raise ArgumentError(f"{name} must hold at least one label, found none")
    if array.dtype.kind not in "iub":
        raise ArgumentError(f"{name} must be integers, found {array.dtype}; encode the classes as 0..C-1")
    if array.max() >= 2**63:
        raise ArgumentError(f"{name} must be classes 0..C-1, found {array.max()}; encode them")
    return array.astype(np.int64, copy=False)


def as_codes(identities: ArrayLike, expected: int) -> Ints:
    """Encode identities, integers or strings, as 0..I-1 after checking that there is one for each item."""
    return group_codes(one_each(identities, expected))[0]


def one_each(identities: ArrayLike, expected: int) -> NDArray[Any]:
    """Identities, integers or strings, as an array (expected,).

    Raises:
        ArgumentError: there are more or fewer, or they are floats.
    """
    array: NDArray[Any] = column_of(identities)
    if array.shape != (expected,):
        raise ArgumentError(
            f"identities must be one per item, found shape {array.shape} for {expected} items"
        )
    if array.dtype.kind == "f":
        raise ArgumentError(
            "identities must be integers or strings, found floats; floats merge large numbers"
        )
    return array


def check_pair(y_true: ArrayLike, y_pred: ArrayLike, num_classes: int | None) -> tuple[Ints, Ints, int]:
    """Check true and predicted labels against each other and against 0..C-1; return both and C.

    Names of classes are numbered in sorted order, in both alike.
    """
    y_true, y_pred = numbered(y_true, y_pred)
    true, pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
    if true.shape != pred.shape:
        raise ArgumentError(
            f"y_true and y_pred must be equally long, found {true.size} and {pred.size}; predict each item"
        )
    top = int(max(true.max(), pred.max()))
    classes = top + 1 if num_classes is None else num_classes
    if classes < 1:
        raise ArgumentError(f"num_classes must be at least 1, found {num_classes}")
    for name, labels in (("y_true", true), ("y_pred", pred)):
        if labels.min() < 0 or labels.max() >= classes:
            bad = labels.min() if labels.min() < 0 else labels.max()
            raise ArgumentError(f"{name} must lie in 0..{classes - 1}, found {bad}; check num_classes")
    return true, pred, classes


def confusion(y_true: ArrayLike, y_pred: ArrayLike, num_classes: int | None = None) -> Ints:
    """Count how often each true class was predicted as each class.

    Args:
        y_true: (N,) classes: integers, or names, which are numbered in sorted order.
        y_pred: (N,) classes, likewise.
        num_classes: C; the largest label found plus one when None.

    Returns:
        (C, C) int64; row = true class, column = predicted class.

    Raises:
        ArgumentError: the labels are not integers in 0..C-1, or differ in number.
    """
    true, pred, classes = check_pair(y_true, y_pred, num_classes)
    return np.bincount(true * classes + pred, minlength=classes * classes).reshape(classes, classes)


def f1_from_counts(hits: NDArray[Any], true: NDArray[Any], pred: NDArray[Any]) -> Doubles:
    """F1 = 2 hits / (true + predicted), elementwise; NaN where a class neither occurs nor is predicted."""
    total = np.asarray(true, dtype=np.float64) + pred
    scores: Doubles = np.full(total.shape, np.nan)
    np.divide(2.0 * hits, total, out=scores, where=total > 0)
    return scores


def f1_per_class(y_true: ArrayLike, y_pred: ArrayLike, num_classes: int | None = None) -> Doubles:
    """F1 of each class.

    Args:
        y_true: (N,) classes: integers, or names, which are numbered in sorted order.
        y_pred: (N,) classes, likewise.
        num_classes: C; the largest label found plus one when None.

    Returns:
        (C,) float64; NaN for a class that neither occurs nor is predicted: it has no F1, and 0 would punish
        a set for what it does not contain.

    Raises:
        ArgumentError: the labels are not integers in 0..C-1, or differ in number.
    """
    true, pred, classes = check_pair(y_true, y_pred, num_classes)
    hits = np.bincount(true[true == pred], minlength=classes)
    return f1_from_counts(hits, np.bincount(true, minlength=classes), np.bincount(pred, minlength=classes))


def macro_f1(y_true: ArrayLike, y_pred: ArrayLike, num_classes: int | None = None) -> float:
    """Mean F1 over the classes that occur or are predicted, as scikit-learn's ``f1_score(average="macro")``.

    Args:
        y_true: (N,) classes: integers, or names, which are numbered in sorted order.
        y_pred: (N,) classes, likewise.
        num_classes: C, which only bounds the labels; a class that neither occurs nor is predicted does not
            count.

    Returns:
        Macro F1 in [0, 1].

    Raises:
        ArgumentError: the labels are not integers in 0..C-1, or differ in number.
    """
    true, pred, _ = check_pair(y_true, y_pred, num_classes)
    if num_classes is None:  # labels may be huge identities: compress before counting
        _, codes = np.unique(np.concatenate([true, pred]), return_inverse=True)
        true, pred = codes[: true.size], codes[true.size :]
    return float(np.nanmean(f1_per_class(true, pred, num_classes)))


def check_predictions(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    identities: ArrayLike,
    other: ArrayLike | None,
    num_classes: int | None,
) -> tuple[Ints, Ints, list[Ints], int]:
    """Check one or two predictions of the same items.

    Returns:
        (N,) classes and identities, (N,) predictions of each, and C.
    """
    if other is not None:
        y_true, y_pred, other = numbered(y_true, y_pred, other)
    true, pred, classes = check_pair(y_true, y_pred, num_classes)
    predictions = [pred]
    if other is not None:
        _, second, more = check_pair(true, other, num_classes)
        predictions.append(second)
        classes = max(classes, more)
    return true, as_codes(identities, len(true)), predictions, classes
