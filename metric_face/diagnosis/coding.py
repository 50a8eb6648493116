"""Labels, identities and predictions as users hand them in, as codes; what is missing is never a class."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Ints, column_of
from metric_face.errors import ArgumentError
from metric_face.missing import is_missing, missing_rows

_SPARSE = (
    1 << 16
)  # integers beyond this, and beyond four for each image, are names of classes, not their numbers


def mapped(labels: Any) -> Any:
    """A data frame as a mapping of its columns; anything else as it is."""
    return {str(name): labels[name] for name in labels.columns} if hasattr(labels, "columns") else labels


def column(values: Any, name: str, count: int) -> NDArray[Any]:
    """(N,) integers or strings as they are, after checking that there is one for each image and none is missing."""
    array = column_of(same_length(values, name, count))
    if array.ndim != 1:
        raise ArgumentError(f"{name} must have one dimension, found shape {array.shape}; one value an image")
    lacking = np.flatnonzero(missing_rows(array))
    if len(lacking):
        raise ArgumentError(
            f"{name} must not be missing, found {array.tolist()[lacking[0]]!r} at row {lacking[0]} (of {len(lacking)} "
            "such rows); drop such rows or fill them in"
        )
    if array.dtype.kind in "iubU":
        return array
    if array.dtype.kind == "f":
        raise ArgumentError(
            f"{name} must be integers or strings, found {array.dtype}; floats merge large numbers"
        )
    stray = next((value for value in array.tolist() if not isinstance(value, str | int)), None)
    if stray is not None:
        raise ArgumentError(
            f"{name} must be integers or strings, found {stray!r}; give one such value an image"
        )
    if all(isinstance(value, int) and -(2**63) <= value < 2**63 for value in array.tolist()):
        return array.astype(np.int64)
    return array.astype(str)


def encode(attribute: str, values: Any, names: Any, count: int) -> tuple[Ints, tuple[str, ...]]:
    array = column(values, f"labels[{attribute!r}]", count)
    if array.dtype.kind in "iub":
        if array.min() < 0:
            raise ArgumentError(
                f"labels[{attribute!r}] must be 0 or more, found {array.min()}; leave such images out"
            )
        size = int(array.max()) + 1
        if size > _SPARSE + 4 * count:
            raise ArgumentError(
                f"labels[{attribute!r}] must be class numbers 0..C-1, found {array.max()} among {count} images; "
                "give them as strings"
            )
        codes = array.astype(np.int64)
        if names is None:
            return codes, tuple(str(code) for code in range(size))
        if len(names) < size:
            raise ArgumentError(f"classes[{attribute!r}] must name {size} classes, found {len(names)} names")
        return codes, tuple(str(name) for name in names)
    order = np.unique(array) if names is None else np.array([str(name) for name in names])
    place = {name: code for code, name in enumerate(order.tolist())}
    unknown = next((text for text in array.tolist() if text not in place), None)
    if unknown is not None:
        raise ArgumentError(
            f"classes[{attribute!r}] must name every class, found {unknown!r} among the labels"
        )
    return np.array([place[text] for text in array.tolist()], dtype=np.int64), tuple(order.tolist())


def identity_codes(identities: Any, count: int, name: str = "identities") -> Ints:
    if identities is None:
        return np.arange(count)
    return np.unique(column(identities, name, count), return_inverse=True)[1].astype(np.int64)


def predicted(attribute: str, values: Any, names: tuple[str, ...], count: int) -> Ints:
    """(N,) predicted codes; -1 where there is no prediction."""
    name = f"predictions[{attribute!r}]"
    array = column_of(same_length(values, name, count))
    place = {text: code for code, text in enumerate(names)}
    codes = np.full(count, -1, dtype=np.int64)
    for row, value in enumerate(array.tolist()):
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if is_missing(value) or (whole and value < 0):
            continue
        code = int(value) if whole else place.get(value, -1) if isinstance(value, str) else -1
        if not 0 <= code < len(names):
            raise ArgumentError(
                f"{name} must be among {len(names)} classes, found {value!r}; leave it empty where there is none"
            )
        codes[row] = code
    return codes


def same_length(values: Any, name: str, count: int) -> Any:
    if len(values) != count:
        raise ArgumentError(
            f"{name} must have one entry for each of the {count} embeddings, found {len(values)}"
        )
    return values
