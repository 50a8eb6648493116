"""Leak: does validation hold what training has already seen?

Three ways in: the same identity on both sides, the same file, and nearly the same picture under another name. The
last is sought among neighbors in the embedding (a neutral one where it is given): a twin is far closer than the
training image's own neighborhood is, and more identities have one than training images among themselves would.
"""

from pathlib import Path

import numpy as np

from metric_face.arrays import Bools, Doubles, Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures.near_copies import near_copies
from metric_face.diagnosis.measures.resampling import one_each, random_controls

LEAST_SHARE = 0.002
FEWEST = 3
EVIDENCE = 12
COMPARED = 500
"""Closest pairs across the split whose pixels are compared, where there are files."""


def ask(context: Context) -> Outcome:
    """Look for each way in, across the split."""
    if context.in_train is None or context.in_held_out is None:
        return Outcome(abstentions=(Abstention("leak", "no_split"),))
    train, held = np.flatnonzero(context.in_train), np.flatnonzero(context.in_held_out)
    if not len(train) or not len(held):
        return Outcome(abstentions=(Abstention("leak", "no_split"),))
    shared = (
        held[np.isin(context.identities[held], context.identities[train])]
        if context.identities_known
        else held[:0]
    )
    copies, copied = _copies(context, train, held)
    near, twins, threshold = _near(context, train, held)
    near, twins = near[~np.isin(near, copies)], twins[~np.isin(near, copies)]
    findings = [
        _identity(context, train, held, shared),
        _pairs(context, "leak.exact", held, copies, copied, Confidence.CERTAIN, 0.0),
        _pairs(context, "leak.near", held, near, twins, Confidence.LIKELY, threshold),
    ]
    rows = (
        ("identity", len(shared), len(np.unique(context.identities[shared]))),
        ("exact", len(copies), len(np.unique(context.identities[copies]))),
        ("near", len(near), len(np.unique(context.identities[near]))),
    )
    table = Table("leak.counts", ("kind", "images", "identities"), rows)
    unknown = () if context.identities_known else (Abstention("leak", "no_identities"),)
    return Outcome(tuple(f for f in findings if f is not None), (table,), unknown)


def _identity(context: Context, train: Ints, held: Ints, shared: Ints) -> Finding | None:
    if not len(shared):
        return None
    identities = len(np.unique(context.identities[shared]))
    partner = _one_of(context, train, shared)
    return Finding(
        "leak.identity",
        Measure(len(shared) / len(held), null=0.0, identities=identities, images=len(shared)),
        {"identities": identities, "of": len(np.unique(context.identities[held])), "images": len(shared)},
        Tier.SPOILER,
        Confidence.CERTAIN,
        explained=_premium(context, train),
        evidence=one_each(shared, context.identities, EVIDENCE),
        rows=shared,
        picture={
            "kind": "pairs",
            "left": shared[partner >= 0][:6].tolist(),
            "right": partner[partner >= 0][:6].tolist(),
        },
    )


def _one_of(context: Context, train: Ints, rows: Ints) -> Ints:
    """A training image of the same identity for each row."""
    first = np.full(context.num_identities, -1, dtype=np.int64)
    first[context.identities[train]] = train
    return first[context.identities[rows]]


def _premium(context: Context, train: Ints) -> float | None:
    """Macro F1 of a probe fitted on the training part as it is, less that of probes that never saw the identity."""
    if not context.attributes:
        return None
    apart = {a: context.out_of_fold[a].argmax(axis=1).astype(np.int64) for a in context.attributes}
    return max(0.0, context.f1(context.predict_from(train)) - context.f1(apart))


def _copies(context: Context, train: Ints, held: Ints) -> tuple[Ints, Ints]:
    """Held-out rows whose file (or vector, without files) is byte for byte that of a training row."""
    groups = context.copies
    first = np.full(int(groups.max()) + 1, -1, dtype=np.int64)
    first[groups[train]] = train
    twins = first[groups[held]]
    return held[twins >= 0], twins[twins >= 0]


def _near(context: Context, train: Ints, held: Ints) -> tuple[Ints, Ints, float]:
    """Held-out rows with a training row of another identity too near to be another identity, or with its pixels."""
    graph = context.graph if context.neutral is None else context.neutral_graph
    near = near_copies(graph.ids, graph.similarities, context.identities, train, held)
    alike = _look_alike(context, held, near.nearest, near.closeness)
    found = np.isin(held, near.rows) & near.beyond_chance | alike
    order = np.argsort(-near.closeness[found], kind="stable")
    return held[found][order], near.nearest[found][order], near.ratio


def _look_alike(context: Context, held: Ints, twins: Ints, closeness: Doubles) -> Bools:
    """Which of the closest pairs show the same picture, by their pixels; none where there are no files."""
    from metric_face.auditing import near_pairs
    from metric_face.data import take_fingerprints

    alike = np.zeros(len(held), dtype=bool)
    if context.images is None or isinstance(context.images, np.ndarray):
        return alike
    closest = np.argsort(-closeness, kind="stable")[:COMPARED]
    closest = closest[np.isfinite(closeness[closest])]
    rows = np.unique(np.concatenate([held[closest], twins[closest]]))
    prints = take_fingerprints([Path(context.images[row]) for row in rows])
    readable = np.setdiff1d(np.arange(len(rows)), list(prints.broken))  # of the others nothing is known
    rows = rows[readable]
    same = {(int(rows[i]), int(rows[j])) for i, j in near_pairs(prints.pictures[readable])}
    for at in closest:
        pair = (int(held[at]), int(twins[at]))
        alike[at] = (min(pair), max(pair)) in same
    return alike


def _pairs(
    context: Context, what: str, held: Ints, rows: Ints, twins: Ints, confidence: Confidence, threshold: float
) -> Finding | None:
    if len(rows) < max(FEWEST if what == "leak.near" else 1, LEAST_SHARE * len(held)):
        return None
    identities = len(np.unique(context.identities[rows]))
    values = {"images": len(rows), "of": len(held), "threshold": threshold}
    return Finding(
        what,
        Measure(len(rows) / len(held), null=0.0, identities=identities, images=len(rows)),
        values,
        Tier.SPOILER,
        confidence,
        explained=_inflation(context, rows),
        evidence=one_each(rows, context.identities, EVIDENCE),
        controls=random_controls(np.setdiff1d(held, rows), context.identities, EVIDENCE, context.seed),
        rows=rows,
        picture={"kind": "pairs", "left": rows[:6].tolist(), "right": twins[:6].tolist()},
    )


def _inflation(context: Context, rows: Ints) -> float | None:
    """Macro F1 of the evaluated rows, less that without the leaked ones."""
    kept = np.setdiff1d(context.evaluated, rows)
    if not context.attributes or not len(kept):
        return None
    return max(0.0, context.f1() - context.f1(rows=kept))
