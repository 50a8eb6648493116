"""The error budget: which attribute do the errors belong to?

It names where the score is lost, not why; so it never makes a finding, and always a table.
"""

import numpy as np

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Outcome, Table
from metric_face.diagnosis.measures.class_scores import class_scores


def ask(context: Context) -> Outcome:
    """Split the errors by the attribute that is wrong, and make each attribute perfect in turn."""
    if not context.attributes:
        return Outcome(abstentions=(Abstention("budget", "no_attribute"),))
    rows = context.evaluated
    wrong = np.array([context.predicted[a][rows] != context.labels[a][rows] for a in context.attributes])
    errors = wrong.any(axis=0)
    base = context.f1()
    lines = []
    for at, a in enumerate(context.attributes):
        only = float((wrong[at] & (wrong.sum(axis=0) == 1)).sum() / max(errors.sum(), 1))
        perfect = context.f1({a: context.labels[a]})
        own = _own_f1(context, a)
        lines.append((a, own, float(wrong[at].mean()), only, perfect, perfect - base))
    columns = ("attribute", "macro_f1", "error", "only_this_wrong", "f1_if_perfect", "gain_if_perfect")
    lines.sort(key=lambda line: -line[-1])
    return Outcome(tables=(Table("budget.attributes", columns, tuple(lines)), _classes(context)))


def _own_f1(context: Context, attribute: str) -> float:
    from metric_face.metrics import macro_f1

    rows = context.evaluated
    return macro_f1(context.labels[attribute][rows], context.predicted[attribute][rows])


def _classes(context: Context) -> Table:
    """F1 of every joint class, the worst first, with its identities and images."""
    scores = sorted(class_scores(context), key=lambda one: one.f1)
    lines = tuple((one.name, one.f1, one.identities, one.images) for one in scores)
    return Table("budget.classes", ("class", "f1", "identities", "images"), lines)
