"""Labels of any kind, turned into small whole numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt

from metric_face.arrays import Ints, column_of
from metric_face.errors import ArgumentError
from metric_face.missing import is_missing


def encode(labels: Any, name: str = "labels") -> tuple[Ints, list[Any]]:
    """Number the labels in the order in which they first appear.

    First appearance, and not sorted order, so that the codes are the same whether a label is the
    integer 10, the string "10" or an element of a tensor, and do not depend on any hash seed.

    Args:
        labels: (N,) integers, strings or any hashable values: a list, an array, a tensor, a pandas column.
        name: the parameter's name, for the error message.

    Returns:
        codes (N,) int64 in [0, C), and the C labels that they stand for.

    Raises:
        ArgumentError: no label, more than one dimension, or a missing label (NaN, None, "").
    """
    array = column_of(labels)
    if array.ndim != 1:
        raise ArgumentError(
            f"{name} must have one dimension, found shape {array.shape}; pass one label an image"
        )
    if array.size == 0:
        raise ArgumentError(f"{name} must hold at least one label, found none")
    if array.dtype.kind in "iu" and _is_dense(array):
        return _encode_dense(array.astype(np.int64))
    values = array.tolist()
    numbers: dict[Any, int] = {}
    try:
        codes = np.fromiter((numbers.setdefault(v, len(numbers)) for v in values), np.int64, len(values))
    except TypeError as error:
        raise ArgumentError(f"{name} must be hashable values such as integers or strings: {error}") from None
    for value in numbers:
        if is_missing(value):
            row = int(np.flatnonzero(codes == numbers[value])[0])
            raise ArgumentError(
                f"{name} must not be missing, found {value!r} at row {row}; drop such rows or label them"
            )
    return codes, list(numbers)


def _is_dense(array: npt.NDArray[Any]) -> bool:
    """Whether a table of one entry a value is affordable."""
    return bool(array.min() >= 0 and array.max() < 4 * array.size + 1024)


def _encode_dense(array: Ints) -> tuple[Ints, list[Any]]:
    """The same numbers as the dictionary gives, without a Python loop."""
    first = np.full(int(array.max()) + 1, array.size, dtype=np.int64)
    first[array[::-1]] = np.arange(array.size - 1, -1, -1)  # the last writer is the first appearance
    present = np.flatnonzero(first < array.size)
    order = present[np.argsort(first[present])]
    code = np.empty_like(first)
    code[order] = np.arange(order.size)
    return code[array], order.tolist()


def check_same_groups(codes: Ints, labels: Any, name: str) -> None:
    """Refuse a column that groups the images otherwise than the codes do.

    Args:
        codes: (N,) the labels of the sampler, as `encode` gives them.
        labels: (N,) the other column.
        name: the parameter's name, for the error message.

    Raises:
        ArgumentError: another number of images, or two images that share a label in one column only.
    """
    others, _ = encode(labels, name)
    if others.size != codes.size:
        raise ArgumentError(
            f"{name} must have one label an image of the sampler ({codes.size}), found {others.size}"
        )
    differs = np.flatnonzero(others != codes)
    if differs.size:
        raise ArgumentError(
            f"{name} must group the images as the sampler's labels do, found another group from row "
            f"{int(differs[0])} on; give sampler and loss the same column"
        )
