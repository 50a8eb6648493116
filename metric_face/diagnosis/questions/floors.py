"""Losses at their floor: a term of the loss that cannot fall any further, or never started to.

A soft F1 averaged over all C classes scores an absent class as a failure, so on batches that hold ``present`` of
them it cannot fall below 1 - present / C. A triplet loss at its margin (ln 2 for the soft one) sees all distances
alike. A cross-entropy at ln C answers the same for every image.
"""

import math

import numpy as np

from metric_face.arrays import Doubles
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures.training_log import FLOOR_PREFIX, loss_terms
from metric_face.diagnosis.questions.epoch import audit

NEAR = 0.03
"""How near to its floor, relative to it, the mean of a term's last quarter must be."""
FEWEST_STEPS = 8


def ask(context: Context) -> Outcome:
    """Compare the end of every term of the loss with the values that mean it teaches nothing."""
    terms = loss_terms(context.log)
    if not terms:
        return Outcome(abstentions=(Abstention("floors", "no_loss_terms"),))
    findings, rows = [], []
    for name, values in terms.items():
        quarter = values[-max(1, len(values) // 4) :]
        end = float(quarter.mean())
        floors = _floors(context, name)
        rows.append((name, float(values[0]), end, _text(floors)))
        found = _at_floor(context, name, values, end, floors)
        if found is not None:
            findings.append(found)
    return Outcome(tuple(findings), (Table("floors.terms", ("term", "start", "end", "floors"), tuple(rows)),))


def _at_floor(
    context: Context, name: str, values: Doubles, end: float, floors: dict[str, float]
) -> Finding | None:
    if len(values) < FEWEST_STEPS:
        return None
    for floor, value in floors.items():
        if value <= 0 or abs(end - value) > NEAR * value:
            continue
        facts: dict[str, object] = {"term": name, "floor": value}
        if floor == "absent":
            present, classes = _present(context, name)
            facts |= {"present": present, "classes": classes}
        at = np.unique(np.linspace(0, len(values) - 1, min(120, len(values))).round().astype(int))
        picture = {"kind": "lines", "series": {name: [float(f"{v:.5g}") for v in values[at]]}, "line": value}
        measure = Measure(end, null=value)
        return Finding(f"floors.{floor}", measure, facts, Tier.SPOILER, Confidence.CERTAIN, picture=picture)
    return None


def _floors(context: Context, name: str) -> dict[str, float]:
    """Values that mean a term teaches nothing, by kind: absent, margin, chance."""
    reported = _reported(context, name)
    kind = name.lower()
    if "f1" in kind:
        present, classes = _present(context, name)
        found = {} if present is None or present >= 0.97 * classes else {"absent": 1 - present / classes}
    elif any(word in kind for word in ("metric", "triplet", "contrast")):
        margin = context.settings.get("margin")
        found = {} if margin is None else {"margin": math.log(2) if margin == "soft" else float(margin)}
    elif any(word in kind for word in ("ce", "cross", "class", "focal", "head")):
        found = {"chance": math.log(_classes(context, name))}
    else:
        found = {}
    if reported is not None and not any(math.isclose(reported, v, rel_tol=NEAR) for v in found.values()):
        kinds = {"f1": "absent", "ce": "chance"}
        found[next((k for word, k in kinds.items() if word in kind), "margin")] = reported
    return found


def _reported(context: Context, name: str) -> float | None:
    """The floor that the training itself reported for a term in its last epoch, where it did."""
    column = f"{FLOOR_PREFIX}{name}"
    if context.log is None or column not in context.log.columns:
        return None
    values = context.log[column].to_numpy(dtype=np.float64, na_value=np.nan)
    values = values[np.isfinite(values)]
    return float(values[-1]) if len(values) else None


def _classes(context: Context, name: str) -> int:
    """Classes that a term's head separates: those of the attribute in its name, else of the joint class."""
    own = next((a for a in context.labels if name.lower().startswith(a.lower())), None)
    if own is not None:
        return max(2, len(context.classes[own]))
    return max(2, math.prod(len(context.classes[a]) for a in context.attributes))


def _present(context: Context, name: str) -> tuple[float | None, int]:
    """Mean number of the term's classes in a batch, where the batches are known."""
    classes = _classes(context, name)
    if context.batches is None:
        stated = context.settings.get("classes_per_batch")
        return (None if stated is None else float(stated)), classes
    own = next((a for a in context.labels if name.lower().startswith(a.lower())), None)
    if own is None:
        return audit(context).classes_per_batch, classes
    labels = context.labels[own]
    held = [len(np.unique(labels[np.asarray(batch)])) for batch in context.batches[0]]
    return float(np.mean(held)), classes


def _text(floors: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in floors.items())
