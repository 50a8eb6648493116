"""Folds of the training rows that keep an identity whole, and the strength they prefer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metric_face.arrays import Doubles, Ints
from metric_face.fold_assignment import identity_folds
from metric_face.metrics import macro_f1


def grouped_folds(target: Ints, groups: ArrayLike | None, folds: int, seed: int) -> list[tuple[Ints, Ints]]:
    """Split rows into training and held-out parts, stratified by class, no group on both sides.

    Args:
        target: (N,) codes to stratify by.
        groups: (N,) identities, or None where rows are independent.
        folds: how many; fewer where there are fewer groups, or where no class has as many rows.
        seed: of the shuffle.

    Returns:
        (training rows, held-out rows) of each fold; none where there are fewer than two groups.
    """
    identities = np.arange(len(target)) if groups is None else np.asarray(groups)
    folds = min(folds, len(np.unique(identities)), int(np.bincount(target).max()))
    if folds < 2:
        return []
    fold = identity_folds(identities, folds, target, seed=seed)
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(folds)]


class StrengthChoice:
    """Collects the out-of-fold predictions of every head and strength, and picks each head's strength.

    Args:
        targets: for each head the (N,) codes.
        sizes: for each head its number of classes.
        num_strengths: S, from strong to weak.
    """

    def __init__(self, targets: Sequence[Ints], sizes: Sequence[int], num_strengths: int) -> None:
        self._targets, self._sizes = targets, sizes
        self._predicted = np.full((len(sizes), num_strengths, len(targets[0])), -1, np.int32)

    def record(self, head: int, position: int, held: Ints, scores: NDArray[Any]) -> None:
        """Record the scores of a fold on its held-out rows: (held, C) scores of one head at one strength."""
        self._predicted[head, position, held] = scores.argmax(axis=1)

    def best(self) -> tuple[list[int], list[Doubles | None]]:
        """Position of each head's best strength (the strongest among equals), and the macro F1 of all.

        Pooled over folds, because a fold may hold no item of a rare class and then has no F1 for it. Where no
        fold was possible, there are no scores and the middle of the path is taken.
        """
        places: list[int] = []
        scores: list[Doubles | None] = []
        for target, size, predicted in zip(self._targets, self._sizes, self._predicted, strict=True):
            rows = np.flatnonzero(predicted[0] >= 0)
            values = np.array([macro_f1(target[rows], path[rows], size) for path in predicted if len(rows)])
            places.append(int(np.argmax(values)) if len(rows) else len(predicted) // 2)
            scores.append(values if len(rows) else None)
        return places, scores
