"""start_scores: what the backbone gives before any training, the figure that a training must not end below."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.classifiers import KNNClassifier, LinearProbe
from metric_face.features.affine_map import AffineMap
from metric_face.metrics import macro_f1
from metric_face.search import NeighborGraph

_MOST_PROBED = 20_000
"""Training images that the probe is fitted on; more change the third decimal and take minutes."""


@dataclass(frozen=True)
class StartScores:
    """Scores of a frozen backbone on validation.

    Attributes:
        recall_at_1: share of the images whose nearest other image has their label, by the features as they are;
            None where no two images share a label.
        recall_at_1_projected: the same after the projection that training starts from.
        knn: macro F1 of the 20 nearest training images, by target.
        probe: macro F1 of a linear probe on the whitened features, by target.
        images: validation images.
    """

    recall_at_1: float | None
    recall_at_1_projected: float | None
    knn: Mapping[str, float]
    probe: Mapping[str, float]
    images: int

    def to_dict(self) -> dict[str, object]:
        """The scores as plain data."""
        return asdict(self)


def start_scores(
    train: Floats,
    val: Floats,
    start: AffineMap,
    whitened: AffineMap,
    *,
    metric_labels: Ints | None,
    targets: Mapping[str, tuple[Ints, Ints, int]],
    groups: Ints | None = None,
    seed: int = 0,
) -> StartScores:
    """Score a frozen backbone on validation.

    Args:
        train: (N, F) features of the training images.
        val: (Q, F) of the validation images.
        start: the projection that training starts from.
        whitened: the whitened projection, which the probe reads: a projection that was fitted to the labels would
            show it the training images apart by more than new ones are.
        metric_labels: (Q,) what recall@1 goes by; None leaves it out.
        targets: name -> (N,) codes of training, (Q,) of validation, number of classes.
        groups: (N,) identities, which the probe's cross-validation keeps whole.
        seed: of the probe's folds and its sample.

    Returns:
        The scores.
    """
    projected, held = whitened(train), whitened(val)
    rows = np.sort(np.random.default_rng(seed).permutation(len(train))[:_MOST_PROBED])
    knn, probe = {}, {}
    for name, (known, true, classes) in targets.items():
        neighbors = KNNClassifier().fit(train, known).predict(val)
        knn[name] = macro_f1(true, np.asarray(neighbors, dtype=np.int64), classes)
        fitted = LinearProbe(seed=seed).fit(
            projected[rows], known[rows], groups=None if groups is None else groups[rows]
        )
        probe[name] = macro_f1(true, np.asarray(fitted.predict(held), dtype=np.int64), classes)
    return StartScores(
        None if metric_labels is None else recall_at_1(val, metric_labels),
        None if metric_labels is None else recall_at_1(start(val), metric_labels),
        knn,
        probe,
        len(val),
    )


def recall_at_1(vectors: Floats, labels: Ints) -> float | None:
    """Recall@1 by cosine, of the images that share their label with another one; None where none does."""
    alone = np.bincount(labels)[labels] < 2
    if len(labels) < 2 or alone.all():
        return None
    nearest = NeighborGraph.build(np.asarray(vectors), 1).ids[:, 0]
    return float((labels[nearest] == labels)[~alone].mean())
