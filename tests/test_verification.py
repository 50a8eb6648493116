"""Verification on pairs: scikit-learn's ROC, counting, and a simulation of what the intervals hold."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve

from metric_face.errors import ArgumentError
from metric_face.metrics import verification_metrics
from metric_face.metrics.pair_folds import best_threshold, fold_accuracy
from metric_face.metrics.pair_resampling import PairResampling


def pairs(seed: int, genuine: int = 400, impostor: int = 900, decimals: int = 9) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    same = np.repeat([True, False], [genuine, impostor])
    first = generator.integers(0, 60, genuine + impostor)
    second = np.where(same, first, (first + generator.integers(1, 60, len(first))) % 60)
    scores = np.round(generator.normal(0.5 * same, 0.3), decimals)
    return {"similarities": scores, "same": same, "first": first, "second": second}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("decimals", [9, 1])  # with ties
def test_rates_are_those_of_scikit_learn(seed: int, decimals: int) -> None:
    one = pairs(seed, decimals=decimals)
    found = verification_metrics(**one, resamples=20, rates=(0.1, 0.05, 0.02))
    false_accepts, accepts, thresholds = roc_curve(one["same"], one["similarities"], drop_intermediate=False)
    assert found.auc.value == pytest.approx(roc_auc_score(one["same"], one["similarities"]))
    for rate, score in found.tpr_at_far.items():
        at = np.flatnonzero(false_accepts <= float(rate))[-1]
        assert score.value == pytest.approx(accepts[at])
        assert found.thresholds[rate] == pytest.approx(thresholds[at])
        taken = one["similarities"] >= found.thresholds[rate]
        assert taken[~one["same"]].mean() <= float(rate)
        assert taken[one["same"]].mean() == pytest.approx(score.value)
        assert score.low <= score.value <= score.high
    straight = interp1d(false_accepts, accepts)
    assert found.eer.value == pytest.approx(brentq(lambda x: 1 - x - straight(x), 0, 1), abs=1e-9)
    for rate, share in found.curve[::40]:
        assert share == pytest.approx(accepts[np.flatnonzero(false_accepts <= rate + 1e-12)[-1]])


def test_too_few_impostor_pairs_say_nothing_of_a_rate() -> None:
    found = verification_metrics(**pairs(0, impostor=1000), resamples=20)
    assert list(found.tpr_at_far) == ["0.1", "0.01"]
    assert found.abstained == {
        "0.001": "1,000 impostor pairs; it takes 10,000",
        "0.0001": "1,000 impostor pairs; it takes 100,000",
    }


def test_a_fold_is_decided_by_the_threshold_of_the_others() -> None:
    one = pairs(4)
    folds = np.random.default_rng(0).integers(0, 10, len(one["same"]))
    found = fold_accuracy(one["similarities"], one["same"], folds)
    for fold in range(10):
        rest, held = folds != fold, folds == fold
        near, same = one["similarities"][rest], one["same"][rest]
        most = max(((near >= level) == same).sum() for level in np.append(near, 9.0))
        threshold = found.thresholds[fold]
        assert ((near >= threshold) == same).sum() == most
        decided = (one["similarities"][held] >= threshold) == one["same"][held]
        assert found.accuracies[fold] == pytest.approx(decided.mean())
    whole = verification_metrics(**one, folds=folds, resamples=50)
    assert whole.accuracy is not None
    assert whole.accuracy.value == pytest.approx(np.mean(found.right))
    assert whole.accuracy_error == pytest.approx(np.std(found.accuracies, ddof=1) / np.sqrt(10))


@pytest.mark.parametrize(
    ("near", "same", "low", "high"),
    [
        ([0.1, 0.9], [False, True], 0.1, 0.9),
        ([0.1, 0.2, 0.9], [False, False, False], 0.9, 9.0),  # all are refused
        ([0.1, 0.2, 0.9], [True, True, True], -9.0, 0.1),
        ([0.5, 0.5, 0.5], [True, True, False], -9.0, 0.5),
    ],
)
def test_a_threshold_lies_between(near: list[float], same: list[bool], low: float, high: float) -> None:
    threshold = best_threshold(np.array(near), np.array(same))
    right = [int(((np.array(near) >= level) == same).sum()) for level in (*near, 9.0, threshold)]
    assert right[-1] == max(right)
    assert low <= threshold <= high


def drawn_pairs(generator: np.random.Generator, identities: int, spread: float) -> dict[str, np.ndarray]:
    """Pairs of identities that differ in how similar their images are, and in whom others they resemble."""
    easy = generator.normal(0, spread, identities)
    genuine = np.repeat(np.arange(identities), 4)
    first, second = generator.integers(0, identities, (2, 6 * identities))
    across = first != second
    first, second = np.append(genuine, first[across]), np.append(genuine, second[across])
    same = first == second
    scores = 1.0 * same + easy[first] * np.where(same, 1, 0.5) + np.where(same, 0, 0.5) * easy[second]
    return {
        "similarities": scores + generator.normal(0, 0.5, len(scores)),
        "same": same,
        "first": first,
        "second": second,
    }


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_intervals_hold_the_truth(spread: float) -> None:
    """Of 60 sets of 60 identities each, at 95 %: 50 or fewer has a chance of one in 3,000 if the coverage is .95."""
    large = verification_metrics(
        **drawn_pairs(np.random.default_rng(99), 20_000, spread), rates=(0.1,), resamples=2
    )
    held = np.zeros(3)
    widths = []
    for seed in range(60):
        one = drawn_pairs(np.random.default_rng(seed), 60, spread)
        found = verification_metrics(**one, rates=(0.1,), resamples=100)
        scores = (found.auc, found.eer, found.tpr_at_far["0.1"])
        truths = (large.auc.value, large.eer.value, large.tpr_at_far["0.1"].value)
        held += [score.low <= truth <= score.high for score, truth in zip(scores, truths, strict=True)]
        widths.append([(score.value, score.standard_error) for score in scores])
    assert (held > 50).all(), held
    values, errors = np.array(widths)[..., 0], np.array(widths)[..., 1]
    ratio = errors.mean(axis=0) / values.std(axis=0, ddof=1)  # of what is claimed to what is found
    assert (ratio < 1.6).all(), ratio


def test_the_variance_of_a_mean_over_pairs_is_that_of_the_dyadic_formula() -> None:
    generator = np.random.default_rng(3)
    first, second = np.triu_indices(40, 1)
    easy = generator.normal(size=40)
    values = easy[first] + easy[second] + generator.normal(size=len(first))
    scaled = (values - values.min()) / np.ptp(values)

    def mean(weights: np.ndarray) -> np.ndarray:
        return np.array([weights @ scaled / weights.sum()])

    (found,) = PairResampling(first, second, resamples=2000).intervals(mean)
    off = scaled - scaled.mean()
    by_identity = np.bincount(first, off, 40) + np.bincount(second, off, 40)
    variance = ((by_identity**2).sum() - (off**2).sum()) / len(off) ** 2  # Aronow, Samii, Assenova, eq. 5
    assert found.standard_error == pytest.approx(np.sqrt(variance), rel=0.1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"same": [True, True, True]}, "must hold genuine and impostor pairs, found 3 and 0"),
        ({"same": [0.0, 1.0, 1.0]}, "the second of booleans"),
        ({"similarities": [np.nan, 1, 1]}, "similarities must be finite"),
        ({"first": [1, 2]}, r"first must hold an identity for each pair, found shape \(2,\)"),
        ({"rates": (0,)}, "rates must lie between 0 and 1, found 0"),
        ({"folds": [1, 1, 1]}, "folds must be at least 2, found 1"),
        ({"folds": [1, 2]}, "folds must be one for each pair"),
    ],
)
def test_what_cannot_be_measured_is_refused(change: dict[str, object], said: str) -> None:
    given: dict[str, object] = {"similarities": [0.9, 0.2, 0.1], "same": [True, False, False]}
    given |= {"first": ["a", "b", "c"], "second": ["a", "c", "a"]}
    call: Callable[..., object] = verification_metrics
    with pytest.raises(ArgumentError, match=said):
        call(**{**given, **change})
