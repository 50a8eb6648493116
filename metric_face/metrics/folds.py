"""identity_folds: parts of labeled items that keep an identity whole, whatever the classes are."""

import warnings

import numpy as np

from metric_face.arrays import Ints
from metric_face.errors import ArgumentError


def identity_folds(labels: Ints, identities: Ints, folds: int, seed: int = 0) -> list[tuple[Ints, Ints]]:
    """Deal identities to folds, with every class in each fold as far as its identities allow.

    Where no class has as many items as there are folds, no fold can hold every class, and identities are dealt by
    chance alone.

    Args:
        labels: (N,) classes to stratify by.
        identities: (N,) codes 0..I-1; all items of one land in one fold.
        folds: how many, from 2 to I.
        seed: of the dealing.

    Returns:
        (other rows, rows of the fold) of each fold; every row is in one fold, and no fold is empty.

    Raises:
        ArgumentError: fewer than two folds, or more folds than identities.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    size = int(identities.max()) + 1
    if not 2 <= folds <= size:
        raise ArgumentError(f"folds must be from 2 to the number of identities, {size}, found {folds}")
    if int(np.bincount(labels).max()) >= folds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a class with fewer items than folds is not in each
            parts = list(
                StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(labels, labels, identities)
            )
        if all(len(part) for _, part in parts):
            return parts
    fold = (np.random.default_rng(seed).permutation(size) % folds)[identities]
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(folds)]
