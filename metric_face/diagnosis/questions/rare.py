"""Rare classes: how much of the macro F1 that is missing is missing in classes of few identities?

Macro F1 counts every class alike, so six classes of nine identities weigh as much as six of nine hundred. Where the few
score worse than the others do, the sum of what they lack is named, with the classes; what separates one of them from
its neighbors cannot be measured on so few, and the overlap question says so. A class of many identities is as good as
rare where one of them holds a large part of its images.
"""

import numpy as np

from metric_face.arrays import Ints
from metric_face.diagnosis.context import FEWEST_IDENTITIES, Context
from metric_face.diagnosis.finding import Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures.class_scores import ClassScore, class_scores, is_rare, missing
from metric_face.diagnosis.measures.resampling import one_each

LEAST_SHARE = 0.25
"""Share of the macro F1 missing that must be missing in rare classes."""
LEAST_COST = 0.03
MOST_OF_ONE = 0.3
"""Share of a class's evaluated images that one identity may show."""
ENOUGH_OTHERS = 10
LEAST_IMAGES = 20
LEAST_BEHIND = 0.1
"""Macro F1 by which rare classes must be behind the others."""
EVIDENCE = 12


def ask(context: Context) -> Outcome:
    """Sum what each joint class lacks, the rare ones apart from the others."""
    if not context.attributes:
        return Outcome()
    scores = class_scores(context)
    rare, table = _rare(context, [one for one in scores if one.images or one.in_training])
    found = (rare, _no_such_class(context, scores), _one_identity(context))
    return Outcome(tuple(one for one in found if one is not None), (table,))


def _no_such_class(context: Context, scores: list[ClassScore]) -> Finding | None:
    """Joint classes that are predicted and that no image has: macro F1 counts each of them with zero."""
    never = [one for one in scores if not one.images and not one.in_training]
    real = [one for one in scores if one.images or one.in_training]
    if not never or not real:
        return None
    plain = float(np.mean([one.f1 for one in scores]))
    without = float(np.mean([one.f1 for one in real]))
    if without - plain < LEAST_COST:
        return None
    rows = context.evaluated
    codes = [one.code for one in never]
    wrong = rows[np.isin(context.join(context.predicted)[rows], codes)]
    values = {
        "never": len(never),
        "classes": len(scores),
        "images": len(wrong),
        "plain": plain,
        "without": without,
        "names": "; ".join(one.name for one in never[:3]),
    }
    return Finding(
        "rare.no_such_class",
        Measure(without - plain, null=0.0, images=len(wrong)),
        values,
        confidence=Confidence.CERTAIN,
        explained=without - plain,
        evidence=one_each(wrong, context.identities, EVIDENCE),
        rows=wrong,
    )


def _rare(context: Context, scores: list[ClassScore]) -> tuple[Finding | None, Table]:
    rare = [one for one in scores if is_rare(one)]
    others = [one for one in scores if not is_rare(one)]
    total, cost = missing(scores), missing(rare)
    lines = (("rare", len(rare), cost), ("others", len(others), total - cost))
    table = Table("rare.missing", ("classes_of", "classes", "macro_f1_missing"), lines)
    if not rare or cost < max(LEAST_COST, LEAST_SHARE * total):
        return None, table
    mean = float(np.mean([one.f1 for one in rare]))
    reached = float(np.mean([one.f1 for one in others])) if others else None
    if reached is not None and reached - mean < LEAST_BEHIND:
        return None, table
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
    return found, table


def _one_identity(context: Context) -> Finding | None:
    """A joint class of ten identities or more, one of which holds a large part of its evaluated images."""
    rows = context.evaluated
    if not context.identities_known:
        return None
    cells, counts = np.unique(
        np.column_stack([context.joint, context.identities])[rows], axis=0, return_counts=True
    )
    found = []
    for code in np.unique(cells[:, 0]):
        mine = counts[cells[:, 0] == code]
        if len(mine) > ENOUGH_OTHERS and mine.sum() >= LEAST_IMAGES and mine.max() > MOST_OF_ONE * mine.sum():
            who = int(cells[cells[:, 0] == code][int(mine.argmax()), 1])
            found.append((float(mine.max() / mine.sum()), int(code), who, int(mine.sum()), len(mine)))
    if not found:
        return None
    share, code, who, images, identities = max(found)
    own = rows[(context.joint[rows] == code) & (context.identities[rows] == who)]
    alike = _identities_alike(context)
    values = {
        "name": context.joint_name(code),
        "images": len(own),
        "of": images,
        "others": identities - 1,
        "plain": context.f1(),
        "alike": alike,
    }
    return Finding(
        "rare.one_identity",
        Measure(share, identities=identities, images=images),
        values,
        Tier.LIMIT,
        Confidence.CERTAIN,
        evidence=own[:EVIDENCE],
        rows=own,
    )


def _identities_alike(context: Context) -> float:
    """Macro F1 of the evaluated rows where each identity weighs alike within a joint class."""
    from sklearn.metrics import f1_score

    rows = context.evaluated
    cells = np.column_stack([context.joint, context.identities])[rows]
    _, cell, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    weights = 1.0 / counts[np.ravel(cell)]
    classes, sizes = np.unique(context.joint[rows], return_counts=True)
    place = np.searchsorted(classes, context.joint[rows])
    weights *= (sizes / np.bincount(place, weights=weights))[place]
    guess = context.join(context.predicted)[rows]
    return float(
        f1_score(context.joint[rows], guess, average="macro", sample_weight=weights, zero_division=0)
    )


def rows_of(context: Context, codes: list[int]) -> Ints:
    """Evaluated rows of some joint classes."""
    rows = context.evaluated
    return rows[np.isin(context.joint[rows], codes)]
