"""Shift: do the images to be predicted hold the classes in other shares than training?

Two estimates of the new shares from predictions alone, which err in different ways: EM reads probabilities and
needs them calibrated, BBSE inverts the confusion matrix and needs it stable. A verdict is given only where both
agree and both intervals leave out the training share. Otherwise a classifier between the two sets shows whether
they differ at all.
"""

from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.diagnosis.context import FEWEST_IDENTITIES, Context
from metric_face.diagnosis.finding import Abstention, Finding, Measure, Outcome, Table
from metric_face.diagnosis.measures import probing
from metric_face.diagnosis.measures.domain import area_between
from metric_face.diagnosis.measures.resampling import bootstrap_weights

AGREE = 0.05
"""Largest difference between the two estimates of a share."""
LEAST_SHIFT = 0.03
RESAMPLES = 100
STEPS = 60
Z = 2.6
"""Standard errors that the training share must lie away: 1 % two-sided, because several classes are looked at."""
DIFFERENT = 0.65
"""Area under the curve of the classifier between the sets from which they are called different."""


@dataclass(frozen=True)
class Shares:
    """Estimated shares of an attribute's classes among the unlabeled images, with standard errors."""

    training: Doubles
    echoed: Doubles
    em: Doubles
    em_error: Doubles
    bbse: Doubles
    bbse_error: Doubles


def ask(context: Context) -> Outcome:
    """Estimate the shares of every attribute's classes on the unlabeled set."""
    if context.unlabeled is None or not context.attributes:
        return Outcome(abstentions=(Abstention("shift", "no_unlabeled"),))
    scores = _score(context)
    findings, rows, few = [], [], []
    weights = np.ones(context.num_images)
    for a in context.attributes:
        identities = context.identities_by_class(a, context.evaluated)
        if identities.min() < FEWEST_IDENTITIES:
            name = context.classes[a][int(identities.argmin())]
            values = {
                "attribute": a,
                "name": name,
                "identities": int(identities.min()),
                "fewest": FEWEST_IDENTITIES,
            }
            few.append(Abstention("shift", "few_identities_in_class", values))
            continue
        found = estimate(context, a, scores[a])
        rows += [
            (a, name, *(float(v[c]) for v in vars(found).values()))
            for c, name in enumerate(context.classes[a])
        ]
        findings += _finding(context, a, found)
        weights *= (found.em / np.maximum(found.training, 1e-6))[context.labels[a]]
    columns = ("attribute", "class", "training", "echoed", "em", "em_error", "bbse", "bbse_error")
    tables = [Table("shift.shares", columns, tuple(rows))]
    area = area_between(context, weights)
    if area is not None:
        tables.append(Table("shift.classifier", ("area", "error"), (area,)))
        if (
            area[0] - Z * area[1] > DIFFERENT
        ):  # the classes themselves look different, so shares cannot be read
            measure = Measure(area[0], area[0] - 1.96 * area[1], min(1.0, area[0] + 1.96 * area[1]), 0.5)
            findings = [Finding("shift.domain", measure)]
    return Outcome(tuple(findings), tuple(tables), tuple(few))


def estimate(context: Context, attribute: str, scores: Doubles) -> Shares:
    """EM (Saerens, Latinne and Decaestecker, 2002) and BBSE (Lipton, Wang and Smola, 2018) on one attribute.

    Args:
        context: the labeled images.
        attribute: which.
        scores: (M, C) scores of the unlabeled images by a probe on all the labeled ones.

    Returns:
        Both estimates with standard errors from resampled identities of both sets.
    """
    rows, size = context.evaluated, len(context.classes[attribute])
    labels = context.labels[attribute][rows]
    model = probing.fit_softmax(context.scores[attribute][rows], labels, size)
    known, new = model.clean(context.scores[attribute][rows]), model.clean(scores)
    prior = np.bincount(labels, minlength=size) / len(labels)
    cells = known[:, :, None] * probing.one_hot(labels, size)[:, None, :]
    ratio = new / prior
    identities = np.unique(context.identities[rows], return_inverse=True)[1]
    theirs, spread = _unlabeled_identities(context, attribute)
    by_identity = _sum(cells.reshape(len(rows), -1), identities)
    draws_known = bootstrap_weights(len(by_identity), context.seed, RESAMPLES) @ by_identity
    weights = bootstrap_weights(int(theirs.max()) + 1, context.seed + 1, RESAMPLES)[:, theirs]
    means = (weights @ new) / weights.sum(axis=1, keepdims=True)
    bbse = _bbse(cells.sum(axis=0), new.mean(axis=0))
    bbse_draws = [_bbse(d.reshape(size, size), e) for d, e in zip(draws_known, means, strict=True)]
    em = _em(ratio, prior, np.ones(len(ratio)), prior)
    em_draws = [_em(ratio, prior, w, em, STEPS // 3) for w in weights]
    train = (
        context.labels[attribute] if context.in_train is None else context.labels[attribute][context.in_train]
    )
    training = np.bincount(train, minlength=size) / len(train)
    # The EM's own error beyond sampling: the probe's calibration, seen where the shares are known.
    bias = np.abs(_em(known / prior, prior, np.ones(len(rows)), prior) - prior)
    em_error = np.hypot(np.std(em_draws, axis=0, ddof=1) * spread, bias)
    echoed = np.bincount(new.argmax(axis=1), minlength=size) / len(new)
    return Shares(training, echoed, em, em_error, bbse, np.std(bbse_draws, axis=0, ddof=1) * spread)


def _score(context: Context) -> dict[str, Doubles]:
    """Scores of the unlabeled images by attribute, in the labeled images' own units."""
    if context.unlabeled is None:
        return {}
    together = np.concatenate([context.embeddings, context.unlabeled]).astype(np.float64)
    labeled = together[: context.num_images]
    center = labeled.mean(axis=0)
    scale = max(float(np.sqrt(np.square(labeled - center).mean())), 1e-12)
    together = (together - center) / scale
    learned, count = context.targets, len(context.unlabeled)
    wanted = np.vstack(
        [learned.matrix, np.zeros((count, learned.matrix.shape[1]))]
    )  # the zeros are not learned from
    scores = probing.scores_from(together, wanted, np.arange(context.num_images), context.strength)
    return learned.split(scores[context.num_images :])


def _unlabeled_identities(context: Context, attribute: str) -> tuple[Ints, float]:
    """Whom the unlabeled images show; without identities, errors are widened as if they came like ours."""
    count = 0 if context.unlabeled is None else len(context.unlabeled)
    if context.unlabeled_identities is not None:
        return np.unique(context.unlabeled_identities, return_inverse=True)[1].astype(np.int64), 1.0
    each = context.num_images / context.num_identities if context.fixed[attribute] else 1.0
    return np.arange(count), float(np.sqrt(each))


def _em(ratio: Doubles, prior: Doubles, weights: Doubles, start: Doubles, steps: int = STEPS) -> Doubles:
    """Fixed point of share_c = mean of share_c r_c / sum share r, r = posterior / prior."""
    share = np.maximum(start, 1e-6)
    total = weights.sum()
    for _ in range(steps):
        posterior = ratio * share
        posterior /= np.maximum(posterior.sum(axis=1, keepdims=True), 1e-300)
        share = weights @ posterior / total
    return np.asarray(share)


def _bbse(confusion: Doubles, means: Doubles) -> Doubles:
    """Solve (mean probabilities given each class) share = mean probabilities on the new set, within the simplex."""
    from scipy.optimize import nnls

    columns = confusion / np.maximum(confusion.sum(axis=0, keepdims=True), 1e-12)
    share, _ = nnls(columns, means)
    return np.asarray(share / max(share.sum(), 1e-12))


def _finding(context: Context, attribute: str, s: Shares) -> list[Finding]:
    agree = float(np.abs(s.em - s.bbse).max()) <= AGREE
    far = [
        (np.abs(e - s.training) > Z * np.maximum(error, 1e-6)) & (np.abs(e - s.training) > LEAST_SHIFT)
        for e, error in ((s.em, s.em_error), (s.bbse, s.bbse_error))
    ]
    moved = np.flatnonzero(far[0] & far[1])
    if not agree or not len(moved):
        return []
    change = np.abs(s.em - s.training) / np.sqrt(np.maximum(s.training, 1e-6))
    top = int(moved[np.argmax(change[moved])])
    low, high = s.em[top] - 1.96 * s.em_error[top], s.em[top] + 1.96 * s.em_error[top]
    names = context.classes[attribute]
    count = 0 if context.unlabeled is None else len(context.unlabeled)
    values = {
        "attribute": attribute,
        "name": names[top],
        "training": float(s.training[top]),
        "echoed": float(s.echoed[top]),
        "bbse": float(s.bbse[top]),
    }
    picture = {
        "kind": "bars",
        "labels": list(names),
        "series": {"training": s.training.tolist(), "new": s.em.tolist()},
    }
    measure = Measure(
        float(s.em[top]), max(0.0, float(low)), min(1.0, float(high)), float(s.training[top]), images=count
    )
    return [Finding("shift.prior", measure, values, explained=_gain(context, attribute, s), picture=picture)]


def _gain(context: Context, attribute: str, s: Shares) -> float:
    """Macro F1 of the evaluated rows, weighted to the new shares, that corrected probabilities gain over plain ones."""
    rows = context.evaluated
    weights = (s.em / np.maximum(s.training, 1e-6))[context.labels[attribute][rows]]
    plain = context.out_of_fold[attribute][rows]
    mended = (plain * s.em / np.maximum(s.training, 1e-6)).argmax(axis=1)
    truth = context.joint[rows]
    scores = []
    for guess in (plain.argmax(axis=1), mended):
        whole = {a: context.out_of_fold[a].argmax(axis=1).astype(np.int64) for a in context.attributes}
        whole[attribute][rows] = guess
        scores.append(_weighted_f1(truth, context.join(whole)[rows], weights))
    return max(0.0, scores[1] - scores[0])


def _weighted_f1(truth: Ints, guess: Ints, weights: Doubles) -> float:
    codes, both = np.unique(np.concatenate([truth, guess]), return_inverse=True)
    true, chosen = both[: len(truth)], both[len(truth) :]
    hits = np.bincount(true[true == chosen], weights=weights[true == chosen], minlength=len(codes))
    total = np.bincount(true, weights, len(codes)) + np.bincount(chosen, weights, len(codes))
    return float(np.mean(2 * hits / np.maximum(total, 1e-12)))


def _sum(values: Doubles, groups: Ints) -> Doubles:
    total = np.zeros((int(groups.max()) + 1, values.shape[1]))
    np.add.at(total, groups, values)
    return total
