"""What can be wrong with the batches of one epoch: each check yields the defects that it finds, in words."""

from collections.abc import Iterator

import numpy as np

from metric_face.arrays import Ints

from .audit_report import AuditReport, Defect
from .batch_statistics import Groups, co_occurrence
from .drawn import Drawn


def broken_promises(passes: list[Drawn]) -> Iterator[Defect]:
    """I8, I14: an epoch ends, is not empty and has the promised length; I9: it leaves global random state alone."""
    for drawn in passes:
        if drawn.stopped:
            yield Defect.of("endless", "An epoch does not end: {why}.", why=drawn.stopped)
        elif not drawn.batches:
            promise = "" if drawn.promised is None else " where {promised} were promised"
            template = f"An epoch yields no batch{promise}: a training would run and learn nothing."
            yield Defect.of("empty", template, promised=drawn.promised)
        elif drawn.promised is not None and drawn.promised != drawn.batches:
            yield Defect.of(
                "length",
                "{promised} batches are promised and {yielded} yielded: schedules, progress bars and averages that "
                "divide by the length are wrong.",
                promised=drawn.promised,
                yielded=drawn.batches,
            )
        else:
            continue
        break
    for drawn in passes:
        if drawn.promised != drawn.promised_after:
            yield Defect.of(
                "length changes",
                "The length was {before} before an epoch and {after} after it.",
                before=drawn.promised,
                after=drawn.promised_after,
            )
            break
    touched = sorted({name for drawn in passes for name in drawn.touched})
    if touched:
        yield Defect.of(
            "global random state",
            "Drawing batches changes {state}: batches depend on everything else that draws from it, and everything "
            "else on the batches.",
            state=" and ".join(touched),
        )


def wrong_shapes(report: AuditReport, groups: Groups, p: int | None, k: int | None) -> Iterator[Defect]:
    """I1 to I3: P labels, K images each."""
    labels = np.bincount(groups.batch, minlength=report.batches)
    usual_p = int(np.bincount(labels).argmax()) if p is None else p
    usual_k = int(np.bincount(groups.size).argmax()) if k is None else k
    wrong = int((labels != usual_p).sum())
    if wrong and (p is not None or k is not None):
        yield Defect.of(
            "identities per batch",
            "{count} of {batches} batches do not hold {wanted} labels but {found}.",
            count=wrong,
            batches=report.batches,
            wanted=usual_p,
            found=span(labels),
        )
    broken = np.unique(groups.batch[groups.size != usual_k]).size
    if broken and (p is not None or k is not None):
        yield Defect.of(
            "instances per label",
            "{count} of {batches} batches hold a label whose images are not {wanted} but {found}.",
            count=int(broken),
            batches=report.batches,
            wanted=usual_k,
            found=span(groups.size),
        )
    if report.batch_sizes[0] != report.batch_sizes[1]:
        yield Defect.of("batch size", "Batches hold {found} images.", found=report.batch_sizes)


def wrong_contents(
    report: AuditReport, groups: Groups, codes: Ints, identities: Ints | None
) -> Iterator[Defect]:
    """I4, I17 and I18: distinct images first, from different identities, and the same mix all along."""
    if report.repeated_groups:
        yield Defect.of(
            "repeated images",
            "{count} of {groups} groups repeat an image while their label has others; {single} of them are one image "
            "only, without any positive.",
            count=report.repeated_groups,
            groups=report.groups,
            single=report.groups_of_one_image,
        )
    elif report.groups_of_one_image > report.groups // 2:
        yield Defect.of(
            "no positives",
            "{count} of {groups} labels in a batch have one image in it: a triplet loss finds almost no positives. "
            "These are not identity batches.",
            count=report.groups_of_one_image,
            groups=report.groups,
        )
    if identities is not None:
        pairs = np.unique(np.stack((codes, identities)), axis=1)[0]
        possible = np.minimum(groups.distinct, np.bincount(pairs)[groups.label])
        short = int((groups.identities < possible).sum())
        if short:
            yield Defect.of(
                "same identity",
                "{count} of {groups} groups show an identity twice although their label has other identities: "
                "{share:.1%} of the positive pairs are one identity, which is easy to match by "
                "face or shirt whatever the class.",
                count=short,
                groups=report.groups,
                share=report.same_identity_pairs,
            )
    if report.drift_p_value < 1e-3 and report.drift_distance > 0.02:
        yield Defect.of(
            "drift",
            "The label mix changes along the epoch: first and last third differ by {distance:.2f} in total variation "
            "(p = {p:.1g}). A loss that falls within each epoch then shows easier batches, not learning.",
            distance=report.drift_distance,
            p=report.drift_p_value,
        )


def missing_coverage(
    report: AuditReport, draws: Ints, groups: Groups, coverage: str | None
) -> Iterator[Defect]:
    """I6 and I7: everything is seen."""
    unseen, lost = report.images - report.images_seen, report.labels - report.labels_seen
    if coverage is not None and lost:
        yield Defect.of(
            "unseen labels",
            "{count} of {labels} labels ({share:.1%}) are not in the epoch.",
            count=lost,
            labels=report.labels,
            share=lost / report.labels,
        )
    if coverage == "images" and unseen:
        yield Defect.of(
            "unseen images",
            "{count} of {images} images ({share:.1%}) are not in the epoch, while others are drawn up to {most} times.",
            count=unseen,
            images=report.images,
            share=unseen / report.images,
            most=report.most_draws,
        )
    if coverage == "identities":
        often = np.bincount(groups.label, minlength=report.labels)
        if often.max() - often[often > 0].min() > 1:
            yield Defect.of(
                "unequal labels", "Labels come {found} times in the epoch.", found=span(often[often > 0])
            )
    if coverage is not None and report.epochs > 1 and report.unreachable_images:
        yield Defect.of(
            "unreachable images",
            "{count} of {images} images were not drawn in any of {epochs} epochs.",
            count=report.unreachable_images,
            images=report.images,
            epochs=report.epochs,
        )


def locked_pairs(groups: Groups, labels: int, batches: int) -> Iterator[Defect]:
    """I22: the pairs of labels that share a batch are mixed."""
    found = co_occurrence(groups, labels, batches)
    if found is not None and found.locked:
        yield Defect.of(
            "locked pairs",
            "The labels that share a batch are not mixed: pair counts vary {excess:.1f} times as much as at random, "
            "and one pair shares {shared} batches where {expected:.1f} are expected. Such labels see the same "
            "negatives again and again.",
            excess=found.excess,
            shared=found.shared,
            expected=found.expected,
        )


def span(values: Ints) -> tuple[int, int]:
    return (int(values.min()), int(values.max())) if values.size else (0, 0)
