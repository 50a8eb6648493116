"""Which training images have a label that images of other identities contradict."""

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Floats, Ints
from metric_face.classifiers import KNNClassifier
from metric_face.fold_assignment import identity_folds

_OWN, _OTHER = 0.1, 0.7
"""The share of the votes that the own class has at most, and another one at least."""
_MOST = 0.2
"""Of the images of a class, so that a rare one is not emptied."""
_FOLDS = 5


def suspects(vectors: Floats, classes: Ints, identities: ArrayLike, *, seed: int = 0) -> Ints:
    """Find images whose 20 nearest images of other identities nearly all have one other class.

    Args:
        vectors: (N, D).
        classes: (N,) from 0.
        identities: (N,).
        seed: of the five folds of the identities; the neighbors of an image are in the other four.

    Returns:
        The rows, the most contradicted first within a class; none where there are fewer than five identities.
    """
    if len(np.unique(np.asarray(identities))) < _FOLDS:
        return np.empty(0, np.int64)
    folds = identity_folds(identities, _FOLDS, classes, seed=seed)
    own, other = np.ones(len(classes)), np.zeros(len(classes))
    for fold in range(_FOLDS):
        held, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        voting = KNNClassifier(20, votes="uniform").fit(vectors[rest], classes[rest])
        shares = np.zeros((len(held), int(classes.max()) + 1))
        shares[:, np.asarray(voting.classes_, np.int64)] = voting.predict_proba(vectors[held])
        own[held], other[held] = shares[np.arange(len(held)), classes[held]], shares.max(axis=1)
    found = np.flatnonzero((own <= _OWN) & (other >= _OTHER))
    kept = []
    for value in np.unique(classes[found]):
        mine = found[classes[found] == value]
        most = int(_MOST * (classes == value).sum())
        kept.append(mine[np.argsort(-other[mine], kind="stable")][:most])
    return np.concatenate(kept).astype(np.int64) if kept else np.empty(0, np.int64)
