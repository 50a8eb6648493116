"""Is there any signal at all: how well scores rank a class, against the same labels permuted among the identities."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.diagnosis.measures import probing
from metric_face.diagnosis.measures.resampling import permute_labels

if TYPE_CHECKING:
    from metric_face.diagnosis.context import Context

DRAWS = 199
SURE = 2.58
"""Standard deviations (one in a hundred for two readers): with more, a weak signal would be called none."""


@dataclass(frozen=True)
class Signal:
    """The macro area under the curve of scores, one class against the rest, and its null.

    Attributes:
        area: of the labels as they are; 0.5 is nothing.
        null: mean of the permuted labels.
        upper: mean of the permuted labels plus 2.58 of their standard deviations.
    """

    area: float
    null: float
    upper: float

    @property
    def absent(self) -> bool:
        """Whether the labels as they are rank no better than permuted ones."""
        return self.area <= self.upper

    @property
    def reversed(self) -> bool:
        """Whether the labels rank worse than permuted ones do by as much as a signal would rank better."""
        return self.area < 2 * self.null - self.upper


def signal(scores: Doubles, labels: Ints, identities: Ints, seed: int) -> Signal:
    """Measure the area and permute the labels, identities respected.

    Args:
        scores: (n, C) of rows whose labels took no part in them.
        labels: (n,) classes.
        identities: (n,) identities.
        seed: of the permutations.

    Returns:
        The area with its null.
    """
    from scipy.stats import rankdata

    ranks = rankdata(scores, axis=0)
    codes = np.unique(identities, return_inverse=True)[1].astype(np.int64)
    rng = np.random.default_rng([seed, 47])
    null = [macro_area(ranks, permute_labels(labels, codes, rng)) for _ in range(DRAWS)]
    return Signal(macro_area(ranks, labels), float(np.mean(null)), float(np.mean(null) + SURE * np.std(null)))


def macro_area(ranks: Doubles, labels: Ints) -> float:
    """Mean area under the curve over the classes present, from the ranks (n, C) of their scores."""
    counts = np.bincount(labels, minlength=ranks.shape[1]).astype(np.float64)
    present = np.flatnonzero((counts > 0) & (counts < len(labels)))
    if not len(present):
        return 0.5
    own = np.bincount(labels, weights=ranks[np.arange(len(labels)), labels], minlength=ranks.shape[1])
    count, rest = counts[present], len(labels) - counts[present]
    return float(np.mean((own[present] - count * (count + 1) / 2) / (count * rest)))


def scores_of(context: "Context", attribute: str) -> dict[str, Doubles]:
    """Scores of the evaluated rows by everything that could see a signal: head, embedding, neutral embedding."""
    rows = context.evaluated
    found = {"embedding": context.scores[attribute][rows]}
    if context.predictions is not None:
        guess = probing.one_hot(context.predictions[attribute], len(context.classes[attribute]))[rows]
        chances = (context.probabilities or {}).get(attribute)
        known = chances is not None and np.isfinite(chances[rows]).all()
        found = {"head": chances[rows] if known and chances is not None else guess} | found
    if context.neutral is not None:
        found["neutral"] = context.neutral_scores[attribute][rows]
    return found


def signals(context: "Context", attribute: str) -> dict[str, Signal]:
    """The signal in each of :func:`scores_of`."""
    rows = context.evaluated
    labels, identities = context.labels[attribute][rows], context.identities[rows]
    return {
        name: signal(scores, labels, identities, context.seed)
        for name, scores in scores_of(context, attribute).items()
    }
