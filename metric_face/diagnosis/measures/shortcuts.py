"""Shortcuts: a property of the image that gives a class away in training and not in held-out images."""

from dataclasses import dataclass, replace

import numpy as np

from metric_face.arrays import Bools, Doubles, Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.measures.image_properties import PROPERTIES, image_properties

MOST_IMAGES = 800
"""Images of each side that are measured."""
FEWEST = 20
"""Images of each class on each side."""
MOST_CLASSES = 20
LEAST_AREA = 0.7
"""Area under the curve by which the property gives the class away in training."""
LEAST_LOST = 0.15
FOLLOWED = 2.58
"""Standard errors by which the property must move the model's scores among held-out images of one label."""
APART = 0.7
"""Area by which a property, or all of them together, separates training from held-out images of one class."""
SURE = 4.0
"""Standard errors; some hundred combinations are looked at."""


@dataclass(frozen=True)
class Shortcut:
    """A class that a property gives away in training.

    Attributes:
        attribute: of the class.
        code: the class.
        what: the property.
        train: area under the curve of the property for the class against the others, in training.
        held_out: the same in held-out images.
        followed: of two held-out images of which both are of the class or neither is, how often the one that looks
            more like the class in training gets the higher score; 0.5 is a model that does not see the property,
            None without predictions.
        seen: whether the model goes by it; None without predictions.
    """

    attribute: str
    code: int
    what: str
    train: float
    held_out: float
    followed: float | None
    seen: bool | None = None

    @property
    def lost(self) -> float:
        """How much of the area is gone in held-out images."""
        return (self.train - self.held_out) * (1.0 if self.train > 0.5 else -1.0)


@dataclass(frozen=True)
class Difference:
    """A property in which images of one class differ between training and held-out.

    Attributes:
        what: the property.
        area: area under the curve of held-out against training images, within classes.
        images: how many were measured.
    """

    what: str
    area: float
    images: int


def look(context: Context) -> tuple[Shortcut | None, Difference | None, tuple[tuple[object, ...], ...]]:
    """Measure a sample of both sides, one image of an identity and joint class.

    Args:
        context: with a split and images.

    Returns:
        The strongest shortcut, of those that the model goes by where there are any, the strongest difference within
        classes, and a line for each property: its name and the area between the sides.
    """
    assert context.in_train is not None
    assert context.in_held_out is not None
    train, held = (_sample(context, np.flatnonzero(side)) for side in (context.in_train, context.in_held_out))
    values = [image_properties(context, rows) for rows in (train, held)]
    shortcuts = [s for a in context.attributes for s in _of_attribute(context, a, (train, held), values)]
    best = max(shortcuts, key=lambda s: (s.seen is True, s.lost), default=None)
    differences = [
        (name, *_within(context, (train, held), [v[:, at] for v in values]))
        for at, name in enumerate(PROPERTIES)
    ]
    lines = tuple((name, area, images) for name, area, _, images in differences if images)
    sure = [
        Difference(name, area, images)
        for name, area, error, images in differences
        if images and abs(area - 0.5) > SURE * error
    ]
    strongest = max(sure, key=lambda d: abs(d.area - 0.5), default=None)
    if strongest is not None and abs(strongest.area - 0.5) <= APART - 0.5:
        together = all_together(context, (train, held), values)
        strongest = strongest if together > APART else None
    return best, strongest, lines


def all_together(context: Context, rows: tuple[Ints, Ints], values: list[Doubles]) -> float:
    """Area under the curve by which all properties together tell held-out from training images, out of fold.

    Args:
        context: whose joint classes and folds are used; no identity is on both sides of a fold.
        rows: of training and held-out images.
        values: (n, P) properties of both; those that are not known of every image are left out.

    Returns:
        The area of a logistic regression on the properties, each less the mean of its joint class.
    """
    from sklearn.linear_model import LogisticRegression

    both, every = np.concatenate(rows), np.concatenate(values)
    every = every[:, np.isfinite(every).all(axis=0)]
    held = np.repeat([False, True], [len(side) for side in rows])
    codes = np.unique(context.joint[both], return_inverse=True)[1]
    means = np.stack([np.bincount(codes, weights=column) / np.bincount(codes) for column in every.T], axis=1)
    within = every - means[codes]
    within /= np.maximum(within.std(axis=0), 1e-12)
    scores, folds = np.zeros(len(both)), context.folds[both]
    for fold in np.unique(folds):
        learned, new = folds != fold, folds == fold
        if 0 < held[learned].sum() < learned.sum():
            model = LogisticRegression(C=0.1, max_iter=500).fit(within[learned], held[learned])
            scores[new] = model.decision_function(within[new])
    return area(scores, held)[0]


def area(values: Doubles, positive: Bools) -> tuple[float, float]:
    """Area under the curve of a value for a class, and its standard error where there is nothing to find.

    Args:
        values: (n,) finite.
        positive: (n,) which are of the class.

    Returns:
        The Mann-Whitney statistic over n1 n2, ties half, and sqrt((n1 + n2 + 1) / (12 n1 n2)).
    """
    from scipy.stats import rankdata

    count, rest = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(values)[positive].sum()
    return float(ranks - count * (count + 1) / 2) / (count * rest), float(
        np.sqrt((count + rest + 1) / (12 * count * rest))
    )


def _sample(context: Context, rows: Ints) -> Ints:
    """Random rows, one of an identity and joint class."""
    rows = np.random.default_rng([context.seed, 41]).permutation(rows)
    codes = np.column_stack([context.identities[rows], context.joint[rows]])
    first = np.unique(codes, axis=0, return_index=True)[1]
    return np.sort(rows[np.sort(first)][:MOST_IMAGES])


def _of_attribute(
    context: Context, attribute: str, rows: tuple[Ints, Ints], values: list[Doubles]
) -> list[Shortcut]:
    labels = [context.labels[attribute][side] for side in rows]
    found = []
    for code in range(min(len(context.classes[attribute]), MOST_CLASSES)):
        for at, name in enumerate(PROPERTIES):
            sides = [_side(v[:, at], own == code) for v, own in zip(values, labels, strict=True)]
            if sides[0] is None or sides[1] is None:
                continue
            (train, one), (held, other) = sides[0], sides[1]
            shortcut = Shortcut(attribute, code, name, train, held, None)
            if abs(train - 0.5) <= LEAST_AREA - 0.5 or shortcut.lost <= max(
                LEAST_LOST, SURE * float(np.hypot(one, other))
            ):
                continue
            if context.predictions is not None:
                likely = np.sign(train - 0.5) * values[1][:, at]
                followed, error = agreement(
                    likely, _scores(context, attribute, code, rows[1]), labels[1] == code
                )
                shortcut = replace(shortcut, followed=followed, seen=followed - 0.5 > FOLLOWED * error)
            found.append(shortcut)
    return found


def agreement(values: Doubles, scores: Doubles, positive: Bools) -> tuple[float, float]:
    """How often a larger value goes with a higher score, among images of one label.

    A model that recognizes the class well predicts the label whatever the property is, so predictions and property
    are compared where the label is the same.

    Args:
        values: (n,) of the property.
        scores: (n,) of the class.
        positive: (n,) which are of the class.

    Returns:
        Share of concordant pairs, ties half: (1 + Kendall's tau) / 2, weighted over both labels by inverse variance;
        and its standard error where there is nothing to find.
    """
    from scipy.stats import kendalltau

    total, weights = 0.0, 0.0
    for side in (positive, ~positive):
        mine = side & np.isfinite(values) & np.isfinite(scores)
        count = int(mine.sum())
        tau = float(kendalltau(values[mine], scores[mine]).statistic) if count > 2 else np.nan
        if np.isfinite(tau):
            weight = 4.5 * count * (count - 1) / (2 * count + 5)  # of tau, where the two are independent
            total, weights = total + weight * tau, weights + weight
    return (0.5 + 0.5 * total / weights, 0.5 / float(np.sqrt(weights))) if weights else (0.5, 0.5)


def _scores(context: Context, attribute: str, code: int, rows: Ints) -> Doubles:
    """(n,) log-odds of the class by the model, or whether it is predicted where there are no probabilities."""
    chances = (context.probabilities or {}).get(attribute)
    if chances is None:
        assert context.predictions is not None
        return np.asarray(context.predictions[attribute][rows] == code, dtype=np.float64)
    own = np.clip(chances[rows, code], 1e-12, 1 - 1e-12)
    return np.asarray(np.log(own) - np.log1p(-own))


def _side(values: Doubles, positive: Bools) -> tuple[float, float] | None:
    known = np.isfinite(values)
    if min(int(positive[known].sum()), int((~positive[known]).sum())) < FEWEST:
        return None
    return area(values[known], positive[known])


def _within(context: Context, rows: tuple[Ints, Ints], values: list[Doubles]) -> tuple[float, float, int]:
    """Area between the sides averaged over joint classes, weighted by what they add to it, with its error."""
    joint = np.concatenate([context.joint[side] for side in rows])
    held = np.repeat([False, True], [len(side) for side in rows])
    both = np.concatenate(values)
    total, weights, spread, images = 0.0, 0.0, 0.0, 0
    for code in np.unique(joint):
        mine = (joint == code) & np.isfinite(both)
        if min(int(held[mine].sum()), int((~held[mine]).sum())) < 5:
            continue
        found, error = area(both[mine], held[mine])
        weight = 1 / error**2
        total, weights, spread = total + weight * found, weights + weight, spread + weight
        images += int(mine.sum())
    return (total / weights, 1 / float(np.sqrt(spread)), images) if weights else (0.5, 0.5, 0)
