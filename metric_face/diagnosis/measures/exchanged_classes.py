"""Exchanged classes: two classes of one attribute whose held-out labels were written for each other.

A share of wrong labels over all classes does not see two rare ones change places. So each pair is looked at alone:
along the score that separates the two in training, held-out images of both labels are two bells, and a label that was
exchanged lies in the other's. Overlap makes the bells wide, and needs no exchange to explain it.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from metric_face.arrays import Bools, Doubles, Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Finding, Measure
from metric_face.diagnosis.measures import probing
from metric_face.diagnosis.measures.resampling import one_each, unsuspected
from metric_face.diagnosis.measures.shortcuts import area

FEWEST = 8
"""Identities of each label among the held-out images."""
MOST_CLASSES = 12
BY_CHANCE = 1e-4
"""Probability of as many labels on the other side where the bells overlap as they do; many pairs are looked at."""
LEAST_SHARE = 0.15
"""Share of the images of a label that must lie in the other's bell."""
AS_IN_TRAINING = 0.5
"""Share of the exchange that training labels must not show too: what both sides show is how the classes look."""
MUTUAL = 0.3
"""Share of the one direction that the other must reach: a class that is only recognized badly crosses one way."""
LEAST_APART = 3.0
"""Standard deviations between the bells, below which an exchange and an overlap look alike."""
SURE = 4.0
"""Standard errors by which held-out labels must rank against the scores, to be exchanged however near the bells are."""
EVIDENCE = 12
STEPS = 200


@dataclass(frozen=True)
class Exchange:
    """Two bells, and how many of each label lie in the other's.

    Attributes:
        shares: of the first label in the second bell, and of the second label in the first.
        by_chance: probability of as many labels in the other bell, going by how far the two overlap.
        apart: distance of the bells in their mean standard deviation.
        chance: (n,) probability of each score that its label was exchanged.
        middle: the score half way between the bells.
    """

    shares: tuple[float, float]
    by_chance: float
    apart: float
    chance: Doubles
    middle: float


def exchanged_classes(context: Context, attribute: str) -> list[Finding]:
    """Findings of exchanged held-out labels of one attribute, one for each pair of classes."""
    if context.in_train is None or context.in_held_out is None or not context.in_train.any():
        return []
    labels, held = context.labels[attribute], np.flatnonzero(context.in_held_out)
    size = len(context.classes[attribute])
    if size > MOST_CLASSES:
        return []
    enough = np.flatnonzero(context.identities_by_class(attribute, held) >= FEWEST)
    pairs = [pair for pair in combinations(enough.tolist(), 2)]
    found = [_pair(context, attribute, pair, labels, held) for pair in pairs]
    return [finding for finding in found if finding is not None]


def bells(scores: Doubles, second: Bools, start: tuple[float, float]) -> Exchange:
    """Fit two Gaussians that both labels share, with the share of each label in the other's, by EM.

    Args:
        scores: (n,) the larger, the more like the second class.
        second: (n,) which are labeled as the second class.
        start: means of the two classes where labels are trusted.

    Returns:
        The fit.
    """
    from scipy.stats import binom, norm

    wide = max(float(np.std(scores)), 1e-9)
    means, spreads = np.array(start), np.full(2, 0.5 * wide)
    shares = np.array([0.1, 0.1])  # of each label in the other's bell
    for _ in range(STEPS):
        in_second = _in_second(scores, second, means, spreads, shares)
        for at, weight in ((0, 1 - in_second), (1, in_second)):
            total = max(float(weight.sum()), 1e-9)
            means[at] = float((weight * scores).sum()) / total
            spreads[at] = max(
                np.sqrt(float((weight * np.square(scores - means[at])).sum()) / total), 0.1 * wide
            )
        shares[0], shares[1] = float(in_second[~second].mean()), float(1 - in_second[second].mean())
    in_second = _in_second(scores, second, means, spreads, shares)
    apart = float((means[1] - means[0]) / max(float(spreads.mean()), 1e-9))
    chance = np.where(second, 1 - in_second, in_second)
    crossed = int((chance > 0.5).sum())
    by_chance = float(binom.sf(crossed - 1, len(scores), norm.cdf(-apart / 2)))
    return Exchange((float(shares[0]), float(shares[1])), by_chance, apart, chance, float(means.mean()))


def _in_second(scores: Doubles, second: Bools, means: Doubles, spreads: Doubles, shares: Doubles) -> Doubles:
    """(n,) probability of lying in the second bell."""
    prior = np.where(second, 1 - shares[1], shares[0])
    likely = [_bell(scores, means[at], spreads[at]) for at in (0, 1)]
    return np.asarray(prior * likely[1] / ((1 - prior) * likely[0] + prior * likely[1] + 1e-300))


def _bell(scores: Doubles, mean: float, spread: float) -> Doubles:
    return np.asarray(np.exp(-0.5 * np.square((scores - mean) / spread)) / (spread * np.sqrt(2 * np.pi)))


def _crossed_in_training(
    context: Context, train: Ints, goal: Doubles, found: Exchange
) -> tuple[float, float]:
    """Share of the training images of each label that lie beyond the middle of the two bells, out of fold."""
    scores = np.zeros(context.num_images)
    for fold in np.unique(context.folds[train]):
        learned = train[context.folds[train] != fold]
        new = train[context.folds[train] == fold]
        scores[new] = probing.scores_from(context.features, goal, learned, max(context.strength, 1.0))[new, 0]
    second = goal[train, 0] > 0
    beyond = (scores[train] > found.middle) != second
    return float(beyond[~second].mean()), float(beyond[second].mean())


def _pair(
    context: Context, attribute: str, pair: tuple[int, int], labels: Ints, held: Ints
) -> Finding | None:
    first, second = pair
    assert context.in_train is not None
    train = np.flatnonzero(context.in_train & np.isin(labels, pair))
    counts = [len(np.unique(context.identities[train[labels[train] == code]])) for code in pair]
    if min(counts) < 2:
        return None
    goal = (labels == second).astype(np.float64)[:, None]
    scores = probing.scores_from(context.features, goal, train, max(context.strength, 1.0))[:, 0]
    rows = held[np.isin(labels[held], pair)]
    units, where = np.unique(
        np.column_stack([context.identities[rows], labels[rows]]), axis=0, return_inverse=True
    )
    means = np.bincount(where.ravel(), weights=scores[rows]) / np.bincount(where.ravel())
    trusted = tuple(float(scores[train[labels[train] == code]].mean()) for code in pair)
    found = bells(means, units[:, 1] == second, (trusted[0], trusted[1]))
    chance = found.chance[where.ravel()]
    crossed = [float((chance[labels[rows] == code] > 0.5).mean()) for code in pair]
    against, error = area(means, units[:, 1] == second)
    if against > 0.5 - SURE * error:  # else the labels contradict the scores, which no overlap does
        if found.by_chance > BY_CHANCE or found.apart < LEAST_APART or max(crossed) < LEAST_SHARE:
            return None
        if min(crossed) < MUTUAL * max(crossed):
            return None
    if max(_crossed_in_training(context, train, goal, found)) > AS_IN_TRAINING * max(crossed):
        return None
    wrong = rows[chance > 0.5][np.argsort(-chance[chance > 0.5], kind="stable")]
    mended = labels.copy()
    mended[wrong] = first + second - labels[wrong]
    names = context.classes[attribute]
    values = {
        "attribute": attribute,
        "first": names[first],
        "second": names[second],
        "one": crossed[0],
        "other": crossed[1],
        "images": len(wrong),
        "of": len(rows),
        "apart": found.apart,
    }
    identities = len(np.unique(context.identities[wrong]))
    return Finding(
        "label_errors.exchanged",
        Measure(len(wrong) / len(rows), null=0.0, identities=identities, images=len(wrong)),
        values,
        explained=max(0.0, context.f1(labels={attribute: mended}) - context.f1()),
        evidence=one_each(wrong, context.identities, EVIDENCE),
        controls=unsuspected(labels, context.identities, wrong, EVIDENCE, context.seed),
        rows=wrong,
    )
