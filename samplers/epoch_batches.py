"""The batches of an epoch, as a pure function of the sampling plan, the seed and the epoch."""

import numpy as np

from metric_face.arrays import Ints

from .apportionment import apportion
from .dealing import deal, shuffled_within, stable_order
from .parts import part_bounds
from .sampling_plan import SamplingPlan


def epoch_batches(plan: SamplingPlan, seed: int, epoch: int, extra: int = 0) -> Ints:
    """Draw the batches of one epoch.

    Three steps, none of which needs a repair afterwards:

    1. count: how many groups of K each label gets, at least what it needs, P a batch altogether;
    2. fill: distribute each label's images over its groups, every image at least once, none twice in a group
       while others are left;
    3. place: distribute the labels over the batches, none twice in a batch.

    Args:
        plan: the labels and the policies.
        seed, epoch: hashed together, so that no two pairs share their batches.
        extra: further batches after the epoch's own, which are the same with and without them. They let
            every rank have equally many.

    Returns:
        (batches + extra, P * K) image numbers; a label's K images lie side by side.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, epoch]))
    nothing = np.zeros_like(plan.groups)
    counts = _count_groups(plan, nothing, plan.groups, plan.batches, rng)
    rows = _fill_and_place(plan, counts, plan.covers_images, rng)
    if extra:
        rng = np.random.default_rng(np.random.SeedSequence([seed, epoch, extra]))
        further = _count_groups(plan, counts, counts, extra, rng) - counts
        rows = np.concatenate((rows, _fill_and_place(plan, further, False, rng)))
    return rows


def _count_groups(
    plan: SamplingPlan, before: Ints, lower: Ints, batches: int, rng: np.random.Generator
) -> Ints:
    """(C,) the groups of each label after so many further batches: at least lower, at most one more a batch."""
    total = int(before.sum()) + batches * plan.policies.num_identities
    upper = before + batches
    if plan.quotas is None:
        one_group = np.zeros(plan.groups.size, dtype=np.int64)
        return apportion(plan.weight, lower, upper, one_group, np.array([total]), rng)
    return plan.quotas.count(plan.weight, before, lower, upper, batches, total, rng)


def _fill_and_place(plan: SamplingPlan, counts: Ints, cover: bool, rng: np.random.Generator) -> Ints:
    """(batches, P * K) the groups of every label, filled with images and placed in batches."""
    images, p, k = plan.images, plan.policies.num_identities, plan.policies.num_instances
    # Fill: the groups of a label are one block of rows, so images stay within their label.
    first_group = np.cumsum(counts) - counts
    copies = _copies(plan, counts, cover, rng)
    identities = () if images.part is None else (images.part,)
    groups = deal(first_group[images.label], copies, k, rng, identities)
    # Place: all batches are one block, and a label has as many copies as it has groups.
    strata = () if plan.quotas is None else plan.quotas.strata
    places = deal(np.zeros_like(counts), counts, p, rng, strata)
    # The places sorted by label are in the order of the groups: each place takes the next group of its label.
    rows = np.empty((places.size, k), dtype=np.int64)
    rows[stable_order(places.ravel())] = images.members[groups]
    return rows.reshape(-1, p * k)


def _copies(plan: SamplingPlan, counts: Ints, cover: bool, rng: np.random.Generator) -> Ints:
    """(M,) how often each image appears: as evenly as the spread over identities allows."""
    images, k = plan.images, plan.policies.num_instances
    cells = counts * k
    if images.part is None:
        return _evenly(cells, images.sizes, images.label, rng)
    lower, upper = part_bounds(images.sizes, images.part_label, images.part_sizes, counts, k, cover)
    weight = images.part_sizes.astype(np.float64) if cover else np.ones(images.part_sizes.size)
    share = apportion(weight, lower, upper, images.part_label, cells, rng)
    return _evenly(share, images.part_sizes, images.part, rng)


def _evenly(cells: Ints, sizes: Ints, group: Ints, rng: np.random.Generator) -> Ints:
    """(M,) copies of each member, such that each group's add up to its cells and differ by at most one."""
    base, remainder = np.divmod(cells, sizes)
    copies: Ints = base[group]
    if remainder.any():
        order = shuffled_within(group, rng)
        rank = np.arange(group.size) - (np.cumsum(sizes) - sizes)[group]  # members are sorted by group
        copies[order] += rank < remainder[group]
    return copies
