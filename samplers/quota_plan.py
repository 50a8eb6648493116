"""Quotas as bounds on sets of labels, which every batch keeps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.errors import ArgumentError

from .apportionment import add_up, apportion
from .eligible import EligibleImages
from .policies import Policies
from .quotas import Quota


@dataclass(frozen=True)
class QuotaPlan:
    """Quotas as bounds on strata of labels, which `deal` then holds in every batch.

    A stratum is a set of labels whose groups are worth the same to the quotas; a family is a set of
    strata that share values. If a stratum has `need` groups a batch on average, every batch has them.
    """

    stratum: Ints  # (C,)
    family: Ints  # (S,) of each stratum
    need: Ints  # (S,) labels of the stratum that each batch must have
    cap: Ints  # (F,) labels of the family that a batch may have at most
    num_identities: int

    @property
    def strata(self) -> tuple[Ints, ...]:
        """What `deal` keeps together, from the outermost in."""
        return self.family[self.stratum], self.stratum

    def batches_needed(self, groups: Ints) -> int:
        """The fewest batches in which every label shows its groups and every batch meets its quotas."""
        wanted = add_up(self.stratum, groups, self.need.size)
        low, high = 1, int(groups.sum())
        if not self._fits(wanted, high):
            raise ArgumentError(
                f"quotas leave no room for the other labels: they take {int(self.need.sum())} of the "
                f"num_identities={self.num_identities} places in every batch; raise num_identities or ask for less"
            )
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._fits(wanted, middle) else (middle + 1, high)
        return low

    def count(
        self,
        weight: Doubles,
        before: Ints,
        lower: Ints,
        upper: Ints,
        batches: int,
        total: int,
        rng: np.random.Generator,
    ) -> Ints:
        """(C,) the groups of each label: first shared out among families, then strata, then labels."""
        stratum, family = self.stratum, self.family
        everything = np.zeros(self.cap.size, dtype=np.int64)
        base = _sum(stratum, before, self.need.size)
        least = np.maximum(_sum(stratum, lower, self.need.size), base + self.need * batches)
        most = _sum(stratum, upper, self.need.size)
        stratum_weight = add_up(stratum, weight, self.need.size)
        family_total = apportion(
            add_up(family, stratum_weight, self.cap.size),
            _sum(family, least, self.cap.size),
            np.minimum(
                _sum(family, most, self.cap.size), _sum(family, base, self.cap.size) + self.cap * batches
            ),
            everything,
            np.array([total]),
            rng,
        )
        stratum_total = apportion(stratum_weight, least, most, family, family_total, rng)
        return apportion(weight, lower, upper, stratum, stratum_total, rng)

    def _fits(self, wanted: Doubles, batches: int) -> bool:
        taken = np.maximum(wanted, self.need * batches)
        by_family = np.bincount(self.family, taken, minlength=self.cap.size)
        return bool(taken.sum() <= self.num_identities * batches and (by_family <= self.cap * batches).all())


def plan_quotas(
    quotas: Sequence[Quota],
    images: EligibleImages,
    policies: Policies,
) -> QuotaPlan:
    """Turn quotas into bounds on strata of labels.

    Args:
        quotas: the promises.
        images: the eligible images.
        policies: P and K.

    Raises:
        ArgumentError: the quotas cannot be met by any batch of P x K; the message gives the reason.
    """
    labels, p = images.sizes.size, policies.num_identities
    by_classes = [quota for quota in quotas if quota.classes is not None]
    if len(by_classes) > 1:
        raise ArgumentError(
            f"quotas may set classes for one attribute only, found {len(by_classes)}; use images= for the others"
        )
    family, cap = np.zeros(labels, dtype=np.int64), np.array([p])
    if by_classes:
        family, cap = _families(by_classes[0], images, policies)
    worth, promised = _worth([q for q in quotas if q.images is not None], images, policies)
    kinds, stratum = np.unique(np.column_stack((family, worth)), axis=0, return_inverse=True)
    stratum = stratum.reshape(-1)
    need = _need(kinds[:, 1:], promised, np.bincount(stratum), kinds[:, 0], cap, p)
    return QuotaPlan(stratum=stratum, family=kinds[:, 0], need=need, cap=cap, num_identities=p)


def _sum(group: Ints, values: Ints, groups: int) -> Ints:
    return add_up(group, values, groups).astype(np.int64)


def guaranteed(quota: Quota, eligible: EligibleImages, k: int) -> tuple[Ints, Ints, Ints]:
    """Count what each group of K images of a label is certain to hold of an attribute.

    Returns:
        labels, values, images: (X,) each: every group of labels[i] holds at least images[i] images of
        values[i]. A value that a label has, but not in every group, is there with 0.
    """
    label, part = eligible.label, eligible.part
    values = quota.codes[eligible.members]
    pairs, where = np.unique(np.stack((label, values), axis=1), axis=0, return_inverse=True)
    where = where.reshape(-1)
    kinds = np.bincount(pairs[:, 0])
    alone = kinds[pairs[:, 0]] == 1
    images = np.where(alone, k, 0)
    if part is not None:
        starts = np.flatnonzero(np.diff(part, prepend=-1))
        parts = np.bincount(label[starts], minlength=kinds.size)
        shown = np.bincount(where[starts], minlength=pairs.shape[0])
        images = np.where(~alone & (parts[pairs[:, 0]] <= k), shown, images)
    return pairs[:, 0], pairs[:, 1], images


def _worth(
    quotas: Sequence[Quota], eligible: EligibleImages, policies: Policies
) -> tuple[Ints, list[tuple[int, str]]]:
    """(C, V) images of each promised value in every group of a label; and how many of each are promised."""
    labels, p, k = eligible.sizes.size, policies.num_identities, policies.num_instances
    columns, promised = [np.empty((labels, 0), dtype=np.int64)], []
    for quota in quotas:
        images = quota.images or 0
        if images * len(quota.names) > p * k:
            raise ArgumentError(
                f"quota of {quota.name!r} asks for {images} images of each of {len(quota.names)} values, more "
                f"than the {p * k} images of a batch; ask for less or enlarge the batch"
            )
        table = np.zeros((labels, len(quota.names)), dtype=np.int64)
        label, value, worth = guaranteed(quota, eligible, k)
        table[label, value] = worth
        columns.append(table)
        promised += [(images, f"{quota.name}={name!r}") for name in quota.names]
    return np.concatenate(columns, axis=1), promised


def _need(worth: Ints, promised: list[tuple[int, str]], sizes: Ints, family: Ints, cap: Ints, p: int) -> Ints:
    """(S,) labels of each stratum in every batch: the most useful first, until all is kept."""
    need = np.zeros(sizes.size, dtype=np.int64)
    short = np.array([images for images, _ in promised], dtype=np.int64)
    while (short > 0).any():
        room = (need < sizes) & (np.bincount(family, need, minlength=cap.size) < cap)[family]
        use = np.minimum(worth, np.maximum(short, 0)).sum(axis=1) * room
        best = int(np.lexsort((sizes, use))[-1])
        if use[best] == 0 or need.sum() == p:
            left = int(np.flatnonzero(short > 0)[0])
            raise ArgumentError(
                f"quota asks for {promised[left][0]} images of {promised[left][1]} in every batch, and "
                f"{promised[left][0] - int(short[left])} can be promised: {int((worth[:, left] > 0) @ sizes)} labels "
                f"hold it in every group of theirs, and num_identities={p}; ask for less or raise num_identities"
            )
        need[best] += 1
        short -= worth[best]
    return need


def _families(quota: Quota, eligible: EligibleImages, policies: Policies) -> tuple[Ints, Ints]:
    """(C,) the family of each label, and (F,) how many of a family a batch may have.

    Labels that share a value are one family. If no family has more than h places, x families fill a batch
    of P > (x - 1) * h, and each brings the values that its groups are certain to hold.
    """
    label, value, images = guaranteed(quota, eligible, policies.num_instances)
    labels, p = eligible.sizes.size, policies.num_identities
    family = np.arange(labels)
    while True:  # the smallest label number travels along shared values until nothing changes
        smallest = np.full(len(quota.names), labels)
        np.minimum.at(smallest, value, family[label])
        reached = family.copy()
        np.minimum.at(reached, label, smallest[value])
        reached = reached[reached]
        if (reached == family).all():
            break
        family = reached
    family = np.unique(family, return_inverse=True)[1].reshape(-1)
    brought = np.maximum(np.bincount(label, images > 0, minlength=labels), 1).astype(np.int64)
    poorest = np.full(int(family.max()) + 1, len(quota.names))
    np.minimum.at(poorest, family, brought)
    wanted = quota.classes or 0
    enough = np.flatnonzero(np.cumsum(np.sort(poorest)) >= wanted)
    families = int(enough[0]) + 1 if enough.size else poorest.size + 1
    room = p if families == 1 else (p - 1) // (families - 1)
    sizes = np.bincount(family)
    if families > poorest.size or room < 1 or np.minimum(sizes, room).sum() < p:
        raise ArgumentError(
            f"quota asks for {wanted} values of {quota.name!r} in every batch of num_identities={p} labels, which "
            f"cannot be promised: the labels fall into {poorest.size} sets that share no value, the largest of "
            f"{int(sizes.max())} labels; ask for fewer or change num_identities"
        )
    return family, np.full(poorest.size, room)
