"""What can be wrong between epochs, ranks and seeds: batches that repeat where they should not."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from metric_face.arrays import Ints

from .audit_report import Defect
from .defects import span
from .drawn import Drawn


def repeated_epochs(passes: list[Drawn]) -> Iterator[Defect]:
    """I12: an epoch is not the one before."""
    for i, (one, two) in enumerate(pairwise(passes)):
        if _equal(one, two):
            template = "Epoch {later} is epoch {earlier} again, batch for batch."
            yield Defect.of("repeated epoch", template, later=i + 1, earlier=i)
            return


def overlapping_ranks(ranks: list[Drawn], codes: Ints) -> Iterator[Defect]:
    """I11: the ranks share an epoch without overlap, remainder or difference in length."""
    if len(ranks) < 2:
        return
    lengths = np.array([drawn.batches for drawn in ranks])
    if lengths.min() != lengths.max():
        yield Defect.of(
            "unequal ranks",
            "Ranks yield {found} batches: the other ranks wait for the longest forever.",
            found=span(lengths),
        )
    own = [{np.sort(row).tobytes() for row in _rows(drawn)} for drawn in ranks]
    double = sum(len(batches) for batches in own) - len(set().union(*own))
    if double:
        yield Defect.of(
            "same batches on ranks",
            "{count} of {batches} batches are drawn by more than one rank: the gradient averages copies.",
            count=double,
            batches=int(lengths.sum()),
        )
        return
    seen = np.stack([np.bincount(codes[drawn.image], minlength=int(codes.max()) + 1) > 0 for drawn in ranks])
    none = int((~seen.any(axis=0)).sum())
    if none:
        several = int((seen.sum(axis=0) > 1).sum())
        yield Defect.of(
            "labels lost between ranks",
            "{count} of {labels} labels are on no rank while {several} are on more than one: the ranks do not share "
            "one plan.",
            count=none,
            labels=seen.shape[1],
            several=several,
        )


def unmixed_seeds(
    build: Callable[[int], Iterable[Any]], run: Callable[[Iterable[Any], int], Drawn]
) -> Iterator[Defect]:
    """I10: seed and epoch are mixed, not added or multiplied."""
    plans = {(seed, epoch): run(build(seed), epoch) for seed in (0, 1, 2) for epoch in (0, 1, 2)}
    pairs = list(plans)
    same = [
        (a, b)
        for i, a in enumerate(pairs)
        for b in pairs[i + 1 :]
        if plans[a].batches and _equal(plans[a], plans[b])
    ]
    if same:
        (seed, epoch), (other_seed, other_epoch) = same[0]
        yield Defect.of(
            "seed and epoch",
            "{count} of 36 pairs of (seed, epoch) draw the same batches, such as seed {seed} epoch {epoch} and seed "
            "{other_seed} epoch {other_epoch}: runs meant to be independent are not.",
            count=len(same),
            seed=seed,
            epoch=epoch,
            other_seed=other_seed,
            other_epoch=other_epoch,
        )


def _equal(one: Drawn, two: Drawn) -> bool:
    return np.array_equal(one.image, two.image) and np.array_equal(one.batch, two.batch)


def _rows(drawn: Drawn) -> list[Ints]:
    return np.split(drawn.image, np.flatnonzero(np.diff(drawn.batch)) + 1)
