"""How small a difference in macro F1 a set of images can show.

One estimator serves before a training and after it: :func:`resolution` takes predictions that were made,
:func:`assumed_resolution` gives it such as two models of a stated accuracy would make.
"""

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Doubles, Ints, column_of, numbered
from metric_face.errors import ArgumentError
from metric_face.metrics.f1 import as_codes, check_predictions, f1_from_counts
from metric_face.metrics.intervals import IdentityCounts, identity_weights
from metric_face.metrics.standard_errors import check_confidence

_SHARED = 0.5  # of what makes an image hard, the half that is hard for any model


@dataclass(frozen=True)
class Resolution:
    """The smallest difference in macro F1 that a set can show.

    Attributes:
        difference: differences below this are within the noise at the stated confidence.
        standard_error: of one score, or of the difference where ``paired``.
        paired: whether two predictions on the same set were compared (else two independent ones are assumed,
            which is the wider, careful answer).
        confidence: such as 0.95.
        num_images: images in the set.
        num_identities: identities in the set.
        limiting_class: the class that contributes most of the variance.
        limiting_identities: how many identities carry that class.
        assumed_accuracy: of the models that were assumed; None where predictions were given.
    """

    difference: float
    standard_error: float
    paired: bool
    confidence: float
    num_images: int
    num_identities: int
    limiting_class: int
    limiting_identities: int
    assumed_accuracy: float | None = None


def resolution(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    identities: ArrayLike,
    *,
    other: ArrayLike | None = None,
    num_classes: int | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Resolution:
    """The smallest difference in macro F1 that this set can show, and the class that limits it.

    Args:
        y_true: (N,) integer classes.
        y_pred: (N,) integer classes; predictions of about the quality to be compared.
        identities: (N,) identities, integers or strings.
        other: (N,) second predictions; pairing two runs on the same items shows smaller differences. Without
            it the two scores to be compared are taken as independent.
        num_classes: C; the largest label found plus one when None.
        resamples: bootstrap resamples.
        confidence: two-sided, in (0, 1).
        seed: of the resampling.

    Returns:
        The difference and what limits it.

    Raises:
        ArgumentError: lengths disagree, labels leave 0..C-1, or a setting is out of range.
    """
    true, groups, predictions, classes = check_predictions(y_true, y_pred, identities, other, num_classes)
    counts = [IdentityCounts(true, pred, groups, classes) for pred in predictions]
    size = counts[0].size
    draws, by_class = np.empty(resamples), np.zeros((2, classes))
    seen = np.zeros(classes)
    for part, weights in identity_weights(size, resamples, seed, width=3 * classes):
        scores = [f1_from_counts(*c.totals(weights)) for c in counts]
        means = [np.nanmean(s, axis=1) for s in scores]
        draws[part] = means[0] - sum(means[1:])
        change = scores[0] - sum(scores[1:])
        seen += np.isfinite(change).sum(axis=0)
        by_class += np.nansum(change, axis=0), np.nansum(change**2, axis=0)
    mean, square = by_class / np.maximum(seen, 1)
    limiting = int(np.argmax(square - mean**2))
    error = float(draws.std(ddof=1))
    both = 1.0 if other is not None else 2.0**0.5
    check_confidence(confidence)
    return Resolution(
        difference=NormalDist().inv_cdf(0.5 + confidence / 2) * both * error,
        standard_error=error,
        paired=other is not None,
        confidence=confidence,
        num_images=len(true),
        num_identities=size,
        limiting_class=limiting,
        limiting_identities=int(np.unique(groups[true == limiting]).size),
    )


def assumed_resolution(
    y_true: ArrayLike,
    identities: ArrayLike | None = None,
    *,
    accuracy: float = 0.8,
    within_identity: float = 0.7,
    pairs: int = 20,
    resamples: int = 200,
    confidence: float = 0.95,
    seed: int = 0,
) -> Resolution:
    """The smallest difference that a set can show, before there are predictions: :func:`resolution` of assumed ones.

    Args:
        y_true: (N,) integer classes.
        identities: (N,) identities, integers or strings; None if each image is an identity of its own.
        accuracy: share of images that each of two models gets right.
        within_identity: correlation of the errors on two images of one identity.
        pairs: of models assumed; the variance is the mean over them.
        resamples: bootstrap resamples of each pair.
        confidence: two-sided, in (0, 1).
        seed: of the simulation and the resampling.

    Returns:
        The difference and what limits it, paired.

    Raises:
        ArgumentError: lengths disagree, fewer than two identities, or a setting is out of range.
    """
    if pairs < 1:
        raise ArgumentError(f"pairs must be at least 1, found {pairs}")
    true = np.asarray(numbered(y_true)[0], dtype=np.int64)
    codes = np.arange(true.size) if identities is None else column_of(identities)
    found = []
    for number in range(pairs):
        pred, other = assumed_predictions(
            true, codes, accuracy=accuracy, within_identity=within_identity, seed=seed + number
        )
        found.append(
            resolution(
                true, pred, codes, other=other, resamples=resamples, confidence=confidence, seed=seed + number
            )
        )
    limits = [one.limiting_class for one in found]
    most = found[limits.index(int(np.bincount(limits).argmax()))]
    error = float(np.sqrt(np.mean([one.standard_error**2 for one in found])))
    return replace(
        most,
        difference=NormalDist().inv_cdf(0.5 + confidence / 2) * error,
        standard_error=error,
        assumed_accuracy=accuracy,
    )


def assumed_predictions(
    y_true: ArrayLike,
    identities: ArrayLike,
    *,
    accuracy: float = 0.8,
    within_identity: float = 0.7,
    seed: int = 0,
) -> tuple[Ints, Ints]:
    """What two equally good models would predict.

    Images differ in how hard they are. Half of that is common to both models, half their own; of either part, a
    share of `within_identity` is common to all images of an identity, since a young-looking man of 60 is one in
    every photograph. A model errs on the hardest, and names another class in proportion to how common it is.

    Args:
        y_true: (N,) integer classes.
        identities: (N,) identities, integers or strings.
        accuracy: share of images that both models get right.
        within_identity: correlation of the errors on two images of one identity.
        seed: of the simulation.

    Returns:
        (N,) and (N,) integer classes.

    Raises:
        ArgumentError: no labels, unequal lengths, or a share outside (0, 1).
    """
    true: Ints = np.asarray(numbered(y_true)[0], dtype=np.int64)
    if true.ndim != 1 or not true.size:
        raise ArgumentError(f"y_true must be one class an image, found shape {true.shape}; pass the column")
    if not 0 < accuracy < 1 or not 0 <= within_identity < 1:
        raise ArgumentError(
            f"accuracy must be in (0, 1) and within_identity in [0, 1), found {accuracy} and {within_identity}"
        )
    codes = as_codes(identities, len(true))
    rng = np.random.default_rng(seed)
    threshold = NormalDist().inv_cdf(accuracy)
    common = _hardness(codes, within_identity, rng)
    both = []
    for _ in range(2):
        own = _hardness(codes, within_identity, rng)
        wrong = np.sqrt(_SHARED) * common + np.sqrt(1 - _SHARED) * own > threshold
        predicted = true.copy()
        predicted[wrong] = _other_class(true, np.flatnonzero(wrong), rng)
        both.append(predicted)
    return both[0], both[1]


def _hardness(codes: Ints, within: float, rng: np.random.Generator) -> Doubles:
    """(N,) standard normal, correlated by `within` between images of one identity."""
    shared = rng.standard_normal(int(codes.max()) + 1)[codes]
    return np.asarray(np.sqrt(within) * shared + np.sqrt(1 - within) * rng.standard_normal(codes.size))


def _other_class(true: Ints, rows: Ints, rng: np.random.Generator) -> Ints:
    """(W,) a wrong class for each of these rows: those of other images, so as common as they are."""
    predicted = rng.choice(true, rows.size)
    for _ in range(50):
        same = predicted == true[rows]
        if not same.any():
            break
        predicted[same] = rng.choice(true, int(same.sum()))
    return np.asarray(predicted)
