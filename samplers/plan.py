"""The batches of an epoch, as a pure function of the roster, the seed and the epoch."""

import numpy as np

from metric_face.arrays import Ints

from .apportionment import apportion
from .dealing import deal, shuffled_within, stable_order
from .parts import part_bounds
from .roster import Roster


def make_plan(roster: Roster, seed: int, epoch: int, extra: int = 0) -> Ints:
    """Draw the batches of one epoch.

    Three steps, none of which needs a repair afterwards:

    1. count: how many groups of K each label gets, at least what it needs, P a batch altogether;
    2. fill: deal each label's images into its groups, every image at least once, none twice in a group
       while others are left;
    3. seat: deal the labels into the batches, none twice in a batch.

    Args:
        roster: the labels and the policies.
        seed, epoch: hashed together, so that no two pairs share a plan.
        extra: further batches after the epoch's own, which are the same with and without them. They let
            every rank have equally many.

    Returns:
        (batches + extra, P * K) image numbers; a label's K images lie side by side.
    """
    batches, p = roster.batches, roster.num_identities
    rng = np.random.default_rng(np.random.SeedSequence([seed, epoch]))
    nothing = np.zeros_like(roster.groups)
    counts = _count(roster, nothing, roster.groups, batches, batches * p, rng)
    plan = _lay(roster, counts, roster.cover, rng)
    if extra:
        rng = np.random.default_rng(np.random.SeedSequence([seed, epoch, extra]))
        further = _count(roster, counts, counts, extra, (batches + extra) * p, rng) - counts
        plan = np.concatenate((plan, _lay(roster, further, False, rng)))
    return plan


def _count(
    roster: Roster, before: Ints, lower: Ints, batches: int, total: int, rng: np.random.Generator
) -> Ints:
    """(C,) the groups of each label: at least lower, at most one a batch on top of before, total in all."""
    upper = before + batches
    if roster.quotas is None:
        everyone = np.zeros(roster.sizes.size, dtype=np.int64)
        return apportion(roster.weight, lower, upper, everyone, np.array([total]), rng)
    return roster.quotas.count(roster.weight, before, lower, upper, batches, total, rng)


def _lay(roster: Roster, counts: Ints, cover: bool, rng: np.random.Generator) -> Ints:
    """(batches, P * K) the groups of every label, filled and seated."""
    p, k = roster.num_identities, roster.num_instances
    first_group = np.cumsum(counts) - counts
    copies = _copies(roster, counts, cover, rng)
    identities = () if roster.part is None else (roster.part,)
    groups = deal(first_group[roster.label], copies, k, rng, identities)

    together = () if roster.quotas is None else roster.quotas.strata
    seats = deal(np.zeros_like(counts), counts, p, rng, together)

    plan = np.empty((seats.size, k), dtype=np.int64)
    plan[stable_order(seats.ravel())] = roster.members[groups]
    return plan.reshape(-1, p * k)


def _copies(roster: Roster, counts: Ints, cover: bool, rng: np.random.Generator) -> Ints:
    """(M,) how often each image appears: as evenly as the spread over identities allows."""
    cells = counts * roster.num_instances
    if roster.part is None:
        return _evenly(cells, roster.sizes, roster.label, rng)
    lower, upper = part_bounds(
        roster.sizes, roster.part_label, roster.part_sizes, counts, roster.num_instances, cover
    )
    weight = roster.part_sizes.astype(np.float64) if cover else np.ones(roster.part_sizes.size)
    share = apportion(weight, lower, upper, roster.part_label, cells, rng)
    return _evenly(share, roster.part_sizes, roster.part, rng)


def _evenly(cells: Ints, sizes: Ints, group: Ints, rng: np.random.Generator) -> Ints:
    """(M,) copies of each member, such that each group's add up to its cells and differ by at most one."""
    base, remainder = np.divmod(cells, sizes)
    copies: Ints = base[group]
    if remainder.any():
        order = shuffled_within(group, rng)
        rank = np.arange(group.size) - (np.cumsum(sizes) - sizes)[group]  # members are sorted by group
        copies[order] += rank < remainder[group]
    return copies
