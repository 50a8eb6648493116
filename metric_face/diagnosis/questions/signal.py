"""Signal: do these labels have anything to do with these images?

Labels of other rows, shuffled labels, and an attribute that no image shows look alike: neither the model nor a probe
that never saw the identity ranks held-out images better than if the labels were permuted. A reader of "the two
classes overlap" there would merge classes that only a broken table made alike.
"""

import numpy as np

from metric_face.arrays import Doubles
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures import probing
from metric_face.diagnosis.measures.null_scores import Signal, signal
from metric_face.metrics import macro_f1

WEAKEST = 0.65
"""Upper end of the null above which a set is too small to show that a signal is absent."""


def ask(context: Context) -> Outcome:
    """Compare the scores of every attribute with labels permuted."""
    if not context.attributes:
        return Outcome()
    rows = context.evaluated
    lines, dead, small = [], [], []
    for a in context.attributes:
        found = {name: _signal(context, a, scores) for name, scores in _scores(context, a).items()}
        lines += [(a, name, one.area, one.null, one.upper) for name, one in found.items()]
        if not all(one.absent for one in found.values()):
            continue
        if max(one.upper for one in found.values()) > WEAKEST:
            small.append(Abstention("signal", "too_few_for_signal", {"attribute": a}))
        else:
            dead.append((a, found))
    table = Table("signal.areas", ("attribute", "features", "area", "null", "upper"), tuple(lines))
    if not dead:
        return Outcome((), (table,), tuple(small))
    first, found = dead[0]
    own = found.get("head", found["embedding"])
    names = [a for a, _ in dead]
    values = {
        "attribute": ", ".join(names),
        "attributes": tuple(names),
        "f1": macro_f1(context.labels[first][rows], context.predicted[first][rows]),
        "remedy": "all" if len(dead) == len(context.attributes) else "some",
    }
    measure = Measure(
        own.area, null=own.null, identities=len(np.unique(context.identities[rows])), images=len(rows)
    )
    cost = context.f1({a: context.labels[a] for a in names}) - context.f1()
    nothing = Finding(
        "signal.none", measure, values, Tier.SPOILER, Confidence.LIKELY, explained=max(0.0, cost)
    )
    return Outcome((nothing,), (table,), tuple(small))


def _scores(context: Context, attribute: str) -> dict[str, Doubles]:
    """Scores of the evaluated rows by everything that could see a signal: head, embedding, neutral embedding."""
    rows = context.evaluated
    found = {"embedding": context.scores[attribute][rows]}
    if context.predictions is not None:
        guess = probing.one_hot(context.predictions[attribute], len(context.classes[attribute]))[rows]
        chances = (context.probabilities or {}).get(attribute)
        known = chances is not None and np.isfinite(chances[rows]).all()
        found = {"head": chances[rows] if known and chances is not None else guess} | found
    if context.neutral is not None:
        found["neutral"] = context.neutral_scores[attribute][rows]
    return found


def _signal(context: Context, attribute: str, scores: Doubles) -> Signal:
    rows = context.evaluated
    return signal(scores, context.labels[attribute][rows], context.identities[rows], context.seed)
