"""How well known identities are told apart while others are refused: DIR@FAR and OSCR."""

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Bools, Doubles
from metric_face.errors import ArgumentError


def detection_rate(
    scores: ArrayLike, correct: ArrayLike, unenrolled: ArrayLike, false_accept_rate: float
) -> float:
    """The detection and identification rate at a false-accept rate, DIR@FAR.

    Args:
        scores: (Q,) of known probes, high where certain.
        correct: (Q,) whether the identity answered is the probe's.
        unenrolled: (S,) scores of probes whose identity is not in the gallery.
        false_accept_rate: share of unenrolled probes that may be accepted, in 0..1.

    Returns:
        The share of known probes that are answered rightly with a score above that of every unenrolled probe but those
        that may be accepted.

    Raises:
        ArgumentError: lengths disagree, one of the two is empty, or the rate is out of range.

    Reference:
        Phillips, Grother, Micheals: Evaluation Methods in Face Recognition, 2011, open-set identification.
    """
    known, right, unknown = _checked(scores, correct, unenrolled)
    if not 0 <= false_accept_rate <= 1:
        raise ArgumentError(f"false_accept_rate must lie in 0..1, found {false_accept_rate}")
    allowed = int(np.floor(false_accept_rate * len(unknown) + 1e-9))
    if allowed >= len(unknown):
        return float(right.mean())
    refused = np.sort(unknown)[::-1][allowed]
    return float((right & (known > refused)).mean())


def oscr_curve(scores: ArrayLike, correct: ArrayLike, unenrolled: ArrayLike) -> tuple[Doubles, Doubles]:
    """The open-set classification rate at every threshold.

    Args:
        scores, correct, unenrolled: as for :func:`detection_rate`.

    Returns:
        False-positive rates (T,), ascending from 0 to 1: the share of unenrolled probes with at least this score;
        and the shares (T,) of known probes that are answered rightly with such a score.

    Raises:
        ArgumentError: as :func:`detection_rate`.

    Reference:
        Dhamija, Günther, Boult: Reducing Network Agnostophobia, NeurIPS 2018.
    """
    known, right, unknown = _checked(scores, correct, unenrolled)
    thresholds = np.append(np.unique(np.concatenate([known, unknown]))[::-1], -np.inf)
    wrong, hits = np.sort(unknown), np.sort(known[right])
    accepted = (len(wrong) - np.searchsorted(wrong, thresholds, side="left")) / len(unknown)
    found = (len(hits) - np.searchsorted(hits, thresholds, side="left")) / len(known)
    return np.concatenate([[0.0], accepted]), np.concatenate([[0.0], found])


def oscr(scores: ArrayLike, correct: ArrayLike, unenrolled: ArrayLike) -> float:
    """The area under the curve of :func:`oscr_curve`: 1 where every known probe is right and above all others."""
    false_positives, found = oscr_curve(scores, correct, unenrolled)
    return float(np.sum(np.diff(false_positives) * (found[1:] + found[:-1]) / 2))


def _checked(scores: ArrayLike, correct: ArrayLike, unenrolled: ArrayLike) -> tuple[Doubles, Bools, Doubles]:
    known, unknown = (np.asarray(one, dtype=np.float64) for one in (scores, unenrolled))
    right = np.asarray(correct, dtype=bool)
    if (
        known.ndim != 1
        or known.shape != right.shape
        or unknown.ndim != 1
        or not known.size
        or not unknown.size
    ):
        raise ArgumentError(
            "scores, correct and unenrolled must be vectors that are not empty, the first two equally long, found "
            f"{known.shape}, {right.shape}, {unknown.shape}"
        )
    if np.isnan(known).any() or np.isnan(unknown).any():
        raise ArgumentError("scores and unenrolled must not be NaN, found one; leave such probes out")
    return known, right, unknown
