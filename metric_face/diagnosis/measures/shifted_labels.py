"""Labels one row off: would the labels of the row above or below fit these images better?"""

from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.diagnosis.measures import probing
from metric_face.diagnosis.measures.null_scores import macro_area

OFFSETS = (0, -1, 1)
MOST_ROWS = 4000
LEAST_BETTER = 0.1
"""Area under the curve by which the labels of other rows must rank better than the rows' own."""


@dataclass(frozen=True)
class Shifted:
    """Labels that belong to another row.

    Attributes:
        offset: -1 where the labels stand one row too high, 1 where they stand one row too low.
        own: area under the curve with the labels as they are, out of fold, averaged over attributes.
        better: the same with the labels of the row that ``offset`` leads to.
    """

    offset: int
    own: float
    better: float


def shifted(features: Doubles, labels: dict[str, Ints], sizes: dict[str, int], folds: Ints) -> Shifted | None:
    """Fit probes to the labels as they are and to those of the neighboring rows.

    Args:
        features: (N, D) in the order of the table.
        labels: (N,) classes of each attribute.
        sizes: number of classes of each.
        folds: (N,) fold of each row.

    Returns:
        The offset under which labels fit far better; None where they fit best as they are.
    """
    from scipy.stats import rankdata

    rows = slice(0, MOST_ROWS)
    moved = {(a, offset): np.roll(codes[rows], -offset) for a, codes in labels.items() for offset in OFFSETS}
    blocks = {f"{offset}.{a}": probing.one_hot(codes, sizes[a]) for (a, offset), codes in moved.items()}
    scores = probing.ridge_scores(features[rows], probing.Targets.of(blocks), folds[rows]).scores
    areas = {
        offset: float(
            np.mean([macro_area(rankdata(scores[f"{offset}.{a}"], axis=0), moved[a, offset]) for a in labels])
        )
        for offset in OFFSETS
    }
    best = max(OFFSETS, key=lambda offset: areas[offset])
    if areas[best] - areas[0] < LEAST_BETTER:
        return None
    return Shifted(best, areas[0], areas[best])
