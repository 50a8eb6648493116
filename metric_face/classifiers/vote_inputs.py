"""The inputs of a vote, checked: neighbors, labels and weights of the items."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metric_face.arrays import Doubles, Ints, column_of
from metric_face.errors import ArgumentError
from metric_face.vectors import check_k


def check_item_weights(given: ArrayLike | None, items: int) -> Doubles | None:
    """(N,) positive weights of the items, or None."""
    if given is None:
        return None
    weights = np.asarray(column_of(given), dtype=np.float64)
    if weights.shape != (items,):
        raise ArgumentError(f"item_weights must be one per label, found shape {weights.shape} for {items}")
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise ArgumentError("item_weights must be positive numbers; leave an item out of the search instead")
    return weights


def check_depth(k: int, depth: int) -> int:
    """The number of neighbors to count, at most those that are given."""
    if check_k(k) > depth:
        raise ArgumentError(f"ks must be at most the {depth} neighbors given, found {k}; search for more")
    return int(k)


def check_neighbors(
    ids: ArrayLike, similarities: ArrayLike, labels: ArrayLike
) -> tuple[Ints, NDArray[Any], Ints, NDArray[Any]]:
    """(Q, K) positions and similarities; (C,) the labels that occur, and (N,) which of them each item has."""
    places, near, names = np.asarray(ids), np.asarray(similarities), column_of(labels)
    if places.ndim != 2 or places.shape != near.shape or places.shape[1] == 0:
        raise ArgumentError(
            f"ids and similarities must both have shape (Q, K), found {places.shape} and {near.shape}"
        )
    if names.ndim != 1 or names.size == 0 or names.dtype.kind not in "iub":
        raise ArgumentError(
            f"labels must be (N,) integers, found shape {names.shape} of {names.dtype}; number them"
        )
    if places.dtype.kind not in "iu":
        raise ArgumentError(
            f"ids must be integers, found {places.dtype}; pass the positions found by the search"
        )
    if places.size and (places.max() >= names.size or places.min() < -1):
        raise ArgumentError(f"ids must lie in -1..{names.size - 1}, found {places.min()}..{places.max()}")
    classes, codes = _classes_of(names.astype(np.int64))
    small = np.int16 if len(classes) < 1 << 15 else np.int32  # 16-bit labels sort by radix
    return places.astype(np.int64, copy=False), near, classes, codes.astype(small)


def _classes_of(names: Ints) -> tuple[Ints, Ints]:
    """``np.unique`` with the inverse; labels that are codes are counted, where sorting them takes ten times as long."""
    if names.min() < 0 or names.max() > 4 * names.size:
        return np.unique(names, return_inverse=True)
    there = np.bincount(names) > 0
    return np.flatnonzero(there), (np.cumsum(there) - 1)[names]
