"""Per-class thresholds chosen for macro F1, with a gain that is not the selection's own."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metric_face.arrays import Doubles, Ints
from metric_face.errors import ArgumentError
from metric_face.fold_assignment import identity_folds
from metric_face.metrics.f1 import as_codes, as_labels, f1_from_counts, macro_f1
from metric_face.metrics.intervals import Interval, bootstrap_interval

_ROUNDS = 20
_TINY = 1e-12


class ClassThresholds:
    """Predicts argmax_c p_c / t_c, with the thresholds t chosen for macro F1.

    Argmax serves accuracy: it gives a rare class up where a common one is likelier. Macro F1 asks each class for
    its own trade, which one threshold per class can make after training. They are found by coordinate ascent:
    for one class at a time the best cut over all items is exact (macro F1 only changes where an item changes
    sides), the classes are gone through until none improves, from two starts, argmax and the balanced prior.

    Choose on validation data, and quote `threshold_gain`, not the gain on the data they were chosen on.

    Attributes:
        thresholds_: (C,) above 0, of geometric mean 1; a higher one makes its class rarer.

    Reference:
        Plug-in thresholds for F-measures: Koyejo et al., Consistent Binary Classification with Generalized
        Performance Metrics, NeurIPS 2014.
    """

    thresholds_: Doubles

    def fit(self, probabilities: ArrayLike, y_true: ArrayLike) -> "ClassThresholds":
        """Choose the thresholds.

        Args:
            probabilities: (N, C) not negative, such as softmax outputs.
            y_true: (N,) integer classes in 0..C-1.

        Raises:
            ArgumentError: the arguments are not of these shapes.
        """
        chances, true = _check(probabilities, y_true)
        logs = np.log(np.maximum(chances, _TINY))
        counts = np.bincount(true, minlength=logs.shape[1])
        starts = np.zeros(logs.shape[1]), -np.log(np.maximum(counts, 1) / len(true))
        score, offsets = max((_ascend(logs, true, start) for start in starts), key=lambda found: found[0])
        if score <= macro_f1(true, logs.argmax(axis=1)) + _TINY:
            offsets = starts[0]
        self.thresholds_ = np.exp(offsets.mean() - offsets)
        return self

    def predict(self, probabilities: ArrayLike) -> Ints:
        """Return the class (N,) of each row of probabilities (N, C)."""
        chances = _check_probabilities(probabilities)
        if chances.shape[1] != len(self.thresholds_):
            raise ArgumentError(
                f"probabilities must have {len(self.thresholds_)} columns, one per class fitted, "
                f"found {chances.shape[1]}"
            )
        return np.asarray((np.maximum(chances, _TINY) / self.thresholds_).argmax(axis=1), dtype=np.int64)


@dataclass(frozen=True)
class ThresholdGain:
    """What thresholds are worth on identities they were not chosen on."""

    gain: Interval
    """Macro F1 with thresholds minus that of argmax, each identity evaluated with thresholds chosen without it."""
    apparent: float
    """The gain on the data the thresholds were chosen on, which is partly selection."""
    thresholds: Doubles
    """(C,) chosen on all the data, to use afterwards."""


def threshold_gain(
    probabilities: ArrayLike,
    y_true: ArrayLike,
    identities: ArrayLike | None = None,
    *,
    folds: int = 5,
    resamples: int = 1000,
    seed: int = 0,
) -> ThresholdGain:
    """Choose per-class thresholds and measure their gain in macro F1 by cross-validation over identities.

    Args:
        probabilities: (N, C) on data the model was not trained on.
        y_true: (N,) integer classes in 0..C-1.
        identities: (N,) integers or strings; all images of an identity are evaluated with thresholds chosen without
            that identity. None takes each item for an identity.
        folds: number of parts.
        resamples: bootstrap resamples of the gain's interval.
        seed: of the folds and the resampling.

    Returns:
        The gain with its interval over identities, the apparent gain, and the thresholds from all the data.

    Raises:
        ArgumentError: the arguments are not of these shapes, or there are fewer identities than folds.
    """
    chances, true = _check(probabilities, y_true)
    groups = as_codes(np.arange(len(true)) if identities is None else identities, len(true))
    argmax = np.asarray(chances.argmax(axis=1), dtype=np.int64)
    adjusted = argmax.copy()
    fold = identity_folds(groups, folds, true, seed=seed)
    for held in (fold == number for number in range(folds)):
        adjusted[held] = ClassThresholds().fit(chances[~held], true[~held]).predict(chances[held])
    whole = ClassThresholds().fit(chances, true)
    classes = chances.shape[1]
    gain = bootstrap_interval(
        true, adjusted, groups, other=argmax, num_classes=classes, resamples=resamples, seed=seed
    )
    apparent = macro_f1(true, whole.predict(chances), classes) - macro_f1(true, argmax, classes)
    return ThresholdGain(gain, apparent, whole.thresholds_)


def _ascend(logs: Doubles, true: Ints, offsets: Doubles) -> tuple[float, Doubles]:
    """Improve one class's offset at a time until none improves; return macro F1 and the offsets."""
    offsets = offsets.copy()
    best = macro_f1(true, (logs + offsets).argmax(axis=1))
    for _ in range(_ROUNDS):
        before = best
        for label in range(logs.shape[1]):
            score, offset = _best_cut(logs, true, offsets, label)
            if score > best + _TINY:
                best, offsets[label] = score, offset
        if best <= before + _TINY:
            break
    return best, offsets


def _best_cut(logs: Doubles, true: Ints, offsets: Doubles, label: int) -> tuple[float, float]:
    """The offset of one class that gives the best macro F1 with the others fixed, over every possible cut."""
    items, classes = logs.shape
    others = logs + offsets
    others[:, label] = -np.inf
    rival = others.argmax(axis=1)
    needed = others[np.arange(items), rival] - logs[:, label]  # the item goes to the class at this offset
    order = np.argsort(needed, kind="stable")
    needed, rival, own = needed[order], rival[order], true[order]
    scores = _scores_of_cuts(rival, own, label, classes)
    possible = np.concatenate([[True], needed[1:] > needed[:-1], [True]])
    scores[~possible] = -np.inf
    edges = np.concatenate([[needed[0] - 2], needed, [needed[-1] + 2]])
    middles = (edges[:-1] + edges[1:]) / 2
    ties = np.flatnonzero(scores >= scores.max() - _TINY)
    chosen = ties[np.argmin(np.abs(middles[ties] - offsets[label]))]  # the least change among equals
    return float(scores[chosen]), float(middles[chosen])


def _scores_of_cuts(rival: Ints, own: Ints, label: int, classes: int) -> Doubles:
    """Macro F1 (N + 1,) where the first 0 to N items go to one class and the others to their rivals.

    An item that changes sides changes the F1 of its rival and of the class alone, so a cut costs two terms, not C.

    Args:
        rival: (N,) the class that each item goes to otherwise, never ``label``.
        own: (N,) the true classes.
        label: the class.
        classes: C.
    """
    items, true = len(rival), np.bincount(own, minlength=classes)
    by_rival = np.argsort(rival, kind="stable")
    of, hit = rival[by_rival], (rival == own)[by_rival]
    predicted = np.bincount(rival, minlength=classes)
    hits = np.bincount(rival[rival == own], minlength=classes)
    start = (np.cumsum(predicted) - predicted)[of]
    gone, found = np.arange(items) - start, np.cumsum(hit) - hit
    found -= found[start]  # hits of the rival among those of its items that went before
    before = f1_from_counts(hits[of] - found, true[of], predicted[of] - gone)
    after = f1_from_counts(hits[of] - found - hit, true[of], predicted[of] - gone - 1)
    change, is_left = np.empty(items), np.empty(items, np.int64)
    change[by_rival] = np.nan_to_num(after) - np.nan_to_num(before)
    is_left[by_rival] = np.isnan(after)  # the last item of a class that no item has: it counts no longer
    first = f1_from_counts(hits, true, predicted)
    first[label] = np.nan
    mine = f1_from_counts(np.append(0, np.cumsum(own == label)), true[label], np.arange(items + 1))
    # Of 64 bits the sum of a million changes would keep 11 digits, and ties are told by 12.
    sums = np.nansum(first) + np.append(0, np.cumsum(change, dtype=np.longdouble)) + np.nan_to_num(mine)
    counts = np.isfinite(first).sum() - np.append(0, np.cumsum(is_left)) + np.isfinite(mine)
    return np.asarray(sums / counts, np.float64)


def _check(probabilities: ArrayLike, y_true: ArrayLike) -> tuple[Doubles, Ints]:
    chances, true = _check_probabilities(probabilities), as_labels(y_true, "y_true")
    if len(true) != len(chances):
        raise ArgumentError(
            f"y_true must be one per row of probabilities, found {len(true)} for {len(chances)}"
        )
    if true.min() < 0 or true.max() >= chances.shape[1]:
        bad = true.min() if true.min() < 0 else true.max()
        raise ArgumentError(
            f"y_true must lie in 0..{chances.shape[1] - 1}, found {bad}: one column per class"
        )
    return chances, true


def _check_probabilities(probabilities: ArrayLike) -> Doubles:
    chances: NDArray[Any] = np.asarray(probabilities, dtype=np.float64)
    if chances.ndim != 2 or chances.shape[1] < 2:
        raise ArgumentError(
            f"probabilities must be of shape (N, C) with 2 or more classes, found {chances.shape}"
        )
    if not np.isfinite(chances).all() or (chances < 0).any():
        raise ArgumentError(
            "probabilities must be finite and not negative, found others: apply a softmax first"
        )
    return chances
