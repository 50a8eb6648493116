"""The epoch: did training see what it was promised, all of it, and in an even mix?"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from metric_face.arrays import Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures.resampling import one_each, random_controls
from metric_face.diagnosis.measures.training_log import series

if TYPE_CHECKING:
    from metric_face.samplers import AuditReport

LEAST_DRIFT = 0.1
"""Total variation between the first and the last third below which a drift changes nothing that matters."""
LEAST_UNSEEN = 0.1
"""Share of the training images that must be missing from all epochs looked at."""
LEAST_UNSEEN_ONCE = 0.45
"""The same for a single epoch: drawing with replacement leaves out 37 % and is no fault."""
LEAST_SHORT = 0.02
EVIDENCE = 12


def ask(context: Context) -> Outcome:
    """Count what the batches held."""
    short = _short(*_lengths(context))
    if context.batches is None:
        return Outcome((short,) if short else (), abstentions=(Abstention("epoch", "no_batches"),))
    trained = _trained(context)
    report = audit(context)
    drawn = [np.concatenate([np.asarray(b) for b in epoch]) for epoch in context.batches]
    findings = [short, _drift(context, report), _unseen(context, trained, drawn, report)]
    table = Table("epoch.audit", ("what", "value"), tuple(_counts(report, len(trained))))
    mix = Table("epoch.mix", ("class", "first", "middle", "last"), tuple(_mix(context)))
    return Outcome(tuple(f for f in findings if f is not None), (table, mix))


def audit(context: Context) -> "AuditReport":
    """The audit of the batches, by joint class, or by identity where there is no attribute."""
    from metric_face.samplers import audit_batches

    assert context.batches is not None
    labels = context.joint if context.attributes else context.identities
    identities = context.identities if context.identities_known and context.attributes else None
    return audit_batches(
        _Epochs(context.batches), labels, identities=identities, coverage=None, epochs=len(context.batches)
    )


class _Epochs:
    """Recorded batches as a loader that knows its epoch."""

    def __init__(self, epochs: Sequence[Sequence[Ints]]) -> None:
        self.epochs, self.epoch = epochs, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        return iter([np.asarray(batch).tolist() for batch in self.epochs[self.epoch]])


def _trained(context: Context) -> Ints:
    """Rows that training was to see: the training part, or all without a split."""
    return np.arange(context.num_images) if context.in_train is None else np.flatnonzero(context.in_train)


def _lengths(context: Context) -> tuple[float | None, float | None]:
    """Batches promised and yielded, from the batches themselves or from the log."""
    if context.batches is not None and context.promised is not None:
        return float(context.promised), float(np.mean([len(epoch) for epoch in context.batches]))
    promised, yielded = series(context.log, "batches_promised"), series(context.log, "batches")
    if promised is None or yielded is None:
        return None, None
    return float(np.median(promised)), float(np.median(yielded))


def _short(promised: float | None, yielded: float | None) -> Finding | None:
    if promised is None or yielded is None or yielded >= (1 - LEAST_SHORT) * promised:
        return None
    share = 1 - yielded / promised
    values = {"promised": round(promised), "yielded": round(yielded)}
    return Finding("epoch.short", Measure(share), values, Tier.SPOILER, Confidence.CERTAIN)


def _drift(context: Context, report: "AuditReport") -> Finding | None:
    if report.drift_distance < LEAST_DRIFT or report.drift_p_value > 1e-3:
        return None
    mix = _mix(context)
    missing = [name for name, first, _, last in mix if first > 0 and last == 0]
    measure = Measure(report.drift_distance, null=0.0, images=report.images_seen)
    shown = sorted(mix, key=lambda row: -abs(row[1] - row[3]))[:8]
    picture = {
        "kind": "bars",
        "labels": [row[0] for row in shown],
        "series": {"first": [row[1] for row in shown], "last": [row[3] for row in shown]},
    }
    values = {"p": report.drift_p_value, "missing": len(missing), "classes": len(mix)}
    return Finding("epoch.drift", measure, values, Tier.SPOILER, Confidence.CERTAIN, picture=picture)


def _unseen(context: Context, trained: Ints, drawn: list[Ints], report: "AuditReport") -> Finding | None:
    unseen = np.setdiff1d(trained, np.unique(np.concatenate(drawn)))
    share = len(unseen) / max(len(trained), 1)
    if share < (LEAST_UNSEEN if len(drawn) > 1 else LEAST_UNSEEN_ONCE):
        return None
    identities = context.identities
    seen = np.setdiff1d(trained, unseen)
    gain = _price(context, seen, trained)
    absent = len(np.setdiff1d(identities[unseen], identities[seen]))
    values = {"unseen": len(unseen), "trained": len(trained), "epochs": len(drawn), "absent": absent}
    order = np.random.default_rng(context.seed).permutation(unseen)
    return Finding(
        "epoch.unseen",
        Measure(share, null=0.0, identities=absent, images=len(unseen)),
        values,
        Tier.SPOILER,
        Confidence.CERTAIN,
        explained=gain,
        evidence=one_each(order, identities, EVIDENCE),
        controls=random_controls(seen, identities, EVIDENCE, context.seed),
        rows=unseen,
    )


def _price(context: Context, seen: Ints, trained: Ints) -> float | None:
    """Macro F1 of a probe that learned from all training images, less that of one which had only those seen."""
    if context.in_held_out is None or not context.attributes or not len(seen):
        return None
    everything, part = context.predict_from(trained), context.predict_from(seen)
    return max(0.0, context.f1(everything) - context.f1(part))


def _mix(context: Context) -> list[tuple[str, float, float, float]]:
    """Share of each class in the three thirds of the first epoch's batches."""
    assert context.batches is not None
    if not context.attributes:
        return []
    batches = context.batches[0]
    cuts = [0, len(batches) // 3, 2 * len(batches) // 3, len(batches)]
    size = int(context.joint.max()) + 1
    mixes = []
    for start, stop in pairwise(cuts):
        part = np.concatenate([np.asarray(b) for b in batches[start:stop]] or [np.empty(0, dtype=np.int64)])
        counts = np.bincount(context.joint[part.astype(np.int64)], minlength=size)
        mixes.append(counts / max(counts.sum(), 1))
    return [(context.joint_name(c), *(float(m[c]) for m in mixes)) for c in np.unique(context.joint)]  # type: ignore[misc]


def _counts(report: "AuditReport", trained: int) -> list[tuple[str, object]]:
    return [
        ("batches", report.batches),
        ("images_seen", report.images_seen),
        ("images_to_see", trained),
        ("mean_draws", report.mean_draws),
        ("same_identity_pairs", report.same_identity_pairs),
        ("drift_distance", report.drift_distance),
        ("drift_p_value", report.drift_p_value),
        ("classes_per_batch", report.classes_per_batch),
        ("classes", report.classes),
        ("soft_f1_floor", report.soft_f1_floor),
    ]
