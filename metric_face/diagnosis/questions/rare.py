"""Rare classes: how much of the macro F1 that is missing is missing in classes of few identities?

Macro F1 counts every class alike, so six classes of nine identities weigh as much as six of nine hundred. Where the few
score worse than the others do, the sum of what they lack is named, with the classes; what separates one of them from
its neighbors cannot be measured on so few, and the overlap question says so.
"""

import numpy as np

from metric_face.arrays import Ints
from metric_face.diagnosis.context import FEWEST_IDENTITIES, Context
from metric_face.diagnosis.finding import Finding, Measure, Outcome, Table
from metric_face.diagnosis.measures.class_scores import class_scores, is_rare, missing
from metric_face.diagnosis.measures.resampling import one_each

LEAST_SHARE = 0.25
"""Share of the macro F1 missing that must be missing in rare classes."""
LEAST_COST = 0.03
LEAST_BEHIND = 0.1
"""Macro F1 by which rare classes must be behind the others."""
EVIDENCE = 12


def ask(context: Context) -> Outcome:
    """Sum what each joint class lacks, the rare ones apart from the others."""
    if not context.attributes:
        return Outcome()
    scores = class_scores(context)
    rare = [one for one in scores if is_rare(one)]
    others = [one for one in scores if not is_rare(one)]
    total, cost = missing(scores), missing(rare)
    lines = (("rare", len(rare), cost), ("others", len(others), total - cost))
    table = Table("rare.missing", ("classes_of", "classes", "macro_f1_missing"), lines)
    if not rare or cost < max(LEAST_COST, LEAST_SHARE * total):
        return Outcome(tables=(table,))
    mean = float(np.mean([one.f1 for one in rare]))
    reached = float(np.mean([one.f1 for one in others])) if others else None
    if reached is not None and reached - mean < LEAST_BEHIND:
        return Outcome(tables=(table,))
    worst = sorted(rare, key=lambda one: one.f1)
    values = {
        "rare": len(rare),
        "classes": len(scores),
        "share": cost / total,
        "mean": mean,
        "others": reached,
        "fewest": FEWEST_IDENTITIES,
        "names": "; ".join(f"{one.name} ({one.f1:.2f})" for one in worst[:3]),
        "most": max(one.in_training if one.in_training is not None else one.identities for one in rare),
        "remedy": "all" if reached is None else "some",
    }
    gain = None if reached is None else sum(max(0.0, reached - one.f1) for one in rare) / len(scores)
    rows = rows_of(context, [one.code for one in rare])
    wrong = rows[context.join(context.predicted)[rows] != context.joint[rows]]
    shown = sorted(scores, key=lambda one: one.f1)[:8]
    found = Finding(
        "rare.classes",
        Measure(cost, identities=len(np.unique(context.identities[rows])), images=len(rows)),
        values,
        explained=gain,
        evidence=one_each(wrong, context.identities, EVIDENCE),
        rows=wrong,
        picture={
            "kind": "bars",
            "labels": [f"{one.name} ({one.identities})" for one in shown],
            "series": {"f1": [one.f1 for one in shown]},
        },
    )
    return Outcome((found,), (table,))


def rows_of(context: Context, codes: list[int]) -> Ints:
    """Evaluated rows of some joint classes."""
    rows = context.evaluated
    return rows[np.isin(context.joint[rows], codes)]
