"""Sources: two ways to the same number must agree.

The log's best validation score and that of the stored predictions are of the same images; where they differ, what was
stored is not what was best. The head, the neighbors and a linear probe read the same embedding; where one is far
behind, the fault lies in it and not in the classes.
"""

import numpy as np

from metric_face.arrays import Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures import ladder
from metric_face.diagnosis.measures.log_shape import best_epoch
from metric_face.diagnosis.measures.resampling import RESAMPLES

LEAST_APART = 0.05
"""Macro F1 by which two sources must differ, beside what the interval of the score allows."""
LEAST_BEHIND = 0.05
LARGE = 0.1
VALIDATION = ("val", "valid", "validation", "dev")


def ask(context: Context) -> Outcome:
    """Compare the log with the stored predictions, and three readers of the embedding."""
    if not context.attributes:
        return Outcome()
    if context.predictions is None:
        return Outcome(abstentions=(Abstention("sources", "no_predictions"),))
    rows = context.evaluated
    knn = ladder.by_neighbors(context)
    linear = {a: context.out_of_fold[a].argmax(axis=1).astype(np.int64) for a in context.attributes}
    for a in _unreadable(context):  # one class for all and a coin both know nothing, but differ in macro F1
        knn[a] = linear[a] = context.predicted[a]
    lines: list[tuple[object, ...]] = [
        ("head", context.f1()),
        ("knn", context.f1(knn)),
        ("linear", context.f1(linear)),
    ]
    best = best_epoch(context.log)
    if best is not None:
        lines.append(("log", best.best))
    table = Table("sources.scores", ("source", "macro_f1"), tuple(lines))
    behind = _behind(context, {"head": dict(context.predicted), "knn": knn, "linear": linear}, rows)
    return Outcome(tuple(f for f in (_log(context), behind) if f is not None), (table,))


def _unreadable(context: Context) -> list[str]:
    """Attributes that neither the head nor the embedding knows anything of."""
    found = context.signals
    return [a for a in found if all(one.absent for name, one in found[a].items() if name != "neutral")]


def _log(context: Context) -> Finding | None:
    """The log's best against the stored predictions of the validation split."""
    best = best_epoch(context.log)
    if best is None or context.split is None or context.in_held_out is None:
        return None
    name = str(context.split[np.flatnonzero(context.in_held_out)[0]])
    if name not in VALIDATION or not np.array_equal(np.flatnonzero(context.in_held_out), context.evaluated):
        return None  # the log is of validation, the stored score of something else
    score = context.score
    apart = best.best - score.value
    if abs(apart) < LEAST_APART or abs(apart) < 0.5 * ((score.high or 0.0) - (score.low or 0.0)):
        return None
    values = {"logged": best.best, "stored": score.value, "remedy": "above" if apart > 0 else "below"}
    return Finding(
        "sources.log",
        Measure(apart, null=0.0, images=len(context.evaluated)),
        values,
        Tier.SPOILER,
        Confidence.CERTAIN,
        explained=max(0.0, apart),
    )


def _behind(context: Context, readers: dict[str, dict[str, Ints]], rows: Ints) -> Finding | None:
    """The head or the neighbors far behind the best other reader of the same embedding."""
    from metric_face.metrics import bootstrap_interval

    scores = {name: context.f1(guess) for name, guess in readers.items()}
    best = max(scores, key=lambda name: scores[name])
    truth = context.joint[rows]
    for name in ("head", "knn"):
        least = LEAST_BEHIND if name == "head" else LARGE
        if name == best or scores[best] - scores[name] < 2 * least:
            continue
        pair = [context.join(readers[reader])[rows] for reader in (best, name)]
        codes = np.unique(np.concatenate([truth, *pair]), return_inverse=True)[1].astype(np.int64)
        true, ahead, behind = np.split(codes, 3)
        gap = bootstrap_interval(
            true, ahead, context.identities[rows], other=behind, resamples=RESAMPLES, seed=context.seed
        )
        if gap.low < least:
            continue
        remedy = "trained" if context.has_metric_loss else "untrained"
        values: dict[str, object] = {
            "remedy": remedy,
            "reader": name,
            "own": scores[name],
            "winner": best,
            "reached": scores[best],
        }
        measure = Measure(gap.value, gap.low, gap.high, 0.0, gap.num_identities, len(rows))
        gain = gap.value if name == "head" else None
        picture = {"kind": "bars", "labels": list(scores), "series": {"macro_f1": list(scores.values())}}
        return Finding(
            "sources.head" if name == "head" else "sources.neighbors",
            measure,
            values,
            explained=gain,
            picture=picture,
        )
    return None
