"""Hypothesis B: do the losses pull the embedding in exclusive directions?

Training logs kappa, the cosine between the two gradients corrected for noise. But the outcome decides: losses
that pull apart may still do better together. "Supported" needs kappa below zero and a combined run beaten by one
of the single ones, at equal budget.
"""

import math

import numpy as np

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import (
    Abstention,
    Confidence,
    Finding,
    HypothesisAnswer,
    Measure,
    Outcome,
    Table,
    Verdict,
)
from metric_face.diagnosis.measures.training_log import COLUMNS, aligned, series
from metric_face.diagnosis.questions.worth import compare
from metric_face.metrics import student

OPPOSED = -0.1
"""The upper end of kappa below which a conflict is worth a test even without the outcome."""
NEGLIGIBLE = -0.2
"""A lower end above this rules out a conflict of any size that could matter."""
_SHOWN = (
    "kappa",
    "kappa_low",
    "kappa_high",
    "kappa_raw",
    "kappa_tangential",
    "kappa_radial",
    "kappa_shared",
    "magnitude_similarity",
    "reliability_metric",
    "reliability_heads",
    "probes",
)


def ask(context: Context) -> Outcome:
    """Read the angles from the log and the outcome from the arms."""
    tables = [*_over_time(context), *_self_duality(context), *_look_ahead(context)]
    last = {name: _last(context, name) for name in _SHOWN}
    if last["kappa"] is None or last["kappa_low"] is None or last["kappa_high"] is None:
        reason = "no_log" if context.log is None else "no_angles"
        return Outcome(
            (),
            tuple(tables),
            (Abstention("conflict", reason),),
            HypothesisAnswer("B", Verdict.CANNOT_TELL, reason),
        )
    measure = _widened(context, last["kappa"], last["kappa_low"], last["kappa_high"])
    answer, findings = _weigh(context, measure, last)
    return Outcome(tuple(findings), tuple(tables), (), answer)


def _weigh(
    context: Context, kappa: Measure, last: dict[str, float | None]
) -> tuple[HypothesisAnswer, list[Finding]]:
    low, high = float(kappa.low or 0.0), float(kappa.high or 0.0)
    values = {"degrees": math.degrees(math.acos(max(-1.0, min(1.0, kappa.value)))), "raw": last["kappa_raw"]}
    if high >= 0:
        if low > NEGLIGIBLE:
            return HypothesisAnswer("B", Verdict.NOT_SUPPORTED, "not_opposed", kappa, values), []
        return HypothesisAnswer("B", Verdict.CANNOT_TELL, "interval_holds_zero", kappa, values), []
    across = last["kappa_tangential"]
    if across is not None and across >= 0:
        return HypothesisAnswer("B", Verdict.NOT_SUPPORTED, "lengths_only", kappa, values), []
    picture = {"kind": "arrows", "kappa": kappa.value, "low": low, "high": high}
    outcome = _dominated(context)
    if outcome is None:
        answer = HypothesisAnswer("B", Verdict.CANNOT_TELL, "no_arms", kappa, values)
        if high > OPPOSED:
            return answer, []
        return answer, [
            Finding("conflict.suspected", kappa, values, confidence=Confidence.POSSIBLE, picture=picture)
        ]
    best, gap, gap_low, gap_high = outcome
    compared = {**values, "best": best, "gap": gap, "gap_low": gap_low, "gap_high": gap_high}
    if gap_high >= 0:
        return HypothesisAnswer("B", Verdict.NOT_SUPPORTED, "outcome_no_worse", kappa, compared), []
    found = Finding("conflict.opposed", kappa, compared, explained=-gap, picture=picture)
    return HypothesisAnswer("B", Verdict.SUPPORTED, "opposed", kappa, compared), [found]


def _widened(context: Context, kappa: float, low: float, high: float) -> Measure:
    """Kappa with an interval that counts the images of an epoch once, however many epochs the probes span.

    The logged interval resamples probes. Over E epochs each image is in E of them, and what its gradient has of its
    own is in all; so there are as many independent probes as one epoch holds, and the interval grows by sqrt(E).
    """
    probes, held = _last(context, "probes"), _batches_of_an_epoch(context)
    wider = math.sqrt(max(1.0, probes / held)) if probes and held else 1.0
    return Measure(
        kappa, max(-1.0, kappa - wider * (kappa - low)), min(1.0, kappa + wider * (high - kappa)), 0.0
    )


def _batches_of_an_epoch(context: Context) -> float | None:
    """Batches of an epoch, as they were drawn or as the log counts its steps; None where neither is known."""
    if context.batches is not None:
        return float(np.mean([len(epoch) for epoch in context.batches]))
    for name in ("batches", "batches_promised"):
        counted = series(context.log, name)
        if counted is not None:
            return float(np.median(counted))
    both = aligned(context.log, "step", "epoch")
    if both is None or np.ptp(both[1]) == 0:
        return None
    return float(np.ptp(both[0]) / np.ptp(both[1]))


def _dominated(context: Context) -> tuple[str, float, float, float] | None:
    """The better single arm, and the combined arm's difference to it with its interval."""
    arms = context.arms or {}
    if "both" not in arms or len(arms["both"]) < 2:
        return None
    single = [name for name in ("metric", "head") if len(arms.get(name, ())) >= 2]
    if not single:
        return None
    best = max(single, key=lambda name: float(np.mean(arms[name])))
    return (best, *compare(arms["both"], arms[best]))


def _last(context: Context, name: str) -> float | None:
    values = series(context.log, name)
    return None if values is None else float(values[-1])


def _over_time(context: Context) -> list[Table]:
    """Kappa with its band, the parts of it, and the magnitudes, as logged."""
    log = context.log
    if log is None or COLUMNS["kappa"][0] not in log.columns:
        return []
    kept = log[log[COLUMNS["kappa"][0]].notna()]
    present = [name for name in ("step", "epoch", *_SHOWN) if COLUMNS[name][0] in kept.columns]
    cells = [[None if math.isnan(v) else float(v) for v in kept[COLUMNS[name][0]]] for name in present]
    return [Table("conflict.over_time", tuple(present), tuple(zip(*cells, strict=True)))]


def _self_duality(context: Context) -> list[Table]:
    """Cosine between each class's weights and its mean less the global mean: do head and geometry agree?

    Of neural collapse's third property (Papyan, Han and Donoho, 2020) this is the direction, class by class; 1 is
    agreement.
    """
    rows: list[tuple[object, ...]] = []
    for attribute, weights in (context.head or {}).items():
        labels = context.labels.get(attribute)
        if labels is None or weights.shape[1] != context.embeddings.shape[1]:
            continue
        centered = weights - weights.mean(axis=0)
        for code, name in enumerate(context.classes[attribute]):
            mine = labels == code
            if not mine.any() or code >= len(weights):
                continue
            mean = context.features[mine].mean(axis=0) - context.features.mean(axis=0)
            size = float(np.linalg.norm(mean) * np.linalg.norm(centered[code]))
            rows.append((attribute, name, float(centered[code] @ mean) / size if size > 0 else None))
    return [Table("conflict.self_duality", ("attribute", "class", "cosine"), tuple(rows))] if rows else []


def _look_ahead(context: Context) -> list[Table]:
    """What a step along one loss does to the other on unseen images, with its interval over batches."""
    found = None if context.look_ahead is None else context.look_ahead()
    rows = []
    for (step_of, loss), values in (found or {}).items():
        reach = math.nan
        if len(values) > 1:
            reach = student(0.95, len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
        mean = float(np.mean(values))
        rows.append((step_of, loss, mean, mean - reach, mean + reach, len(values)))
    columns = ("step_of", "loss", "gain", "low", "high", "batches")
    return [Table("conflict.look_ahead", columns, tuple(rows))] if rows else []
