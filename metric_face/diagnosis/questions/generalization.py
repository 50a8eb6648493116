"""Generalization: does what was learned in training hold for identities that training never saw?

The predictions of the training rows stand beside those of the held-out rows, and both beside the log. A gap is
overfitting, unless a property of the images explains it (a shortcut), or the classes stand in other shares on the two
sides (a prior). No gap at a low score, while the log was still improving, is a training that ended too early. A loss
that broke explains everything else.
"""

import numpy as np

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures import shortcuts
from metric_face.diagnosis.measures.class_scores import class_scores, is_rare
from metric_face.diagnosis.measures.log_shape import best_epoch, broken_loss, still_improving
from metric_face.diagnosis.measures.prior_gain import PriorGain, prior_gain
from metric_face.diagnosis.measures.resampling import one_each, random_controls
from metric_face.diagnosis.measures.splits_compared import SplitGap, gap_of_others, split_gaps
from metric_face.diagnosis.measures.training_log import series

LEAST_GAP = 0.1
"""Macro F1 that training must be ahead of held-out, at the lower end of the interval, to be called overfitted."""
LEARNED = 0.9
"""Macro F1 of the training rows from which a training has learned them."""
LEAST_GAIN = 0.02
EVIDENCE = 12


def ask(context: Context) -> Outcome:
    """Compare both sides of the split, and read the end of the log."""
    broken = _broken(context)
    if not context.attributes or context.in_train is None or context.in_held_out is None:
        return Outcome((broken,) if broken else (), abstentions=(Abstention("generalization", "no_split"),))
    gaps = split_gaps(context)
    findings = [broken, _overfit(context, gaps), _underfit(context, gaps), *_priors(context)]
    tables = [Table("generalization.gaps", _COLUMNS, tuple(_line(one) for one in gaps))] if gaps else []
    left = [] if gaps else [Abstention("generalization", "no_training_predictions")]
    if context.images is None:
        left.append(Abstention("generalization", "no_images"))
    else:
        shortcut, difference, lines = shortcuts.look(context)
        tables.append(Table("generalization.properties", ("property", "area", "images"), lines))
        findings += [_shortcut(context, shortcut), _difference(difference, gaps, shortcut)]
    return Outcome(tuple(f for f in findings if f is not None), tuple(tables), tuple(left))


_COLUMNS = ("labels", "train", "held_out", "difference", "low", "high")


def _line(one: SplitGap) -> tuple[object, ...]:
    return (one.name, one.train, one.held_out, one.gap, one.low, one.high)


def _broken(context: Context) -> Finding | None:
    found = broken_loss(context.log)
    if found is None:
        return None
    how, number = found
    values = {"remedy": how}
    losses = series(context.log, "loss")
    picture = {}
    if losses is not None and len(losses) > 1:
        at = np.unique(np.linspace(0, len(losses) - 1, min(120, len(losses))).round().astype(int))
        picture = {"kind": "lines", "log": True, "series": {"loss": [float(f"{v:.5g}") for v in losses[at]]}}
    return Finding(
        "generalization.diverged", Measure(number), values, Tier.SPOILER, Confidence.CERTAIN, picture=picture
    )


def _overfit(context: Context, gaps: list[SplitGap]) -> Finding | None:
    """The joint class far better in training than held out."""
    if not gaps or gaps[0].low < LEAST_GAP:
        return None
    joint = gaps[0]
    worst = max(gaps[1:] or gaps, key=lambda one: one.gap)
    best = best_epoch(context.log)
    values: dict[str, object] = {
        "train": joint.train,
        "held_out": joint.held_out,
        "attribute": context.attributes[0] if len(gaps) == 1 else worst.name,
        "attribute_train": worst.train,
        "attribute_held_out": worst.held_out,
    }
    if best is not None and best.best - best.last > LEAST_GAIN and best.at <= 0.7 * best.of:
        values |= {"best": best.best, "at": best.at, "of": best.of, "last": best.last, "remedy": "past_best"}
    rare = [one.code for one in class_scores(context) if is_rare(one)]
    values["in_rare"] = bool(rare) and gap_of_others(context, rare) < max(LEAST_GAP, 0.5 * joint.gap)
    rows = context.evaluated
    wrong = rows[context.join(context.predicted)[rows] != context.joint[rows]]
    return Finding(
        "generalization.overfit",
        Measure(joint.gap, joint.low, joint.high, 0.0, len(np.unique(context.identities[rows])), len(rows)),
        values,
        explained=None if "best" not in values else best.best - best.last,  # type: ignore[union-attr]
        evidence=one_each(wrong, context.identities, EVIDENCE),
        controls=random_controls(np.setdiff1d(rows, wrong), context.identities, EVIDENCE, context.seed),
        rows=wrong,
        picture={
            "kind": "bars",
            "labels": [one.name for one in gaps],
            "series": {"train": [one.train for one in gaps], "held_out": [one.held_out for one in gaps]},
        },
    )


def _underfit(context: Context, gaps: list[SplitGap]) -> Finding | None:
    """Training rows are not learned either, and the log was still improving when training ended."""
    rise = still_improving(context.log)
    if rise is None or (gaps and (gaps[0].train >= LEARNED or gaps[0].low >= LEAST_GAP)):
        return None
    scores = series(context.log, "macro_f1")
    train = gaps[0].train if gaps else None
    values: dict[str, object] = {"rise": rise, "remedy": "unknown" if train is None else "known"}
    values |= {} if train is None else {"train": train, "held_out": gaps[0].held_out}
    lines = scores if scores is not None and len(scores) > 1 else series(context.log, "loss")
    picture = {}
    if lines is not None and len(lines) > 1:
        at = np.unique(np.linspace(0, len(lines) - 1, min(120, len(lines))).round().astype(int))
        name = "macro_f1" if lines is scores else "loss"
        picture = {"kind": "lines", "series": {name: [float(f"{v:.5g}") for v in lines[at]]}}
    return Finding(
        "generalization.underfit",
        Measure(rise, null=0.0),
        values,
        explained=rise if rise > 0 else None,
        picture=picture,
    )


def _priors(context: Context) -> list[Finding]:
    """Attributes whose classes stand in other shares on the two sides, where that costs macro F1."""
    found = [prior_gain(context, a) for a in context.attributes]
    kept = [one for one in found if one.distance > one.null and one.low > 0 and one.gain >= LEAST_GAIN]
    return [_prior(context, max(kept, key=lambda one: one.gain))] if kept else []


def _prior(context: Context, one: PriorGain) -> Finding:
    names = context.classes[one.attribute]
    top = int(np.abs(one.held_out - one.train).argmax())
    values = {
        "attribute": one.attribute,
        "name": names[top],
        "train": float(one.train[top]),
        "held_out": float(one.held_out[top]),
        "distance": one.distance,
        "plain": context.f1(),
        "mended": context.f1() + one.gain,
    }
    picture = {
        "kind": "bars",
        "labels": list(names),
        "series": {"train": one.train.tolist(), "held_out": one.held_out.tolist()},
    }
    measure = Measure(one.gain, one.low, one.high, 0.0, images=len(context.evaluated))
    return Finding("generalization.prior", measure, values, explained=one.gain, picture=picture)


def _shortcut(context: Context, one: shortcuts.Shortcut | None) -> Finding | None:
    if one is None:
        return None
    values = {
        "attribute": one.attribute,
        "name": context.classes[one.attribute][one.code],
        "property": one.what,
        "train": one.train,
        "held_out": one.held_out,
        "followed": one.followed,
        "remedy": {None: "unknown", True: "known", False: "unseen"}[one.seen],
    }
    rows = context.evaluated
    a = one.attribute
    wrong = rows[(context.predicted[a][rows] == one.code) != (context.labels[a][rows] == one.code)]
    return Finding(
        "generalization.shortcut",
        Measure(one.train, null=0.5, images=len(rows)),
        values,
        confidence=Confidence.LIKELY if one.seen else Confidence.POSSIBLE,
        evidence=one_each(wrong, context.identities, EVIDENCE),
        controls=random_controls(np.setdiff1d(rows, wrong), context.identities, EVIDENCE, context.seed),
        rows=wrong,
        picture={
            "kind": "bars",
            "labels": [one.what],
            "series": {"train": [one.train], "held_out": [one.held_out]},
        },
    )


def _difference(
    one: shortcuts.Difference | None, gaps: list[SplitGap], shortcut: shortcuts.Shortcut | None
) -> Finding | None:
    """Images of one class differ between the sides; a finding only where held-out does worse."""
    if one is None or (shortcut is not None and shortcut.seen is not False) or not gaps or gaps[0].low <= 0:
        return None
    values = {"property": one.what, "train": gaps[0].train, "held_out": gaps[0].held_out}
    measure = Measure(max(one.area, 1 - one.area), null=0.5, images=one.images)
    return Finding("generalization.images", measure, values, confidence=Confidence.POSSIBLE)
