"""Look at data, split and sampler in one dry pass: no model, no GPU, no training."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from metric_face.arrays import Bools
from metric_face.auditing.box_checks import check_boxes
from metric_face.auditing.copy_checks import check_copies
from metric_face.auditing.duplicates import exact_groups, near_pairs
from metric_face.auditing.findings import DataFinding, InspectionReport
from metric_face.auditing.label_checks import (
    check_classes,
    check_identities,
    check_missing,
    check_names,
)
from metric_face.auditing.label_columns import complete_rows, counts_by_split, label_columns_of
from metric_face.auditing.pixel_checks import check_pixels
from metric_face.auditing.sentences import defect_key, sampler_notes
from metric_face.data import ImageTable, LabelSpace, take_fingerprints
from metric_face.errors import ArgumentError
from metric_face.metrics import Resolution, assumed_resolution
from metric_face.progress import Progress, silent

_VALIDATION = ("val", "valid", "validation", "dev", "eval", "test")
_ORDER = {"certain": 0, "warning": 1, "note": 2}


def inspect_data(
    table: ImageTable,
    space: LabelSpace | None = None,
    *,
    sampler: Iterable[Any] | None = None,
    sampler_labels: Any = None,
    fixed: Sequence[str] = (),
    images: bool = True,
    workers: int = 4,
    seed: int = 0,
    progress: Progress = silent,
) -> InspectionReport:
    """Check a data set before anything is trained on it.

    Args:
        table: N images, perhaps with identities and a split.
        space: the classes to be told apart; without it, the columns that look like labels are taken.
        sampler: the batches of the training split: a batch sampler or a DataLoader, over its rows in order.
        sampler_labels: (N_train,) the label that the sampler goes by; by default the identities.
        fixed: attributes that cannot differ between two images of an identity, such as gender.
        images: whether to read the image files, for broken ones and copies.
        workers: threads that read them.
        seed: of the simulation behind the smallest difference.
        progress: called with (images read, images in all).

    Returns:
        Counts, findings in words, the most severe first, and what the validation set can show.

    Raises:
        ArgumentError: `fixed` names no label, or the sampler's labels do not fit the training split.
    """
    labels = label_columns_of(table, space)
    stray = [name for name in fixed if name not in labels.columns]
    if stray:
        raise ArgumentError(
            f"fixed must name labels of the table ({', '.join(map(str, labels.columns)) or 'it has none'}), found "
            f"{stray[0]!r}; check the spelling"
        )
    findings: list[DataFinding] = []
    if images:
        prints = take_fingerprints(table.paths, workers=workers, progress=progress)
        findings += _broken(prints.broken, len(table))
        findings += check_pixels(table.paths, prints.darkest, prints.brightest, prints.broken)
        exact = exact_groups(prints.digests)
        near = near_pairs(prints.pictures, prints.digests)
        findings += check_boxes(table)
        findings += check_copies(table, labels, space, exact, near)
    findings += check_missing(labels)
    findings += check_names(labels if table.identities is None else labels.assign(identity=table.identities))
    findings += check_identities(table, labels, fixed)
    findings += check_classes(table, space, labels)
    resolution = _resolution(table, labels, space, seed)
    if space is not None and resolution is not None:
        findings.append(_what_can_be_shown(resolution, table, space))
    audited = None
    if sampler is not None:
        audited, more = _audit(table, sampler, sampler_labels, space)
        findings += more
    findings.sort(key=lambda finding: _ORDER[finding.severity])
    named = {row for finding in findings for group in finding.rows for row in group}
    identities = table.identities
    return InspectionReport(
        images=len(table),
        identities=None if identities is None else int(np.unique(identities.astype(str)).size),
        splits={str(split): int((table.frame["split"] == split).sum()) for split in table.splits},
        counts=counts_by_split(table, labels),
        findings=findings,
        smallest_difference=None if resolution is None else asdict(resolution),
        sampler=audited,
        paths={row: str(table.frame["path"].iloc[row]) for row in sorted(named)},
        files={row: Path(table.paths[row]) for row in sorted(named)},
    )


def _broken(broken: dict[int, str], images: int) -> Iterator[DataFinding]:
    if broken:
        yield DataFinding(
            "broken-images",
            "certain",
            "broken-images",
            {"count": len(broken), "images": images, "first": next(iter(broken.values()))},
            tuple((row,) for row in broken),
        )


def _resolution(
    table: ImageTable, labels: pd.DataFrame, space: LabelSpace | None, seed: int
) -> Resolution | None:
    """What the validation split can show; of a table without a split, a fifth of the identities, two at least."""
    if space is None:
        return None
    identities = table.identities
    units = (
        np.arange(len(table))
        if identities is None
        else np.unique(identities.astype(str), return_inverse=True)[1]
    )
    chosen = _validation_rows(table)
    if chosen is None:
        count = int(units.max()) + 1
        some = np.random.default_rng(seed).permutation(count)[: max(count // 5, 2)]
        chosen = np.isin(units, some)
    rows = np.flatnonzero(chosen & complete_rows(labels, space))
    if np.unique(units[rows]).size < 2:
        return None  # an identity alone cannot be resampled
    joint, _ = space.labels(table.take(rows), "joint")
    if np.unique(joint).size < 2:
        return None  # where all are of one class there is nothing to tell apart
    return assumed_resolution(joint, units[rows], seed=seed)


def _validation_rows(table: ImageTable) -> Bools | None:
    for name in (*_VALIDATION, *(split for split in table.splits if split != "train")):
        if name in table.splits:
            return np.asarray((table.frame["split"] == name).to_numpy(), dtype=bool)
    return None


def _what_can_be_shown(found: Resolution, table: ImageTable, space: LabelSpace) -> DataFinding:
    head = "validation" if table.splits else "fifth"
    units = "images" if table.identities is None else "identities"
    return DataFinding(
        "smallest-difference",
        "warning" if found.difference > 0.02 else "note",
        f"{head}-of-{units}",
        {**asdict(found), "of": 100 * found.confidence, "class": space.joint_names[found.limiting_class]},
        also=(f"smallest-difference-of-{units}",),
    )


def _classes(table: ImageTable, space: LabelSpace | None) -> Any:
    """(N,) the joint classes, where every image has one."""
    if space is None or not complete_rows(label_columns_of(table, space), space).all():
        return None
    return space.labels(table, "joint")[0]


def _audit(
    table: ImageTable, sampler: Iterable[Any], sampler_labels: Any, space: LabelSpace | None
) -> tuple[dict[str, Any], list[DataFinding]]:
    """Run through the sampler's batches; what stops a training is certain, the rest a warning."""
    from metric_face.samplers import RandomIdentitySampler, audit_batches

    train = table.in_split("train") if "train" in table.splits else table
    column = train.identities if sampler_labels is None else sampler_labels
    if column is None:
        raise ArgumentError(
            "sampler_labels must be given where the table has no identities, found None; pass the column that the "
            "sampler goes by"
        )
    if len(column) != len(train):
        raise ArgumentError(
            f"sampler_labels must have one label an image of the training split ({len(train)}), found {len(column)}"
        )
    ours = sampler if isinstance(sampler, RandomIdentitySampler) else None
    report = audit_batches(
        sampler,
        column,
        num_identities=None if ours is None else ours.num_identities,
        num_instances=None if ours is None else ours.num_instances,
        coverage="images" if ours is None else ours.coverage,
        classes=_classes(train, space),
    )
    findings = [
        DataFinding(
            f"sampler-{defect.name.replace(' ', '-')}",
            "certain" if defect.name in ("endless", "empty") else "warning",
            defect_key(asdict(defect)),
            defect.values,
        )
        for defect in report.defects
    ]
    if ours is not None:
        attributes = label_columns_of(train, space).fillna("(missing)")
        planned = ours.report({str(n): attributes[n] for n in attributes})
        findings += [
            DataFinding("sampler-report", "note", key, values) for key, values in sampler_notes(vars(planned))
        ]
    return {**report.to_dict(), "sentences": report.sentences()}, findings
