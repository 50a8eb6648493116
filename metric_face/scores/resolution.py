"""How small a difference in macro F1 a set of images can show."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from metric_face.scores.f1 import f1_from_counts
from metric_face.scores.intervals import IdentityCounts, check_confidence, check_predictions, identity_weights


@dataclass(frozen=True)
class Resolution:
    """The smallest difference in macro F1 that a set can show.

    Attributes:
        difference: differences below this are within the noise at the stated confidence.
        standard_error: of one score, or of the difference where ``paired``.
        paired: whether two predictions on the same set were compared (else two independent ones are assumed,
            which is the wider, careful answer).
        confidence: such as 0.95.
        num_identities: identities in the set.
        limiting_class: the class that contributes most of the variance.
        limiting_identities: how many identities carry that class.
    """

    difference: float
    standard_error: float
    paired: bool
    confidence: float
    num_identities: int
    limiting_class: int
    limiting_identities: int


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
        num_identities=size,
        limiting_class=limiting,
        limiting_identities=int(np.unique(groups[true == limiting]).size),
    )
