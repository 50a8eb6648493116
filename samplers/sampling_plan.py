"""The sampling plan: everything about the labels that is the same in every epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.errors import ArgumentError

from .checks import whole
from .eligible import EligibleImages, eligible_images
from .parts import groups_to_cover, parts_of, varies
from .policies import Policies
from .quota_plan import QuotaPlan, plan_quotas
from .quotas import Quota


@dataclass(frozen=True)
class SamplingPlan:
    """The eligible images, how often each label is wanted, and the length of an epoch. C eligible labels."""

    policies: Policies
    images: EligibleImages
    groups: Ints  # (C,) groups of K that each label needs in an epoch
    weight: Doubles  # (C,) how often labels are wanted, relative to each other
    quotas: QuotaPlan | None
    batches: int  # of an epoch over all ranks

    @property
    def covers_images(self) -> bool:
        """Whether an epoch shows every image, not only every label."""
        return self.policies.coverage == "images"

    def fingerprint(self) -> str:
        """A short text that differs where labels or policies do, and with them the batches."""
        columns = [self.images.label, self.images.members, self.groups, self.weight]
        columns += [] if self.images.part is None else [self.images.part]
        columns += [] if self.quotas is None else [*self.quotas.strata, self.quotas.need, self.quotas.cap]
        digest = sha256()
        for column in columns:
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()[:16]


def make_sampling_plan(
    codes: Ints,
    names: list[Any],
    policies: Policies,
    *,
    spread: Any = None,
    quotas: Sequence[Quota] = (),
    num_batches: int | None = None,
) -> SamplingPlan:
    """Work out what all epochs have in common.

    Args:
        codes, names: (N,) and (C,) the labels, as `encode` gives them.
        policies: the checked policies.
        spread, quotas, num_batches: as in `RandomIdentitySampler`.

    Returns:
        The plan, from which `epoch_batches` draws epochs.

    Raises:
        ArgumentError: the request cannot be met; the message names the number to change.
    """
    _check_quotas(quotas, codes, spread)
    images = eligible_images(codes, names, policies, parts_of(codes, spread, quotas))
    groups, weight = _groups_and_weight(images, policies)
    quota_plan = plan_quotas(quotas, images, policies) if quotas else None
    batches = _epoch_length(groups, weight, policies, quota_plan, num_batches)
    return SamplingPlan(policies, images, groups, weight, quota_plan, batches)


def _check_quotas(quotas: Sequence[Quota], codes: Ints, spread: Any) -> None:
    for quota in quotas:
        if quota.codes.size != codes.size:
            raise ArgumentError(
                f"quota of {quota.name!r} must have one value an image ({codes.size}), found {quota.codes.size}"
            )
    if spread is not None and any(varies(codes, quota.codes) for quota in quotas):
        raise ArgumentError(
            "quotas on an attribute that varies within a label cannot be held together with spread; "
            "drop spread, or choose labels within which the attribute is constant"
        )


def _groups_and_weight(images: EligibleImages, policies: Policies) -> tuple[Ints, Doubles]:
    """(C,) the groups that each label needs in an epoch, and (C,) its weight where there are more groups."""
    labels = images.sizes.size
    if policies.coverage == "identities":
        return np.ones(labels, dtype=np.int64), np.ones(labels)
    groups = groups_to_cover(images.sizes, policies.num_instances, images.part_label, images.part_sizes)
    weight = {
        "proportional": groups.astype(np.float64),
        "sqrt": np.sqrt(images.sizes),
        "uniform": np.ones(labels),
    }
    return groups, weight[policies.balance]


def _epoch_length(
    groups: Ints,
    weight: Doubles,
    policies: Policies,
    quotas: QuotaPlan | None,
    num_batches: int | None,
) -> int:
    """Batches of an epoch: as many as asked for, or as few as coverage, balance and quotas allow."""
    p = policies.num_identities
    least = max(int(groups.max()), -(-int(groups.sum()) // p))  # no label twice in a batch; room for all
    needed = 0 if quotas is None else quotas.batches_needed(groups)
    if num_batches is None:
        wanted = float((groups / weight).max() * weight.sum())  # enough for the label that needs the most
        return max(least, needed, int(np.ceil(wanted / p - 1e-9)))
    batches = whole("num_batches", num_batches, 1)
    if batches < least:
        raise ArgumentError(
            f"num_batches must be at least {least} for coverage={policies.coverage!r}, found {batches}; raise it, "
            f"or leave it out"
        )
    if batches < needed:
        raise ArgumentError(
            f"num_batches must be at least {needed} to hold the quotas, found {batches}; raise it, "
            f"or leave it out"
        )
    return batches
