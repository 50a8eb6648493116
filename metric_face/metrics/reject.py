"""When to answer "unknown": a threshold on the confidence, for a stated false-accept rate or for F1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Bools, Doubles
from metric_face.errors import ArgumentError


@dataclass(frozen=True)
class RejectRule:
    """Accept an answer whose score is at least the threshold; else it is "unknown".

    Attributes:
        threshold: the smallest score accepted.
        false_accept_rate: share of the wrong answers that were accepted where the rule was calibrated.
        coverage: share of all answers accepted there.
        precision: share of the accepted answers that were right; NaN where none was.
        recall: share of the right answers that were accepted.
        f1: of accepting exactly the right answers.
        num_wrong: wrong answers the calibration had.
        guaranteed: whether a stated false-accept rate holds for new wrong answers of the same kind (on
            average over calibration sets); False where too few wrong answers were seen to promise it, and
            for a rule that maximizes F1.
    """

    threshold: float
    false_accept_rate: float
    coverage: float
    precision: float
    recall: float
    f1: float
    num_wrong: int
    guaranteed: bool

    def accepts(self, scores: ArrayLike) -> Bools:
        """Whether each of (N,) answers is accepted."""
        accepted: Bools = np.asarray(scores, dtype=np.float64) >= self.threshold
        return accepted


def reject_threshold(
    scores: ArrayLike, correct: ArrayLike, *, false_accept_rate: float | None = None
) -> RejectRule:
    """Calibrate the threshold on held-out identities.

    With ``false_accept_rate`` r it is the smallest score at which (1 + accepted wrong) / (1 + wrong) <= r: the
    conformal count, which keeps the promise for the next wrong answer and not only for those seen. Without it,
    it is the score at which accepting exactly the right answers has the highest F1. Where no answer was wrong,
    every one seen is accepted, and nothing is guaranteed.

    Args:
        scores: (N,) confidence of each answer: a calibrated probability, or the nearest neighbor's similarity.
        correct: (N,) whether the answer was right; an item whose true class is not in the index counts as wrong.
        false_accept_rate: share of wrong answers that may be accepted, in (0, 1); None for the best F1.

    Returns:
        The rule, and what it did where it was calibrated.

    Raises:
        ArgumentError: lengths disagree, a score is NaN, no answer is right, or the rate is out of range.
    """
    values, right = np.asarray(scores, dtype=np.float64), np.asarray(correct, dtype=bool)
    if values.ndim != 1 or values.shape != right.shape or values.size == 0:
        raise ArgumentError(
            f"scores and correct must be equally long vectors, found {values.shape}, {right.shape}"
        )
    if np.isnan(values).any():
        raise ArgumentError("scores must not be NaN, found one; leave unanswered items out or score them 0")
    if not right.any():
        raise ArgumentError("correct must hold a right answer, found none; there is nothing to accept")
    if false_accept_rate is None:
        return _rule(values, right, _best_f1(values, right), guaranteed=False)
    if not 0 < false_accept_rate < 1:
        raise ArgumentError(f"false_accept_rate must lie between 0 and 1, found {false_accept_rate}")
    wrong = np.sort(values[~right])[::-1]
    allowed = int(np.floor(false_accept_rate * (1 + len(wrong)) + 1e-9)) - 1  # wrong answers that may pass
    guaranteed = allowed >= 0
    if allowed >= len(wrong) or not len(wrong):
        return _rule(values, right, float(values.min()), guaranteed)
    first_refused = wrong[max(allowed, 0)]
    return _rule(values, right, float(np.nextafter(first_refused, np.inf)), guaranteed)


def _best_f1(values: Doubles, right: Bools) -> float:
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(values) + 1) + right.sum())
    last_of_equals = np.append(ordered[1:] != ordered[:-1], True)  # a threshold takes all equal scores
    return float(ordered[np.argmax(np.where(last_of_equals, f1, -1.0))])


def _rule(values: Doubles, right: Bools, threshold: float, guaranteed: bool) -> RejectRule:
    accepted = values >= threshold
    hits, wrong = int((accepted & right).sum()), int((~right).sum())
    return RejectRule(
        threshold=threshold,
        false_accept_rate=float((accepted & ~right).sum() / wrong) if wrong else 0.0,
        coverage=float(accepted.mean()),
        precision=hits / int(accepted.sum()) if accepted.any() else float("nan"),
        recall=hits / int(right.sum()),
        f1=2 * hits / (int(accepted.sum()) + int(right.sum())),
        num_wrong=wrong,
        guaranteed=guaranteed,
    )
