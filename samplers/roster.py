"""Who can be drawn, and how often at least: everything about the labels that no epoch changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

import numpy as np

from metric_face.arrays import Bools, Doubles, Ints
from metric_face.errors import ArgumentError

from .checks import choice, whole
from .dealing import stable_order
from .parts import groups_to_cover, number_parts, parts_of, varies
from .quotas import Quota, QuotaPlan, plan_quotas

Coverage = Literal["images", "identities"]
Singletons = Literal["pad", "drop", "raise"]
Balance = Literal["proportional", "sqrt", "uniform"]


@dataclass(frozen=True)
class Roster:
    """The eligible labels and images, and the length of an epoch.

    Shapes: M eligible images, C eligible labels, Q parts of labels (one identity within one class).
    """

    num_identities: int
    num_instances: int
    cover: bool  # every image, not only every label
    batches: int
    names: list[Any]  # (C,) the labels themselves
    members: Ints  # (M,) image numbers, label by label and part by part
    label: Ints  # (M,)
    sizes: Ints  # (C,) images of each label
    groups: Ints  # (C,) groups of K that each label needs in an epoch
    weight: Doubles  # (C,) how often labels are wanted, relative to each other
    part: Ints | None  # (M,)
    part_label: Ints  # (Q,)
    part_sizes: Ints  # (Q,)
    quotas: QuotaPlan | None
    num_images: int
    dropped: Ints  # image numbers that are never drawn
    dropped_labels: list[Any] = field(default_factory=list)

    def fingerprint(self) -> str:
        """A short text that differs where labels or policies do, and with them the batches."""
        columns = [self.label, self.members, self.groups, self.weight]
        columns += [] if self.part is None else [self.part]
        columns += [] if self.quotas is None else [*self.quotas.strata, self.quotas.need, self.quotas.cap]
        digest = sha256()
        for column in columns:
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()[:16]


def enrol(
    codes: Ints,
    names: list[Any],
    num_identities: int,
    num_instances: int,
    *,
    spread: Any = None,
    coverage: Coverage = "images",
    singletons: Singletons = "pad",
    balance: Balance | None = None,
    quotas: Sequence[Quota] = (),
    num_batches: int | None = None,
) -> Roster:
    """Check every argument of a sampler and work out what its epochs have in common.

    Args:
        codes, names: (N,) and (C,) the labels, as `encode` gives them.
        others: as in `RandomIdentitySampler`.

    Returns:
        The roster, from which `make_plan` draws epochs.

    Raises:
        ArgumentError: what is asked for cannot be held; the message says which number to change.
    """
    p = whole("num_identities", num_identities, 1)
    k = whole("num_instances", num_instances, 2, "a label needs two images to form a positive pair")
    choice("coverage", coverage, ("images", "identities"))
    choice("singletons", singletons, ("pad", "drop", "raise"))
    if balance is None:
        balance = "proportional" if coverage == "images" else "uniform"
    choice("balance", balance, ("proportional", "sqrt", "uniform"))
    if coverage == "identities" and balance != "uniform":
        raise ArgumentError(
            f"balance must be 'uniform' with coverage='identities', which draws all labels alike, give or take one; "
            f"found {balance!r}; use coverage='images' for another balance"
        )
    for quota in quotas:
        if quota.codes.size != codes.size:
            raise ArgumentError(
                f"quota of {quota.name!r} must have one value an image ({codes.size}), found {quota.codes.size}"
            )
    if spread is not None and any(varies(codes, q.codes) for q in quotas):
        raise ArgumentError(
            "quotas on an attribute that varies within a label cannot be held together with spread; "
            "drop spread, or choose labels within which the attribute is constant"
        )

    counts = np.bincount(codes, minlength=len(names))
    eligible = _eligible(counts, singletons)
    if int(eligible.sum()) < p:
        lost = int((~eligible).sum())
        raise ArgumentError(
            f"num_identities must be at most the number of eligible labels, found num_identities={p} and "
            f"{int(eligible.sum())} eligible labels ({len(names)} labels, {lost} dropped for having one image); "
            f"lower num_identities or add labels"
        )
    parts = parts_of(codes, spread, quotas)
    order = stable_order(codes) if parts is None else np.lexsort((parts, codes))
    members = order[eligible[codes[order]]]
    renumber = np.cumsum(eligible) - 1
    label = renumber[codes[members]]
    sizes = counts[eligible]
    part, part_label, part_sizes = number_parts(label, None if parts is None else parts[members])

    if coverage == "images":
        groups = groups_to_cover(sizes, k, part_label, part_sizes)
        weight = {
            "proportional": groups.astype(np.float64),
            "sqrt": np.sqrt(sizes),
            "uniform": np.ones(sizes.size),
        }[balance]
    else:
        groups, weight = np.ones(sizes.size, dtype=np.int64), np.ones(sizes.size)
    wanted = float((groups / weight).max() * weight.sum())  # enough for the label that needs the most
    least = max(int(groups.max()), -(-int(groups.sum()) // p))
    batches = max(least, int(np.ceil(wanted / p - 1e-9)))
    if num_batches is not None:
        batches = whole("num_batches", num_batches, 1)
        if batches < least:
            raise ArgumentError(
                f"num_batches must be at least {least} for coverage={coverage!r}, found {batches}; raise it, "
                f"or leave it out"
            )
    quota_plan = None
    if quotas:
        quota_plan = plan_quotas(quotas, label, members, part, p, k)
        needed = quota_plan.batches_needed(groups)
        if num_batches is not None and batches < needed:
            raise ArgumentError(
                f"num_batches must be at least {needed} to hold the quotas, found {batches}; raise it, "
                f"or leave it out"
            )
        batches = max(batches, needed)
    return Roster(
        num_identities=p,
        num_instances=k,
        cover=coverage == "images",
        batches=batches,
        names=[name for name, keep in zip(names, eligible, strict=True) if keep],
        members=members,
        label=label,
        sizes=sizes,
        groups=groups,
        weight=weight,
        part=part,
        part_label=part_label,
        part_sizes=part_sizes,
        quotas=quota_plan,
        num_images=codes.size,
        dropped=np.flatnonzero(~eligible[codes]),
        dropped_labels=[name for name, keep in zip(names, eligible, strict=True) if not keep],
    )


def _eligible(counts: Ints, singletons: Singletons) -> Bools:
    single = counts == 1
    if singletons == "raise" and single.any():
        raise ArgumentError(
            f"singletons='raise' and {int(single.sum())} of {counts.size} labels have one image, which has no "
            f"positive but itself; use singletons='drop' to leave them out or 'pad' to keep them as negatives"
        )
    return counts > 1 if singletons == "drop" else counts > 0
