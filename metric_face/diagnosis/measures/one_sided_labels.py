"""Labels wrong in one direction: part of one class is written as another, on both sides of the split.

A share of wrong labels that is the same for all classes does not see it, and a linear probe bends towards it. Along
the out-of-fold score between two classes the labels are two bells (:func:`.exchanged_classes.bells`); a wrong label
lies in the other's. A class of two modes does so too, but there the neighbors carry the image's own label; and so do
held-out images that a network recognizes badly, but then its training images do not.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from metric_face.arrays import Bools, Doubles, Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.measures.exchanged_classes import BY_CHANCE, LEAST_APART, MOST_CLASSES, bells

FEWEST = 20
"""Identities of each class."""
LEAST_SHARE = 0.04
"""Share of the images of the label that must lie in the other's bell."""
ALIKE = 0.4
"""Share of the one side that the other must reach."""


@dataclass(frozen=True)
class OneSided:
    """Images of one label that lie among those of another class.

    Attributes:
        written: the code of the label as it is written.
        seen: the code of the class they lie in.
        rows: which images, the farthest first.
    """

    written: int
    seen: int
    rows: Ints


def one_sided(context: Context, attribute: str) -> list[OneSided]:
    """Look at every pair of classes of an attribute, in both directions.

    Args:
        context: with out-of-fold scores.
        attribute: which.

    Returns:
        The pairs with labels on the wrong side, that with the most first.
    """
    size = len(context.classes[attribute])
    if size > MOST_CLASSES:
        return []
    enough = np.flatnonzero(context.identities_by_class(attribute) >= FEWEST)
    found = [one for pair in combinations(enough.tolist(), 2) for one in _pair(context, attribute, *pair)]
    return sorted(found, key=lambda one: -len(one.rows))


def _pair(context: Context, attribute: str, first: int, second: int) -> list[OneSided]:
    """The directions in which labels of a pair are wrong; the bells are the same seen from either class."""
    labels = context.labels[attribute]
    rows = np.flatnonzero(np.isin(labels, (first, second)))
    scores = context.scores[attribute][rows, second] - context.scores[attribute][rows, first]
    units, where = np.unique(
        np.column_stack([context.identities[rows], labels[rows]]), axis=0, return_inverse=True
    )
    if len(np.unique(units[:, 0])) < context.features.shape[1]:
        return []  # along a direction learned from so few, a class falls into two by chance
    where = np.ravel(where)
    means = np.bincount(where, weights=scores) / np.bincount(where)
    starts = [float(np.median(means[units[:, 1] == code])) for code in (first, second)]
    fit = bells(means, units[:, 1] == second, (starts[0], starts[1]))
    if fit.apart < LEAST_APART or fit.by_chance > BY_CHANCE:
        return []
    crossed = fit.chance[where] > 0.5
    ways = ((first, second, scores), (second, first, -scores))
    found = [_direction(context, labels, rows, crossed, *way) for way in ways]
    return [one for one in found if one is not None]


def _direction(
    context: Context, labels: Ints, rows: Ints, crossed: Bools, written: int, seen: int, scores: Doubles
) -> OneSided | None:
    """Images labeled ``written`` among ``rows`` that lie in the bell of ``seen``, which ``scores`` grow towards."""
    wrong = crossed & (labels[rows] == written)
    share = float(wrong.sum() / max(int((labels[rows] == written).sum()), 1))
    if share < LEAST_SHARE:
        return None
    own = rows[wrong]
    if not _on_both_sides(context, rows[labels[rows] == written], own):
        return None
    near = context.graph.ids[own]
    theirs = np.where(near >= 0, labels[near], -1)
    if (theirs == seen).sum() <= (theirs == written).sum():
        return None
    return OneSided(written, seen, own[np.argsort(-scores[wrong], kind="stable")])


def _on_both_sides(context: Context, rows: Ints, wrong: Ints) -> bool:
    """Whether training and held-out images of the label lie on the wrong side alike, where there is a split."""
    if context.in_train is None or context.in_held_out is None:
        return True
    marked = np.isin(rows, wrong)
    shares = [
        float(marked[side[rows]].mean())
        for side in (context.in_train, context.in_held_out)
        if side[rows].any()
    ]
    return min(shares) >= ALIKE * max(shares)
