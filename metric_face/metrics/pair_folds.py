"""fold_accuracy: pairs decided with a threshold that was chosen on other folds, as LFW is evaluated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Bools, Doubles, Ints, column_of
from metric_face.errors import ArgumentError
from metric_face.vectors import group_codes


@dataclass(frozen=True)
class FoldAccuracy:
    """Accuracy with a threshold chosen on the other folds.

    Attributes:
        accuracies, thresholds: of each fold.
        right: (P,) whether each pair is decided rightly.
        error: standard error of the mean accuracy over the folds.
    """

    accuracies: tuple[float, ...]
    thresholds: tuple[float, ...]
    right: Doubles
    error: float


def fold_accuracy(near: Doubles, same: Bools, folds: ArrayLike) -> FoldAccuracy:
    """Decide each fold with the threshold that is most accurate on the others.

    A threshold lies in the middle between two similarities; of equally accurate ones the middle one is taken.

    Args:
        near: (P,) similarities.
        same: (P,) whether a pair is genuine.
        folds: (P,) the fold of each.

    Raises:
        ArgumentError: folds are not (P,), or fewer than two.
    """
    names = column_of(folds)
    if names.shape != near.shape:
        raise ArgumentError(
            f"folds must be one for each pair, found shape {names.shape} for {len(near)} pairs"
        )
    codes: Ints = group_codes(names)[0]
    if codes.max() < 1:
        raise ArgumentError("folds must be at least 2, found 1; a threshold is chosen on the others")
    accuracies, thresholds = [], []
    right = np.zeros(len(near))
    for fold in range(int(codes.max()) + 1):
        held = codes == fold
        threshold = best_threshold(near[~held], same[~held])
        right[held] = (near[held] >= threshold) == same[held]
        accuracies.append(float(right[held].mean()))
        thresholds.append(threshold)
    error = float(np.std(accuracies, ddof=1) / np.sqrt(len(accuracies)))
    return FoldAccuracy(tuple(accuracies), tuple(thresholds), right, error)


def best_threshold(near: Doubles, same: Bools) -> float:
    """The threshold with the most pairs decided rightly, between two similarities; the middle one of equals."""
    levels, at = np.unique(near, return_inverse=True)
    accepted_same = np.bincount(at, same, minlength=len(levels))
    refused_other = np.bincount(at, ~same, minlength=len(levels))
    # threshold t: below level t refused, from level t on accepted
    rights = np.concatenate([[0.0], refused_other.cumsum()]) + np.concatenate(
        [accepted_same[::-1].cumsum()[::-1], [0.0]]
    )
    best = np.flatnonzero(rights == rights.max())
    edges = np.concatenate([[levels[0]], (levels[1:] + levels[:-1]) / 2, [np.nextafter(levels[-1], np.inf)]])
    return float(edges[best[len(best) // 2]])
