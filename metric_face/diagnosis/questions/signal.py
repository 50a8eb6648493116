"""Signal: do these labels have anything to do with these images?

Labels of other rows, shuffled labels, and an attribute that no image shows look alike: neither the model nor a probe
that never saw the identity ranks held-out images better than if the labels were permuted. A reader of "the two
classes overlap" there would merge classes that only a broken table made alike.
"""

import numpy as np

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures.shifted_labels import shifted
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
        found = context.signals[a]
        lines += [(a, name, one.area, one.null, one.upper) for name, one in found.items()]
        if not all(one.absent for one in found.values()) or ("head" in found and found["head"].reversed):
            continue  # out of fold, noise too ranks a little worse than by chance; a head that does knows the labels
        if max(one.upper for one in found.values()) > WEAKEST:
            small.append(Abstention("signal", "too_few_for_signal", {"attribute": a}))
        else:
            dead.append((a, found))
    table = Table("signal.areas", ("attribute", "features", "area", "null", "upper"), tuple(lines))
    moved = _shifted(context)
    if not dead:
        return Outcome(moved, (table,), tuple(small))
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
    return Outcome((*moved, nothing), (table,), tuple(small))


def _shifted(context: Context) -> tuple[Finding, ...]:
    """Labels that fit the images of the row above or below."""
    labels = {a: context.labels[a] for a in context.attributes}
    found = shifted(
        context.features, labels, {a: len(context.classes[a]) for a in context.attributes}, context.folds
    )
    if found is None:
        return ()
    values = {"better": found.better, "remedy": "above" if found.offset < 0 else "below"}
    measure = Measure(found.own, null=found.better, images=context.num_images)
    return (Finding("signal.shifted", measure, values, Tier.SPOILER, Confidence.CERTAIN),)
