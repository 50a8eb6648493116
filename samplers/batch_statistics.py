"""Counts and tests on batches of any shape."""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc, gammaincc

from metric_face.arrays import Ints

from .drawn import Drawn


@dataclass(frozen=True)
class Groups:
    """The groups of an epoch: the images of one label in one batch. G groups."""

    batch: Ints  # (G,)
    label: Ints  # (G,)
    size: Ints  # (G,)
    distinct: Ints  # (G,) different images
    identities: Ints  # (G,) different identities, all 0 without identities
    same_identity: int  # pairs of different images of one label and one identity in one batch
    pairs: int  # pairs of different images of one label in one batch


def group(drawn: Drawn, codes: Ints, identities: Ints | None) -> Groups:
    """Sort an epoch into groups and count what is in them."""
    label = codes[drawn.image]
    order = np.lexsort((drawn.image, label, drawn.batch))
    batch, label, image = drawn.batch[order], label[order], drawn.image[order]
    new = _changes(batch, label)
    starts = np.flatnonzero(new)
    size = np.diff(starts, append=image.size)
    different = new | _changes(image)
    distinct = np.add.reduceat(different.astype(np.int64), starts) if starts.size else starts
    identities_in, same = np.zeros_like(distinct), 0
    if identities is not None and starts.size:
        where = (np.cumsum(new) - 1)[different]
        identity = identities[image[different]]
        order = np.lexsort((identity, where))
        fresh = _changes(where[order], identity[order])
        first = np.flatnonzero(fresh)
        identities_in = np.bincount(where[order][first], minlength=starts.size)
        together = np.diff(first, append=fresh.size)
        same = int((together * (together - 1) // 2).sum())
    return Groups(
        batch=batch[starts],
        label=label[starts],
        size=size,
        distinct=distinct,
        identities=identities_in,
        same_identity=same,
        pairs=int((distinct * (distinct - 1) // 2).sum()),
    )


def drift(drawn: Drawn, codes: Ints, groups: Groups) -> tuple[float, float]:
    """Compare the label mix of the first third of the batches with that of the last.

    Labels too rare for a test are taken together with others of like size. As images of one label come
    K at a time, K of them count as one observation.

    Returns:
        the total variation distance of the two mixes, and the p-value of a chi-square test.
    """
    third = drawn.batches // 3
    if not third:
        return 0.0, 1.0
    sizes = np.bincount(codes)
    table = np.stack(
        [
            np.bincount(codes[drawn.image[part]], minlength=sizes.size)
            for part in (drawn.batch < third, drawn.batch >= drawn.batches - third)
        ]
    ) / max(float(groups.size.mean()), 1.0)
    order = np.argsort(sizes, kind="stable")
    pooled = np.zeros((2, 0))
    waiting = np.zeros(2)
    for column in table.T[order]:
        waiting += column
        if waiting.sum() >= 20:
            pooled = np.column_stack((pooled, waiting))
            waiting = np.zeros(2)
    if pooled.shape[1]:
        pooled[:, -1] += waiting
    if pooled.shape[1] < 2 or not pooled.sum(axis=1).all():
        return 0.0, 1.0
    mixes = pooled / pooled.sum(axis=1, keepdims=True)
    expected = pooled.sum(axis=1, keepdims=True) * pooled.sum(axis=0) / pooled.sum()
    statistic = ((pooled - expected) ** 2 / expected).sum()
    p_value = gammaincc((pooled.shape[1] - 1) / 2, statistic / 2)
    return float(abs(mixes[0] - mixes[1]).sum() / 2), float(p_value)


@dataclass(frozen=True)
class CoOccurrence:
    """How often pairs of labels share a batch, compared with chance."""

    excess: float  # variance of the pair counts, relative to that expected at random
    deviations: float  # how many standard deviations that is above 1
    shared: int  # batches that the most conspicuous pair shares
    expected: float  # batches that it would share by chance
    chance: float  # of such a pair anywhere, at random

    @property
    def locked(self) -> bool:
        return (self.deviations > 6 and self.excess > 1.5) or (self.chance < 1e-4 and self.shared >= 4)


def co_occurrence(groups: Groups, labels: int, batches: int) -> CoOccurrence | None:
    """Count the batches that each pair of labels shares, and compare with Poisson counts.

    Returns:
        The comparison; None for more than 2,000 labels, whose table would be too large, and where there is
        nothing to compare.
    """
    if not 2 <= labels <= 2000:
        return None
    present = np.zeros((batches, labels), dtype=np.float32)
    present[groups.batch, groups.label] = 1
    upper = np.triu_indices(labels, 1)
    shared = (present.T @ present).astype(np.float64)[upper]
    often = present.sum(axis=0, dtype=np.float64)
    expected = np.outer(often, often)[upper]
    known = expected > 0
    shared, expected = shared[known], expected[known]
    if not shared.sum():
        return None
    expected *= shared.sum() / expected.sum()
    statistic = float(((shared - expected) ** 2 / expected).sum())
    spread = np.sqrt(2 * expected.size + (1 / expected).sum())
    tail = gammainc(shared, expected)  # P(Poisson >= shared)
    worst = int(np.where(shared > 0, tail, 1.0).argmin())
    return CoOccurrence(
        excess=statistic / expected.size,
        deviations=(statistic - expected.size) / spread,
        shared=int(shared[worst]),
        expected=float(expected[worst]),
        chance=float(tail[worst]) * expected.size,
    )


def _changes(*columns: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Where a row differs from the one before in any column; the first does."""
    new = np.zeros(columns[0].size, dtype=bool)
    new[:1] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return new
