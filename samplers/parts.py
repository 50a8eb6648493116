"""Parts of a label that are spread over the groups of K: the identities of a class, or values of a quota."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from metric_face.arrays import Bools, Ints, combined_codes
from metric_face.errors import ArgumentError

from .labels import encode
from .quotas import Quota


def varies(codes: Ints, values: Ints) -> bool:
    """Whether one label has images with two values."""
    first = np.empty(int(codes.max()) + 1, dtype=np.int64)
    first[codes] = values
    return bool((first[codes] != values).any())


def parts_of(codes: Ints, spread: Any, quotas: Sequence[Quota]) -> Ints | None:
    """(N,) within a label, which images are to be spread over its groups as one: an identity, or a value."""
    if spread is not None:
        identities, _ = encode(spread, "spread")
        if identities.size != codes.size:
            raise ArgumentError(
                f"spread must have one value an image ({codes.size}), found {identities.size}; pass the column "
                f"of identities of the same rows"
            )
        return identities
    varying = [q.codes for q in quotas if varies(codes, q.codes)]
    if not varying:
        return None
    return combined_codes(varying)


def number_parts(label: Ints, parts: Ints | None) -> tuple[Ints | None, Ints, Ints]:
    """The parts of the sorted members: the part of each, and the label and size of each part."""
    if parts is None:
        return None, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    if not ((label[1:] == label[:-1]) & (parts[1:] != parts[:-1])).any():
        return number_parts(label, None)  # one part a label: nothing to spread
    fresh = np.concatenate(([True], (label[1:] != label[:-1]) | (parts[1:] != parts[:-1])))
    starts = np.flatnonzero(fresh)
    return np.cumsum(fresh) - 1, label[starts], np.diff(starts, append=label.size)


def groups_to_cover(sizes: Ints, k: int, part_label: Ints, part_sizes: Ints) -> Ints:
    """The fewest groups of K in which each label shows every image, with its parts spread.

    A label with at least K parts shows each part at most once a group, so the largest part sets the
    number. One with fewer parts shows every part in every group, so small parts are repeated, and the
    groups must hold the repeats as well.
    """
    least = -(-sizes // k)
    if not part_sizes.size:
        return least
    parts = np.bincount(part_label, minlength=sizes.size)
    largest = np.zeros(sizes.size, dtype=np.int64)
    np.maximum.at(largest, part_label, part_sizes)
    groups = np.where(parts >= k, np.maximum(least, largest), least)
    few = (parts < k) & (sizes >= k)
    low, high = least.copy(), np.where(few, sizes, least)  # with as many groups as images there is room
    while (low < high).any():
        middle = (low + high) // 2
        shown = np.bincount(part_label, np.maximum(part_sizes, middle[part_label]), minlength=sizes.size)
        fits = shown <= middle * k
        low, high = np.where(fits, low, middle + 1), np.where(fits, middle, high)
        low = np.minimum(low, high)
    return np.where(few, high, groups)


def part_bounds(
    sizes: Ints, part_label: Ints, part_sizes: Ints, counts: Ints, k: int, cover: bool
) -> tuple[Ints, Ints]:
    """(Q,) the fewest and most cells of each part that keep the parts of every label spread.

    A label with K parts or more: each at most once a group. One with fewer: each at least once a group,
    no image twice. One with fewer images than K: every image in every group, repeated evenly.
    """
    groups, images = counts[part_label], sizes[part_label]
    parts = np.bincount(part_label, minlength=counts.size)[part_label]
    shown = part_sizes if cover else np.zeros_like(part_sizes)
    base, remainder = np.divmod(groups * k, images)
    cases: list[Bools] = [images < k, parts < k]
    lower = np.select(cases, [base * part_sizes, np.maximum(shown, groups)], shown)
    upper = np.select(cases, [(base + (remainder > 0)) * part_sizes, groups * part_sizes], groups)
    return lower, upper
