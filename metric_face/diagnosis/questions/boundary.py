"""The boundary: a class cut out of a continuous value, and what happens beside the cut.

The curve is the error against the raw value; near a cut it peaks, because a year is all that parts two classes
there. The sweep moves the cut of predicted values and scores on the labels as they are. A finding is made only
where the labels themselves were cut in different places on the two sides of the split: then validation poses
another question than training answers.
"""

from collections.abc import Sequence

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures import probing
from metric_face.diagnosis.measures.resampling import bootstrap_weights, one_each, random_controls
from metric_face.metrics import macro_f1

NEAR = 3.0
"""Units either side of a cut that count as near it, for values that span 20 units or more."""
REACH = 6
MOST_BINS = 60
FEWEST_IN_BIN = 5
LEAST_MOVED = 3
EVIDENCE = 12


def ask(context: Context) -> Outcome:
    """Look at every attribute whose raw value is known."""
    names = [
        a for a in context.raw_values if a in context.labels and np.isfinite(context.raw_values[a]).all()
    ]
    if not names:
        return Outcome(abstentions=(Abstention("boundary", "no_raw_values"),))
    findings: list[Finding] = []
    tables: list[Table] = []
    for name in names:
        findings += _moved(context, name)
        if name in context.attributes:
            cuts = context.cuts.get(name)
            cuts = cuts or tuple(at for _, at in best_cuts(context.raw_values[name], context.labels[name]))
            tables += [_curve(context, name), _near(context, name, cuts), _sweep(context, name, cuts)]
    return Outcome(tuple(findings), tuple(tables))


def best_cuts(values: Doubles, labels: Ints) -> tuple[tuple[float, float], ...]:
    """Where the cuts between consecutive classes can lie so that the fewest labels contradict them.

    Args:
        values: (n,) raw values.
        labels: (n,) ordered classes.

    Returns:
        For each cut the interval (below, at]: a value is above the cut c if it is c or more, and every c with
        below < c <= at does equally well, because no value lies in between.
    """
    order = np.argsort(values, kind="stable")
    sorted_values = values[order]
    ends = np.concatenate([[-np.inf], sorted_values, [np.inf]])
    allowed = np.concatenate([[True], sorted_values[1:] > sorted_values[:-1], [True]])
    cuts = []
    for upper in range(1, int(labels.max()) + 1):
        above = labels[order] >= upper
        # A cut before position i is wrong about those above it on its left and those below it on its right.
        left = np.concatenate([[0], np.cumsum(above)])
        right = np.concatenate([np.cumsum(~above[::-1])[::-1], [0]])
        at = int(np.where(allowed, left + right, len(values) + 1).argmin())
        cuts.append((float(ends[at]), float(ends[at + 1])))
    return tuple(cuts)


def _moved(context: Context, name: str) -> list[Finding]:
    """Labels of the held-out part that training's cut contradicts and another cut explains."""
    if context.in_train is None or context.in_held_out is None:
        return []
    values, labels = context.raw_values[name], context.labels[name]
    train, held = np.flatnonzero(context.in_train), np.flatnonzero(context.in_held_out)
    if not len(train) or not len(held):
        return []
    sides = best_cuts(values[train], labels[train]), best_cuts(values[held], labels[held])
    if len(sides[0]) != len(sides[1]):
        return []
    learned, asked = _apart(*sides, context.cuts.get(name, ()))
    by_training = np.searchsorted(np.array(learned), values, side="right")
    by_validation = np.searchsorted(np.array(asked), values, side="right")
    rows = held[by_training[held] != labels[held]]
    unexplained = (by_validation[held] != labels[held]).sum()
    if len(rows) < LEAST_MOVED or unexplained > 0.2 * len(rows):
        return []
    mended = labels.copy()
    mended[held] = by_training[held]
    gain = context.f1(labels={name: mended}) - context.f1() if name in context.attributes else None
    identities = len(np.unique(context.identities[rows]))
    facts = {"attribute": name, "train": _cuts(learned), "validation": _cuts(asked), "images": len(rows)}
    return [
        Finding(
            "boundary.moved",
            Measure(len(rows) / len(held), null=0.0, identities=identities, images=len(rows)),
            facts,
            Tier.SPOILER,
            Confidence.CERTAIN,
            explained=gain,
            evidence=one_each(rows, context.identities, EVIDENCE),
            controls=random_controls(np.setdiff1d(held, rows), context.identities, EVIDENCE, context.seed),
            rows=rows,
        )
    ]


def _apart(
    train: tuple[tuple[float, float], ...], held: tuple[tuple[float, float], ...], declared: tuple[float, ...]
) -> tuple[list[float], list[float]]:
    """One cut from each interval, the same on both sides wherever both allow it; a declared cut where allowed."""
    learned, asked = [], []
    for at, (one, other) in enumerate(zip(train, held, strict=True)):
        wish = declared[at] if at < len(declared) else None
        low, high = max(one[0], other[0]), min(one[1], other[1])
        if low < high:
            shared = wish if wish is not None and low < wish <= high else high
            learned.append(shared)
            asked.append(shared)
            continue
        for cuts, (below, top) in ((learned, one), (asked, other)):
            cuts.append(wish if wish is not None and below < wish <= top else top)
    return learned, asked


def _curve(context: Context, name: str) -> Table:
    """Error of the attribute by raw value, with bands from resampled identities.

    Neighboring values are taken together until five identities stand behind a point: one identity's band is no band.
    """
    rows = context.evaluated
    values = context.raw_values[name][rows]
    wrong = context.predicted[name][rows] != context.labels[name][rows]
    identities, who = np.unique(context.identities[rows], return_inverse=True)
    place = _bins(values, who)
    count = int(place.max()) + 1
    cells = who * count + place
    images = np.bincount(cells, minlength=len(identities) * count).reshape(len(identities), count)
    errors = np.bincount(cells, weights=wrong, minlength=len(identities) * count).reshape(
        len(identities), count
    )
    draws = bootstrap_weights(len(identities), context.seed)
    drawn = draws @ images
    rates = np.divide(draws @ errors, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0)
    lines = []
    for at in range(count):
        mine = values[place == at]
        low, high = np.nanquantile(rates[:, at], [0.025, 0.975])
        error, seen = float(errors[:, at].sum() / len(mine)), int((images[:, at] > 0).sum())
        span = (float(mine.mean()), float(mine.min()), float(mine.max()))
        lines.append((*span, error, float(low), float(high), seen, len(mine)))
    columns = ("value", "from", "to", "error", "low", "high", "identities", "images")
    return Table(f"boundary.curve.{name}", columns, tuple(lines))


def _bins(values: Doubles, who: Ints) -> Ints:
    """(n,) bin of each value: consecutive values, at least five identities each, at most 60 bins."""
    levels, level = np.unique(values, return_inverse=True)
    fewest = max(FEWEST_IN_BIN, -(-len(np.unique(who)) // MOST_BINS))
    bins, number = np.zeros(len(levels), dtype=np.int64), 0
    seen: set[int] = set()
    for at in range(len(levels)):
        bins[at] = number
        seen |= set(who[level == at].tolist())
        if len(seen) >= fewest:
            seen, number = set(), number + 1
    if seen and number:  # the rest is too few for a bin of its own
        bins[bins == number] = number - 1
    return np.asarray(bins[level])


def _near(context: Context, name: str, cuts: tuple[float, ...]) -> Table:
    rows = context.evaluated
    values = context.raw_values[name][rows]
    reach = NEAR if np.ptp(values) >= 20 else 0.05 * float(np.ptp(values))
    wrong = context.predicted[name][rows] != context.labels[name][rows]
    lines = []
    for cut in cuts:
        close = np.abs(values - cut) <= reach
        errors = float((close & wrong).sum() / max(wrong.sum(), 1))
        lines.append((cut, reach, errors, float(close.mean())))
    return Table(
        f"boundary.near.{name}", ("cut", "within", "share_of_errors", "share_of_images"), tuple(lines)
    )


def _sweep(context: Context, name: str, cuts: tuple[float, ...]) -> Table:
    """Macro F1 of the attribute, on its original labels, as one cut of the predicted value moves."""
    rows = context.evaluated
    raw = probing.Targets.of({name: context.raw_values[name][:, None]})
    scores = probing.ridge_scores(context.features, raw, context.folds).scores[name][rows, 0]
    truth = context.labels[name][rows]
    unit = 1.0 if np.ptp(context.raw_values[name]) >= 20 else float(np.ptp(context.raw_values[name])) / 40
    lines = []
    for at, cut in enumerate(cuts):
        for step in range(-REACH, REACH + 1):
            moved = np.array(cuts)
            moved[at] = cut + step * unit
            if (np.diff(moved) <= 0).any():
                continue
            guess = np.searchsorted(moved, scores, side="right")
            lines.append((cut, float(moved[at]), macro_f1(truth, guess)))
    return Table(f"boundary.sweep.{name}", ("cut", "moved_to", "macro_f1"), tuple(lines))


def _cuts(cuts: Sequence[float]) -> str:
    return ", ".join(f"{cut:g}" for cut in cuts)
