"""What can be wrong with batches: each check yields the defects that it finds, in words."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from metric_face.arrays import Ints

from .audit_report import AuditReport, Defect
from .batch_statistics import Groups, co_occurrence
from .drawn import Drawn


def broken_promises(passes: list[Drawn]) -> Iterator[Defect]:
    """I8, I14: an epoch ends, is not empty and has the promised length; I9: it leaves global random state alone."""
    for drawn in passes:
        if drawn.stopped:
            yield Defect("endless", f"An epoch does not end: {drawn.stopped}.")
        elif not drawn.batches:
            promise = "" if drawn.promised is None else f" where {drawn.promised} were promised"
            yield Defect(
                "empty", f"An epoch yields no batch{promise}: a training would run and learn nothing."
            )
        elif drawn.promised is not None and drawn.promised != drawn.batches:
            yield Defect(
                "length",
                f"{drawn.promised} batches are promised and {drawn.batches} yielded: schedules, progress bars "
                f"and averages that divide by the length are wrong.",
            )
        else:
            continue
        break
    for drawn in passes:
        if drawn.promised != drawn.promised_after:
            yield Defect(
                "length changes",
                f"The length was {drawn.promised} before an epoch and {drawn.promised_after} after it.",
            )
            break
    touched = sorted({name for drawn in passes for name in drawn.touched})
    if touched:
        yield Defect(
            "global random state",
            f"Drawing batches changes {' and '.join(touched)}: batches depend on everything else that draws "
            f"from it, and everything else on the batches.",
        )


def wrong_shapes(report: AuditReport, groups: Groups, p: int | None, k: int | None) -> Iterator[Defect]:
    """I1 to I3: P labels, K images each."""
    labels = np.bincount(groups.batch, minlength=report.batches)
    usual_p = int(np.bincount(labels).argmax()) if p is None else p
    usual_k = int(np.bincount(groups.size).argmax()) if k is None else k
    wrong = int((labels != usual_p).sum())
    if wrong and (p is not None or k is not None):
        yield Defect(
            "identities per batch",
            f"{wrong} of {report.batches} batches do not hold {usual_p} labels but {_words(labels)}.",
        )
    broken = np.unique(groups.batch[groups.size != usual_k]).size
    if broken and (p is not None or k is not None):
        yield Defect(
            "instances per label",
            f"{broken} of {report.batches} batches hold a label whose images are not {usual_k} but "
            f"{_words(groups.size)}.",
        )
    if report.batch_sizes[0] != report.batch_sizes[1]:
        yield Defect("batch size", f"Batches hold {report.batch_sizes[0]} to {report.batch_sizes[1]} images.")


def wrong_contents(
    report: AuditReport, groups: Groups, codes: Ints, identities: Ints | None
) -> Iterator[Defect]:
    """I4, I17 and I18: distinct images first, from different identities, and the same mix all along."""
    if report.repeated_groups:
        yield Defect(
            "repeated images",
            f"{report.repeated_groups} of {report.groups} groups repeat an image while their label has others"
            + (
                f", and {report.groups_of_one_image} are one image only, without any positive."
                if report.groups_of_one_image
                else "."
            ),
        )
    elif report.groups_of_one_image > report.groups // 2:
        yield Defect(
            "no positives",
            f"{report.groups_of_one_image} of {report.groups} labels in a batch have one image in it: a triplet loss "
            f"finds almost no positives. These are not identity batches.",
        )
    if identities is not None:
        pairs = np.unique(np.stack((codes, identities)), axis=1)[0]
        possible = np.minimum(groups.distinct, np.bincount(pairs)[groups.label])
        short = int((groups.identities < possible).sum())
        if short:
            yield Defect(
                "same identity",
                f"{short} of {report.groups} groups show an identity twice although their label has other identities: "
                f"{report.same_identity_pairs:.1%} of the positive pairs are one identity, which is easy to match by "
                f"face or shirt whatever the class.",
            )
    if report.drift_p_value < 1e-3 and report.drift_distance > 0.02:
        yield Defect(
            "drift",
            f"The label mix changes along the epoch: first and last third differ by {report.drift_distance:.2f} in "
            f"total variation (p = {report.drift_p_value:.1g}). A loss that falls within each epoch then shows "
            f"easier batches, not learning.",
        )


def missing_coverage(
    report: AuditReport, draws: Ints, groups: Groups, coverage: str | None
) -> Iterator[Defect]:
    """I6 and I7: everything is seen."""
    unseen, lost = report.images - report.images_seen, report.labels - report.labels_seen
    if coverage is not None and lost:
        yield Defect(
            "unseen labels",
            f"{lost} of {report.labels} labels ({lost / report.labels:.1%}) are not in the epoch.",
        )
    if coverage == "images" and unseen:
        yield Defect(
            "unseen images",
            f"{unseen} of {report.images} images ({unseen / report.images:.1%}) are not in the epoch, while others "
            f"are drawn up to {report.most_draws} times.",
        )
    if coverage == "identities":
        often = np.bincount(groups.label, minlength=report.labels)
        if often.max() - often[often > 0].min() > 1:
            yield Defect(
                "unequal labels", f"Labels come {often[often > 0].min()} to {often.max()} times in the epoch."
            )
    if coverage is not None and report.epochs > 1 and report.unreachable_images:
        yield Defect(
            "unreachable images",
            f"{report.unreachable_images} of {report.images} images were not drawn in any of {report.epochs} epochs.",
        )


def locked_pairs(groups: Groups, labels: int, batches: int) -> Iterator[Defect]:
    """I22: the pairs of labels that share a batch are mixed."""
    found = co_occurrence(groups, labels, batches)
    if found is not None and found.locked:
        yield Defect(
            "locked pairs",
            f"The labels that share a batch are not mixed: pair counts vary {found.excess:.1f} times as much as at "
            f"random, and one pair shares {found.shared} batches where {found.expected:.1f} are expected. Such labels "
            f"see the same negatives again and again.",
        )


def repeated_epochs(passes: list[Drawn]) -> Iterator[Defect]:
    """I12: an epoch is not the one before."""
    for i, (one, two) in enumerate(pairwise(passes)):
        if _equal(one, two):
            yield Defect("repeated epoch", f"Epoch {i + 1} is epoch {i} again, batch for batch.")
            return


def overlapping_ranks(ranks: list[Drawn], codes: Ints) -> Iterator[Defect]:
    """I11: the ranks share an epoch without overlap, remainder or difference in length."""
    if len(ranks) < 2:
        return
    lengths = np.array([drawn.batches for drawn in ranks])
    if lengths.min() != lengths.max():
        yield Defect(
            "unequal ranks",
            f"Ranks yield {_words(lengths)} batches: the other ranks wait for the longest forever.",
        )
    own = [{np.sort(row).tobytes() for row in _rows(drawn)} for drawn in ranks]
    double = sum(len(batches) for batches in own) - len(set().union(*own))
    if double:
        yield Defect(
            "same batches on ranks",
            f"{double} of {int(lengths.sum())} batches are drawn by more than one rank: the gradient averages "
            f"copies.",
        )
        return
    seen = np.stack([np.bincount(codes[drawn.image], minlength=int(codes.max()) + 1) > 0 for drawn in ranks])
    none = int((~seen.any(axis=0)).sum())
    if none:
        several = int((seen.sum(axis=0) > 1).sum())
        yield Defect(
            "labels lost between ranks",
            f"{none} of {seen.shape[1]} labels are on no rank while {several} are on more than one: the ranks do "
            f"not share one plan.",
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
        yield Defect(
            "seed and epoch",
            f"{len(same)} of 36 pairs of (seed, epoch) draw the same batches, such as seed {seed} epoch {epoch} and "
            f"seed {other_seed} epoch {other_epoch}: runs meant to be independent are not.",
        )


def _equal(one: Drawn, two: Drawn) -> bool:
    return np.array_equal(one.image, two.image) and np.array_equal(one.batch, two.batch)


def _rows(drawn: Drawn) -> list[Ints]:
    return np.split(drawn.image, np.flatnonzero(np.diff(drawn.batch)) + 1)


def span(values: Ints) -> tuple[int, int]:
    return (int(values.min()), int(values.max())) if values.size else (0, 0)


def _words(values: Ints) -> str:
    low, high = span(values)
    return str(low) if low == high else f"{low} to {high}"
