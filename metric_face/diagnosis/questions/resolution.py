"""Resolution: the smallest difference in macro F1 that this validation set can show."""

import numpy as np

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures import ladder
from metric_face.diagnosis.measures.resampling import RESAMPLES

TOO_COARSE = 0.05
"""A paired difference in macro F1 that any validation set should be able to show."""


def ask(context: Context) -> Outcome:
    """Resample identities for one score, and for the difference of two classifiers of like quality."""
    from metric_face.metrics import resolution

    rows = context.evaluated
    identities = context.identities[rows]
    if not context.attributes or len(np.unique(identities)) < 2:
        return Outcome(abstentions=(Abstention("resolution", "no_attribute"),))
    truth, guess = context.joint[rows], context.join(context.predicted)[rows]
    other = context.join(ladder.by_neighbors(context))[rows]
    codes, both = np.unique(np.concatenate([truth, guess, other]), return_inverse=True)
    truth, guess, other = np.split(both.astype(np.int64), 3)
    paired = resolution(truth, guess, identities, other=other, resamples=RESAMPLES, seed=context.seed)
    alone = resolution(truth, guess, identities, resamples=RESAMPLES, seed=context.seed)
    limiting = context.joint_name(int(codes[paired.limiting_class]))
    table = Table(
        "resolution.differences",
        ("comparison", "difference", "standard_error", "limiting_class", "limiting_identities"),
        (
            ("paired", paired.difference, paired.standard_error, limiting, paired.limiting_identities),
            (
                "independent",
                alone.difference,
                alone.standard_error,
                context.joint_name(int(codes[alone.limiting_class])),
                alone.limiting_identities,
            ),
        ),
    )
    if paired.difference <= TOO_COARSE:
        return Outcome(tables=(table,))
    values = {
        "error": alone.standard_error,
        "identities": paired.num_identities,
        "class": limiting,
        "class_identities": paired.limiting_identities,
        "needed": round(paired.num_identities * (paired.difference / 0.02) ** 2),
    }
    measure = Measure(paired.difference, identities=paired.num_identities, images=len(rows))
    picture = _fewest(context, int(codes[paired.limiting_class]))
    found = Finding("resolution.too_coarse", measure, values, Tier.LIMIT, Confidence.LIKELY, picture=picture)
    return Outcome((found,), (table,))


def _fewest(context: Context, noisiest: int) -> dict[str, object]:
    """The joint classes that rest on the fewest identities, and the one that most of the noise comes from."""
    who = np.unique(np.column_stack([context.joint, context.identities])[context.evaluated], axis=0)
    codes, identities = np.unique(who[:, 0], return_counts=True)
    order = np.argsort(identities, kind="stable")
    place = np.flatnonzero(codes[order] == noisiest)
    order = order[np.union1d(np.arange(min(6, len(order))), place)]
    names = [context.joint_name(int(code)) for code in codes[order]]
    return {"kind": "bars", "labels": names, "series": {"identities": identities[order].tolist()}}
