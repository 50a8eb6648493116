"""Hypothesis A: do the classes share more than they differ in?

The question is taken at its word. The overlap OVL of two classes is the mass they share along the direction that
best separates them; they share more than they differ in where OVL is above one half, that is where no rule along
that direction is right on more than three of four images of both. The vote of the neighbors must agree, so that
classes which only a linear probe cannot part are not called the same.
"""

import numpy as np

from metric_face.diagnosis.context import FEWEST_IDENTITIES, Context
from metric_face.diagnosis.finding import (
    Abstention,
    Finding,
    HypothesisAnswer,
    Measure,
    Outcome,
    Table,
    Verdict,
)
from metric_face.diagnosis.measures.class_pairs import HALF, Measured, measure_pairs, null_overlap
from metric_face.diagnosis.measures.class_scores import class_scores, is_rare, missing
from metric_face.diagnosis.measures.resampling import one_each, random_controls

LEAST_EXPLAINED = 0.01
WITHIN_NULL = 0.05
"""An overlap this near to that of one class split into two at random has nothing that separates the two labels."""
LEAST_MISSING = 0.05
"""Macro F1 missing below which it does not matter in which classes."""
EVIDENCE = 12
_COLUMNS = ("attribute", "first", "second", "overlap", "low", "high", "by_neighbors", "identities", "images")


def ask(context: Context) -> Outcome:
    """Measure every pair of classes and answer the hypothesis."""
    if not context.attributes:
        nothing = HypothesisAnswer("A", Verdict.CANNOT_TELL, "no_attribute")
        return Outcome(abstentions=(Abstention("overlap", "no_attribute"),), answer=nothing)
    measured = measure_pairs(context)
    shared = _not_nested([m for m in measured if m.low >= HALF and m.by_neighbors > HALF])
    table = Table("overlap.pairs", _COLUMNS, tuple(_row(context, m) for m in _by_value(measured)))
    drawn = Table(
        "overlap.histograms",
        ("attribute", "first", "second", "edges", "first_shares", "second_shares"),
        tuple(_histogram(context, m) for m in _by_value(measured)[:6]),
    )
    found = tuple(_finding(context, shared, _alone(measured, shared)))
    return Outcome(found, (table, drawn), _few(context), _answer(context, measured, shared))


def _by_value(measured: list[Measured]) -> list[Measured]:
    return sorted(measured, key=lambda m: -m.value)


def _not_nested(shared: list[Measured]) -> list[Measured]:
    """Joint pairs are left out where their attribute's own pair is already shared."""
    whole = {(m.pair.attribute, m.pair.first, m.pair.second) for m in shared if m.pair.joint is None}
    return [
        m
        for m in shared
        if m.pair.joint is None or (m.pair.attribute, m.pair.first, m.pair.second) not in whole
    ]


def _alone(measured: list[Measured], shared: list[Measured]) -> bool:
    """Whether one pair of classes is shared and all the others are apart."""
    names = {(m.pair.attribute, m.pair.first, m.pair.second) for m in shared}
    others = [m for m in measured if (m.pair.attribute, m.pair.first, m.pair.second) not in names]
    return len(names) == 1 and bool(others) and all(m.value < HALF for m in others)


def _finding(context: Context, shared: list[Measured], alone: bool) -> list[Finding]:
    """One finding for all the pairs that overlap: the pair that costs most speaks for them."""
    gains = [(explained(context, [m]), m) for m in shared]
    gains = [(gain, m) for gain, m in gains if gain >= LEAST_EXPLAINED]
    if not gains:
        return []
    worst = max(gains, key=lambda item: item[0])[1]
    attribute = worst.pair.attribute
    middle = worst.rows[np.argsort(np.abs(worst.scores), kind="stable")]
    wrong = middle[context.predicted[attribute][middle] != context.labels[attribute][middle]]
    right = np.setdiff1d(worst.rows, wrong)
    low, high = worst.plain
    null = null_overlap(context, worst.pair)
    _, _, _, edges, first, second = _histogram(context, worst)
    names = worst.pair.names(context)
    remedy = "null" if worst.found.value >= null - WITHIN_NULL else "some"
    return [
        Finding(
            "overlap.classes",
            Measure(worst.value, low, high, null, worst.identities, len(worst.rows)),
            {
                **names,
                "pairs": len(gains),
                "best": 1 - worst.value / 2,
                "remedy": remedy,
                "alone": alone and remedy == "null",
            },
            explained=explained(context, [m for _, m in gains]),
            evidence=one_each(wrong, context.identities, EVIDENCE),
            controls=random_controls(right, context.identities, EVIDENCE, context.seed),
            rows=wrong,
            picture={
                "kind": "histograms",
                "edges": edges,
                "series": {names["first"]: first, names["second"]: second},
            },
        )
    ]


def explained(context: Context, shared: list[Measured]) -> float:
    """Macro F1 gained if the confusions between the two classes of each pair were resolved."""
    better = {a: context.predicted[a].copy() for a in context.attributes}
    guess = context.join(context.predicted)
    for m in shared:
        a, truth = m.pair.attribute, context.labels[m.pair.attribute]
        guessed = context.predicted[a] if m.pair.joint is None else guess
        confused = np.isin(m.pair.labels(context), m.pair.codes()) & np.isin(guessed, m.pair.codes())
        better[a][confused] = truth[confused]
    return context.f1(better) - context.f1()


def _answer(context: Context, measured: list[Measured], shared: list[Measured]) -> HypothesisAnswer:
    if not measured:
        return HypothesisAnswer(
            "A", Verdict.CANNOT_TELL, "few_identities", values={"fewest": FEWEST_IDENTITIES}
        )
    worst = max(shared or measured, key=lambda m: m.value)
    measure = Measure(worst.value, worst.low, worst.high, None, worst.identities, len(worst.rows))
    names = context.classes[worst.pair.attribute]
    classes = (names[worst.pair.first], names[worst.pair.second])
    values = {**worst.pair.names(context), "pairs": len(measured), "shared": len(shared), "classes": classes}
    if shared:
        return HypothesisAnswer("A", Verdict.SUPPORTED, "shared", measure, values)
    if worst.low >= HALF:
        return HypothesisAnswer("A", Verdict.NOT_SUPPORTED, "neighbors_part", measure, values)
    if worst.high > HALF:
        return HypothesisAnswer("A", Verdict.CANNOT_TELL, "interval_holds_half", measure, values)
    share = _missing_in_rare(context)
    if share > HALF:
        return HypothesisAnswer("A", Verdict.CANNOT_TELL, "rare_classes", measure, {**values, "share": share})
    return HypothesisAnswer("A", Verdict.NOT_SUPPORTED, "apart", measure, values)


def _missing_in_rare(context: Context) -> float:
    """Share of the macro F1 missing that is missing in classes too rare to be measured."""
    scores = class_scores(context)
    total = missing(scores)
    return missing([one for one in scores if is_rare(one)]) / total if total >= LEAST_MISSING else 0.0


def _few(context: Context) -> tuple[Abstention, ...]:
    few = []
    for a in context.attributes:
        identities = context.identities_by_class(a, context.evaluated)
        for c in np.flatnonzero((identities > 0) & (identities < FEWEST_IDENTITIES))[:5]:
            values = {"attribute": a, "name": context.classes[a][c], "identities": int(identities[c])}
            few.append(
                Abstention("overlap", "few_identities_in_class", {**values, "fewest": FEWEST_IDENTITIES})
            )
    return tuple(few)


def _row(context: Context, m: Measured) -> tuple[object, ...]:
    names = m.pair.names(context)
    ends = (m.value, m.low, m.high, m.by_neighbors, m.identities, len(m.rows))
    return (names["attribute"], names["first"], names["second"], *ends)


def _histogram(context: Context, m: Measured) -> tuple[object, ...]:
    names = m.pair.names(context)
    edges = [round(float(edge), 4) for edge in m.found.edges]
    first, second = (np.round(side, 5).tolist() for side in m.found.shares)
    return (names["attribute"], names["first"], names["second"], edges, first, second)
