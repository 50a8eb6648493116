"""Is the information there? The probe ladder, what the variance is spent on, and how tangled the classes are."""

import numpy as np

from metric_face.arrays import Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Finding, Measure, Outcome, Table
from metric_face.diagnosis.measures import ladder
from metric_face.diagnosis.measures.resampling import RESAMPLES
from metric_face.diagnosis.measures.variance import complexity, variance_shares
from metric_face.visualization import neighbor_confusion

LEAST_LOST = 0.03
"""Macro F1 that training must have thrown away to be worth a finding."""
MOST_CELLS = 40
"""Joint classes beyond which the confusion matrix is not drawn."""

Steps = dict[str, dict[str, dict[str, Ints]]]


def ask(context: Context) -> Outcome:
    """Climb the ladder on the embedding, and on the neutral one where it was given."""
    if not context.attributes:
        return Outcome()
    steps: Steps = {"embedding": ladder.climb(context)}
    if context.neutral is not None:
        steps["neutral"] = ladder.climb(context, neutral=True)
    tables = (_ladder_table(context, steps), _shares(context), *_confusions(context), _complexity(context))
    return Outcome(tuple(_lost(context, steps)), tables)


def _lost(context: Context, steps: Steps) -> list[Finding]:
    """The untrained backbone's linear probe beats the trained embedding's: training threw information away."""
    from metric_face.metrics import bootstrap_interval

    if "neutral" not in steps:
        return []
    rows = context.evaluated
    before, after = (context.join(steps[name]["linear"])[rows] for name in ("neutral", "embedding"))
    truth, identities = context.joint[rows], context.identities[rows]
    gap = bootstrap_interval(truth, before, identities, other=after, resamples=RESAMPLES, seed=context.seed)
    if gap.low <= 0 or gap.value < LEAST_LOST:
        return []
    values = {
        "before": context.f1(steps["neutral"]["linear"]),
        "after": context.f1(steps["embedding"]["linear"]),
        "in_training": _lost_in_training(context, steps),
    }
    measure = Measure(gap.value, gap.low, gap.high, 0.0, gap.num_identities, len(rows))
    return [Finding("information.lost", measure, values, explained=gap.value)]


def _lost_in_training(context: Context, steps: Steps) -> bool:
    """Whether out-of-fold probes lose as much on training images: an embedding that learned those by heart does not."""
    if context.in_train is None or not context.in_train.any():
        return False
    rows = np.flatnonzero(context.in_train)
    before, after = (context.f1(steps[name]["linear"], rows=rows) for name in ("neutral", "embedding"))
    return before - after >= LEAST_LOST


def _ladder_table(context: Context, steps: Steps) -> Table:
    rows = [(name, *(context.f1(rungs[rung]) for rung in ladder.RUNGS)) for name, rungs in steps.items()]
    return Table("information.ladder", ("features", *ladder.RUNGS), tuple(rows))


def _shares(context: Context) -> Table:
    rows = []
    for a in context.attributes:
        s = variance_shares(context.features, context.labels[a], context.identities, context.seed)
        rows.append((a, s.between_classes, s.between_identities, s.within_identities, s.null, s.p))
    columns = ("attribute", "between_classes", "between_identities", "within_identities", "null", "p")
    return Table("information.variance", columns, tuple(rows))


def _confusions(context: Context) -> list[Table]:
    """Each class's share among the neighbors of another, corrected for its size, for attributes and joint."""
    tables = []
    for a in context.attributes:
        names = context.classes[a]
        if len(names) <= MOST_CELLS:
            tables.append(_matrix(context, f"information.confusion.{a}", names, context.labels[a]))
    codes, joint = np.unique(context.joint, return_inverse=True)
    if len(context.attributes) > 1 and len(codes) <= MOST_CELLS:
        names = tuple(context.joint_name(int(code)) for code in codes)
        tables.append(_matrix(context, "information.confusion", names, joint.astype(np.int64)))
    return tables


def _matrix(context: Context, name: str, names: tuple[str, ...], labels: Ints) -> Table:
    """Rows of the evaluated images only; the neighbors may be any image of another identity."""
    ids = np.full_like(context.graph.ids, -1)
    ids[context.evaluated] = context.graph.ids[context.evaluated]
    cells = neighbor_confusion(ids, labels, len(names))
    rows = [
        (own, *(None if np.isnan(v) else float(v) for v in row))
        for own, row in zip(names, cells, strict=True)
    ]
    return Table(name, ("class", *names), tuple(rows))


def _complexity(context: Context) -> Table:
    rows = context.evaluated
    figures = [
        (name, complexity(context.features[rows], labels[rows], context.identities[rows], context.seed))
        for name, labels in [*((a, context.labels[a]) for a in context.attributes), ("joint", context.joint)]
    ]
    return Table(
        "information.complexity",
        ("labels", "N1", "N2", "N3"),
        tuple((n, c.n1, c.n2, c.n3) for n, c in figures),
    )
