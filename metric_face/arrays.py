"""The array types of the package, named once, and labels of any form as arrays."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


def column_of(values: Any) -> NDArray[Any]:
    """The values as an array that keeps each as it is.

    NumPy would make floats of integers beside a None or NaN, and text of numbers beside text; a list becomes an
    array of its objects instead where its values are of more than one kind. A frame of one column is that column.

    Args:
        values: a list, an array, a tensor, a pandas column, or a frame of one column, of N values.

    Returns:
        (N,); of values with more columns or dimensions, an array whose first dimension is N.
    """
    array = _array_of(values)
    return array[:, 0] if hasattr(values, "columns") and array.shape[1] == 1 else array


def numbered(*columns: Any) -> list[Ints | NDArray[Any]]:
    """Columns of text as whole numbers that mean the same in all of them; columns without text as they are.

    Args:
        columns: (N,) values, as :func:`column_of` takes them.

    Returns:
        An array each. Where any column holds text, the codes 0..C-1 of all values in sorted order, as scikit-learn
        numbers classes; a value that is no text, such as None or a number beside names, leaves every column as it is.
    """
    arrays = [column_of(column) for column in columns]
    if not all(array.ndim == 1 and _is_text(array) for array in arrays):
        return arrays
    joined = np.concatenate([array.astype(str) for array in arrays])
    codes = np.unique(joined, return_inverse=True)[1].astype(np.int64)
    return np.split(codes, np.cumsum([len(array) for array in arrays])[:-1])


def combined_codes(columns: Sequence[Ints]) -> Ints:
    """One code (N,) for each combination of codes (N,) that occurs, in the order of the combinations."""
    codes: Ints = np.unique(np.stack(columns), axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return codes


def _is_text(array: NDArray[Any]) -> bool:
    return array.dtype.kind == "U" or (
        array.dtype.kind == "O"
        and bool(array.size)
        and all(isinstance(value, str) for value in array.tolist())
    )


def _array_of(values: Any) -> NDArray[Any]:
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
