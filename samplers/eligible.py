"""The labels and images that can be drawn, sorted by label and part."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from metric_face.arrays import Bools, Ints
from metric_face.errors import ArgumentError

from .dealing import stable_order
from .parts import number_parts
from .policies import Policies, Singletons


@dataclass(frozen=True)
class EligibleImages:
    """The eligible images, sorted by label and part, and what was dropped.

    Shapes: M eligible images, C eligible labels, Q parts of labels (one identity within one class).
    """

    members: Ints  # (M,) image numbers
    label: Ints  # (M,) in [0, C)
    sizes: Ints  # (C,) images of each label
    part: Ints | None  # (M,) in [0, Q); None where nothing is spread
    part_label: Ints  # (Q,)
    part_sizes: Ints  # (Q,)
    names: list[Any]  # (C,) the labels themselves
    num_images: int  # in the data
    dropped: Ints  # image numbers that are never drawn
    dropped_labels: list[Any]


def eligible_images(codes: Ints, names: list[Any], policies: Policies, parts: Ints | None) -> EligibleImages:
    """Drop what the singleton policy drops, and sort the rest.

    Args:
        codes, names: (N,) and (C,) the labels, as `encode` gives them.
        policies: the checked policies.
        parts: (N,) the part of each image within its label, as `parts_of` gives it.

    Raises:
        ArgumentError: fewer than num_identities labels are left, or there are singletons and the policy is "raise".
    """
    counts = np.bincount(codes, minlength=len(names))
    eligible = _eligible_labels(counts, policies.singletons)
    if int(eligible.sum()) < policies.num_identities:
        raise ArgumentError(
            f"num_identities must be at most the number of eligible labels, found "
            f"num_identities={policies.num_identities} and {int(eligible.sum())} eligible labels ({len(names)} labels, "
            f"{int((~eligible).sum())} dropped for having one image); lower num_identities or add labels"
        )
    order = stable_order(codes) if parts is None else np.lexsort((parts, codes))
    members = order[eligible[codes[order]]]
    renumber = np.cumsum(eligible) - 1  # the eligible labels without gaps
    label = renumber[codes[members]]
    part, part_label, part_sizes = number_parts(label, None if parts is None else parts[members])
    return EligibleImages(
        members=members,
        label=label,
        sizes=counts[eligible],
        part=part,
        part_label=part_label,
        part_sizes=part_sizes,
        names=[name for name, keep in zip(names, eligible, strict=True) if keep],
        num_images=codes.size,
        dropped=np.flatnonzero(~eligible[codes]),
        dropped_labels=[name for name, keep in zip(names, eligible, strict=True) if not keep],
    )


def _eligible_labels(counts: Ints, singletons: Singletons) -> Bools:
    single = counts == 1
    if singletons == "raise" and single.any():
        raise ArgumentError(
            f"singletons='raise' and {int(single.sum())} of {counts.size} labels have one image, which has no "
            f"positive but itself; use singletons='drop' to leave them out or 'pad' to keep them as negatives"
        )
    return counts > 1 if singletons == "drop" else counts > 0
