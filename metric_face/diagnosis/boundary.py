"""The boundary: a class cut out of a continuous value, and what happens beside the cut.

The curve is the error against the raw value; near a cut it peaks, because a year is all that parts two classes
there. The sweep moves the cut of predicted values and scores on the labels as they are. A finding is made only
where the labels themselves were cut in different places on the two sides of the split: then validation asks
another question than training answers.
"""

import numpy as np

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import (
    Abstention,
    Confidence,
    Finding,
    Floats,
    Ints,
    Measure,
    Outcome,
    Table,
    Tier,
)
from metric_face.diagnosis.resampling import bootstrap_weights, one_each, random_controls
from metric_face.f1_scores import macro_f1

NEAR = 3.0
"""Units either side of a cut that count as near it, for values that span 20 units or more."""
REACH = 6
MOST_BINS = 60
LEAST_MOVED = 3
EVIDENCE = 12


def ask(context: Context) -> Outcome:
    """Look at every attribute whose raw value is known."""
    names = [a for a in context.raw_values if a in context.labels and np.isfinite(context.raw_values[a]).all()]
    if not names:
        return Outcome(abstentions=(Abstention("boundary", "no_raw_values"),))
    findings: list[Finding] = []
    tables: list[Table] = []
    for name in names:
        findings += _moved(context, name)
        if name in context.attributes:
            cuts = context.cuts.get(name) or best_cuts(context.raw_values[name], context.labels[name])
            tables += [_curve(context, name), _near(context, name, cuts), _sweep(context, name, cuts)]
    return Outcome(tuple(findings), tuple(tables))


def best_cuts(values: Floats, labels: Ints) -> tuple[float, ...]:
    """The cuts between consecutive classes that contradict the fewest labels; a value v is above a cut c if v >= c."""
    cuts = []
    for upper in range(1, int(labels.max()) + 1):
        above = labels >= upper
        order = np.argsort(values, kind="stable")
        sorted_values, sorted_above = values[order], above[order]
        # Wrong if the cut stands before position i: those above it on the left, those below it on the right.
        wrong = np.concatenate([[0], np.cumsum(sorted_above)]) + np.concatenate(
            [np.cumsum(~sorted_above[::-1])[::-1], [0]]
        )
        allowed = np.concatenate([[True], sorted_values[1:] > sorted_values[:-1], [True]])
        wrong = np.where(allowed, wrong, len(values) + 1)
        at = int(wrong.argmin())
        cuts.append(float(sorted_values[at]) if at < len(values) else float("inf"))
    return tuple(cuts)


def _moved(context: Context, name: str) -> list[Finding]:
    """Labels of the held-out part that training's cut contradicts and another cut explains."""
    if context.in_train is None or context.in_held_out is None:
        return []
    values, labels = context.raw_values[name], context.labels[name]
    train, held = np.flatnonzero(context.in_train), np.flatnonzero(context.in_held_out)
    if not len(train) or not len(held):
        return []
    learnt, asked = best_cuts(values[train], labels[train]), best_cuts(values[held], labels[held])
    if len(learnt) != len(asked):
        return []
    by_training = np.searchsorted(np.array(learnt), values, side="right")
    by_validation = np.searchsorted(np.array(asked), values, side="right")
    rows = held[by_training[held] != labels[held]]
    unexplained = (by_validation[held] != labels[held]).sum()
    if len(rows) < LEAST_MOVED or unexplained > 0.2 * len(rows):
        return []
    mended = labels.copy()
    mended[held] = by_training[held]
    gain = context.f1(labels={name: mended}) - context.f1() if name in context.attributes else None
    persons = len(np.unique(context.identities[rows]))
    said = {"attribute": name, "train": _cuts(learnt), "validation": _cuts(asked), "images": len(rows)}
    return [
        Finding(
            "boundary.moved",
            Measure(len(rows) / len(held), null=0.0, persons=persons, images=len(rows)),
            said,
            Tier.SPOILER,
            Confidence.CERTAIN,
            explained=gain,
            evidence=one_each(rows, context.identities, EVIDENCE),
            controls=random_controls(np.setdiff1d(held, rows), context.identities, EVIDENCE, context.seed),
            rows=rows,
        )
    ]


def _curve(context: Context, name: str) -> Table:
    """Error of the attribute by raw value, with bands from resampled identities."""
    rows = context.judged
    values = context.raw_values[name][rows]
    wrong = context.predicted[name][rows] != context.labels[name][rows]
    levels, place = np.unique(values, return_inverse=True)
    if len(levels) > MOST_BINS:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, MOST_BINS // 2 + 1)))
        place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
        levels = (edges[:-1] + edges[1:]) / 2
    people, who = np.unique(context.identities[rows], return_inverse=True)
    cells = who * len(levels) + place
    size = len(people) * len(levels)
    images = np.bincount(cells, minlength=size).reshape(len(people), -1)
    errors = np.bincount(cells, weights=wrong, minlength=size).reshape(len(people), -1)
    draws = bootstrap_weights(len(people), context.seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = np.where((draws @ images) > 0, (draws @ errors) / (draws @ images), np.nan)
    lines = []
    for at, level in enumerate(levels):
        number = images[:, at].sum()
        if number == 0:
            continue
        seen = rates[np.isfinite(rates[:, at]), at]
        low, high = np.quantile(seen, [0.025, 0.975]) if len(seen) else (0.0, 1.0)
        persons = int((images[:, at] > 0).sum())
        lines.append(
            (float(level), float(errors[:, at].sum() / number), float(low), float(high), persons, int(number))
        )
    return Table(f"boundary.curve.{name}", ("value", "error", "low", "high", "persons", "images"), tuple(lines))


def _near(context: Context, name: str, cuts: tuple[float, ...]) -> Table:
    rows = context.judged
    values = context.raw_values[name][rows]
    reach = NEAR if np.ptp(values) >= 20 else 0.05 * float(np.ptp(values))
    wrong = context.predicted[name][rows] != context.labels[name][rows]
    lines = []
    for cut in cuts:
        close = np.abs(values - cut) <= reach
        errors = float((close & wrong).sum() / max(wrong.sum(), 1))
        lines.append((cut, reach, errors, float(close.mean())))
    return Table(f"boundary.near.{name}", ("cut", "within", "share_of_errors", "share_of_images"), tuple(lines))


def _sweep(context: Context, name: str, cuts: tuple[float, ...]) -> Table:
    """Macro F1 of the attribute, on its original labels, as one cut of the predicted value moves."""
    rows = context.judged
    said = context.scores[f"raw:{name}"][rows, 0]
    truth = context.labels[name][rows]
    unit = 1.0 if np.ptp(context.raw_values[name]) >= 20 else float(np.ptp(context.raw_values[name])) / 40
    lines = []
    for at, cut in enumerate(cuts):
        for step in range(-REACH, REACH + 1):
            moved = np.array(cuts)
            moved[at] = cut + step * unit
            if (np.diff(moved) <= 0).any():
                continue
            guess = np.searchsorted(moved, said, side="right")
            lines.append((cut, float(moved[at]), macro_f1(truth, guess)))
    return Table(f"boundary.sweep.{name}", ("cut", "moved_to", "macro_f1"), tuple(lines))


def _cuts(cuts: tuple[float, ...]) -> str:
    return ", ".join(f"{cut:g}" for cut in cuts)
