"""What counts as a missing label or identity: one notion, for every reader, sampler, score and diagnosis."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Bools


def is_missing(value: Any) -> bool:
    """Say whether a value stands for none: None, NaN, NaT, ``pandas.NA``, or text of blanks alone.

    Words such as ``None``, ``NA`` and ``nan`` are text, and therefore labels.
    """
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, int | bool | bytes):
        return False
    try:
        return bool(value != value)  # NaN and NumPy's NaT differ from themselves
    except (TypeError, ValueError):
        return False  # an array or the like: a wrong value, and not a missing one


def missing_rows(values: Any) -> Bools:
    """Say of each of N values whether it is missing: a list, an array, a tensor or a pandas column.

    Returns:
        (N,) booleans.
    """
    text = text_column(values)
    if text is not None:
        import pyarrow.compute as pc

        is_blank = pc.or_(pc.equal(pc.binary_length(text), 0), pc.utf8_is_space(text))
        return np.asarray(pc.fill_null(is_blank, True), dtype=bool)
    array = column_of(values)
    if array.dtype.kind in "iub":
        return np.zeros(len(array), dtype=bool)
    if array.dtype.kind == "f":
        return np.asarray(np.isnan(array), dtype=bool)
    return np.fromiter((is_missing(value) for value in array.tolist()), dtype=bool, count=len(array))


def text_column(values: Any) -> Any:
    """A pandas column of text as an Arrow array, which is looked at without making its values; None for any other."""
    if type(getattr(values, "dtype", None)).__name__ != "StringDtype":
        return None
    import pyarrow as pa

    return pa.array(getattr(values, "array", values))


def column_of(values: Any) -> NDArray[Any]:
    """The values as an array that keeps each as it is.

    NumPy would make floats of integers beside a None or NaN, and text of numbers beside text; a list becomes an
    array of its objects instead where its values are of more than one kind.

    Args:
        values: a list, an array, a tensor or a pandas column of N values.

    Returns:
        An array whose first dimension is N.
    """
    if hasattr(values, "detach"):  # a tensor, maybe on a GPU
        values = values.detach().cpu()
    if hasattr(values, "to_numpy"):  # a pandas column: its own index plays no part, positions do
        return np.asarray(values.to_numpy())
    if hasattr(values, "__array__"):
        return np.asarray(values)
    listed = [_scalar(value) for value in values]
    kinds = {type(value) for value in listed}
    if len(kinds) == 1 and kinds <= {int, str, float, bool}:
        array = np.asarray(listed)
        if array.dtype.kind != "f" or kinds == {float}:  # integers beyond 64 bits would become floats
            return array
    if kinds == {int, float} and all(value == value and abs(value) <= 2**53 for value in listed):
        return np.asarray(listed)  # numbers that floats keep
    column = np.empty(len(listed), dtype=object)
    for row, value in enumerate(listed):
        column[row] = value
    return column


def _scalar(value: Any) -> Any:
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
