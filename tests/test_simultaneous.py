"""Intervals of many differences: each score is what scikit-learn says, and all intervals hold together."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from metric_face.errors import ArgumentError
from metric_face.metrics import bootstrap_interval, f1_tally, share_tally, simultaneous_intervals


def test_tallies_are_the_scores_of_the_items_that_a_resample_draws() -> None:
    generator = np.random.default_rng(0)
    groups, true, predicted = (generator.integers(0, most, 200) for most in (12, 3, 3))
    weights = generator.multinomial(12, np.full(12, 1 / 12), size=5).astype(float)
    counted = generator.random(200) < 0.7
    found = f1_tally(true, predicted, groups, 3)(weights)
    shares = share_tally(true == predicted, counted, groups)(weights)
    for number, row in enumerate(weights):
        rows = np.concatenate([np.repeat(np.flatnonzero(groups == g), int(row[g])) for g in range(12)])
        assert found[number] == pytest.approx(f1_score(true[rows], predicted[rows], average="macro"))
        kept = rows[counted[rows]]
        assert shares[number] == pytest.approx((true == predicted)[kept].mean())


def test_a_single_difference_has_about_the_interval_of_the_plain_bootstrap() -> None:
    generator = np.random.default_rng(1)
    groups, true = np.repeat(np.arange(150), 4), generator.integers(0, 3, 600)
    first, second = (np.where(generator.random(600) < 0.7, true, generator.integers(0, 3, 600)) for _ in "ab")
    tallies = [f1_tally(true, one, groups, 3) for one in (first, second)]
    alone = simultaneous_intervals(tallies, [(0, 1)], 150)
    plain = bootstrap_interval(true, first, groups, other=second, num_classes=3)
    assert alone.factor == pytest.approx(1.96, abs=0.12)
    assert alone.intervals[0].value == pytest.approx(plain.value)
    assert alone.intervals[0].high - alone.intervals[0].low == pytest.approx(plain.high - plain.low, rel=0.15)


def hits(generator: np.random.Generator, arms: int) -> tuple[np.ndarray, np.ndarray]:
    """Identities of 4 images, and of each setting who is right: none is better than another."""
    easy = np.repeat(generator.beta(2, 2, 60), 4)
    return np.repeat(np.arange(60), 4), generator.random((arms, 240)) < easy


def test_of_twenty_differences_without_cause_the_largest_seldom_leaves_out_zero() -> None:
    generator, missed, single = np.random.default_rng(2), 0, 0
    for _ in range(200):
        groups, right = hits(generator, 21)
        tallies = [share_tally(one, np.ones(240, bool), groups) for one in right]
        found = simultaneous_intervals(tallies, [(arm, 0) for arm in range(1, 21)], 60, resamples=300)
        missed += any(one.excludes_zero() for one in found.intervals)
        single += any(abs(one.value) > 1.96 * one.standard_error for one in found.intervals)
    assert missed <= 20  # 10 are expected of 200
    assert single >= 50  # without the correction


def test_the_same_answers_differ_by_nothing() -> None:
    groups, right = hits(np.random.default_rng(3), 1)
    tally = share_tally(right[0], np.ones(240, bool), groups)
    found = simultaneous_intervals([tally, tally], [(0, 1)], 60)
    assert (found.intervals[0].low, found.intervals[0].value, found.intervals[0].high) == (0, 0, 0)
    assert not found.intervals[0].excludes_zero()


@pytest.mark.parametrize(
    ("pairs", "identities", "words"), [([], 5, "pairs must"), ([(0, 0)], 1, "at least 2")]
)
def test_nothing_to_compare_is_refused(pairs: list[tuple[int, int]], identities: int, words: str) -> None:
    tally = share_tally(np.ones(5, bool), np.ones(5, bool), np.arange(5) % identities)
    with pytest.raises(ArgumentError, match=words):
        simultaneous_intervals([tally], pairs, identities)
