"""Calibration against known distortions, and rejecting against the rate it promises."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from metric_face.errors import ArgumentError
from metric_face.metrics.calibration import calibrate, fit_temperature, reliability
from metric_face.metrics.reject import reject_threshold


def draw(rows=3000, classes=5, seed=0):
    """Logits whose softmax is the true probability, and labels drawn from it; three rows an identity."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (rows, classes))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return logits, labels, np.arange(rows) // 3


def softmax(logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("distortion", [0.2, 1.0, 4.0])
def test_temperature_undoes_a_distortion(distortion):
    logits, labels, _ = draw(20_000)
    assert fit_temperature(logits * distortion, labels) == pytest.approx(distortion, rel=0.05)


def test_temperature_is_the_optimum():
    logits, labels, _ = draw(500)

    def loss(log_t):
        return -np.log(softmax(logits / np.exp(log_t))[np.arange(500), labels]).mean()

    want = minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-8}).x
    assert fit_temperature(logits, labels) == pytest.approx(np.exp(want), rel=1e-4)


def test_temperature_of_separable_and_of_useless_scores_is_bounded():
    eye = np.eye(3)[[0, 1, 2] * 10]
    assert 1e-3 <= fit_temperature(eye, [0, 1, 2] * 10) < 0.1
    assert 10 < fit_temperature(eye, [1, 2, 0] * 10) <= 1000


def test_calibration_mends_an_overconfident_classifier():
    logits, labels, identities = draw()
    sure = softmax(4 * logits)
    got = calibrate(sure, labels, identities)
    assert got.error_before > 0.15
    assert got.error_after < 0.04
    assert got.num_identities == 1000
    after = got.apply(sure)
    np.testing.assert_allclose(after.sum(axis=1), 1)
    np.testing.assert_array_equal(after.argmax(axis=1), sure.argmax(axis=1))
    assert reliability(after.max(axis=1), after.argmax(axis=1) == labels).error < 0.04


def test_calibration_leaves_a_calibrated_classifier_alone():
    logits, labels, identities = draw(9000)
    got = calibrate(softmax(logits), labels, identities)
    assert got.temperature == pytest.approx(1, abs=0.1)
    assert got.error_after < 0.03


def test_votes_of_zero_do_not_prove_anything():
    """Five neighbors: the true class often has no vote; without a floor one such row costs infinitely much."""
    logits, labels, identities = draw()
    rng = np.random.default_rng(1)
    votes = np.array([rng.multinomial(5, p) for p in softmax(logits)]) / 5
    got = calibrate(votes, labels, identities)
    after = got.apply(votes)
    assert (after[np.arange(len(labels)), labels] > 0).all()
    assert got.error_after < got.error_before
    unsure = got.apply(np.zeros((1, 5)))
    np.testing.assert_allclose(unsure, 0.2)


def test_reported_error_is_of_people_not_fitted_on():
    """Pure noise with one row per identity: fitted in sample any error looks smaller than it is."""
    logits, labels, _ = draw(60)
    shuffled = np.random.default_rng(0).permutation(labels)
    got = calibrate(softmax(logits), shuffled, np.arange(60))
    assert got.temperature > 5
    assert np.isfinite(got.error_after)


def test_reliability_by_hand():
    got = reliability([0.9, 0.9, 0.5, 0.5], [True, False, True, False], bins=2)
    assert got.confidence.tolist() == [0.5, 0.9]
    assert got.accuracy.tolist() == [0.5, 0.5]
    assert got.counts.tolist() == [2, 2]
    assert got.error == pytest.approx(0.2)


def test_equal_confidences_share_a_bin():
    right = np.arange(100) % 2 == 0
    for order in (slice(None), slice(None, None, -1)):
        got = reliability(np.full(100, 0.5), right[order], bins=10)
        assert got.counts.tolist() == [100]
        assert got.error == 0


def test_without_a_wrong_answer_all_are_accepted_and_nothing_is_promised():
    for rate in (0.1, 0.9):
        rule = reject_threshold([0.2, 0.9], [True, True], false_accept_rate=rate)
        assert (rule.threshold, rule.coverage, rule.guaranteed) == (0.2, 1.0, False)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reliability([0.5], [True, False]), "equally long vectors"),
        (lambda: reliability([1.5], [True]), "confidence must lie in 0..1"),
        (lambda: reliability([0.5], [True], bins=0), "bins must be at least 1, found 0"),
        (lambda: calibrate([[0.5, 0.9]], [0], [0]), "must sum to 1 in each row, found 1.4"),
        (lambda: calibrate([[0.5, -0.5]], [0], [0]), "not negative"),
        (lambda: calibrate([[0.5, 0.5]], [0], [0]), "at least 2, found 1 and 5"),
        (lambda: calibrate([[0.5, 0.5]], [2], [0]), r"y_true must lie in 0..1, found 2..2"),
        (lambda: fit_temperature([[np.inf, 0]], [0]), "finite"),
        (lambda: fit_temperature([[1, 0]], [0, 1]), "one per row, found 2 for 1"),
        (lambda: reject_threshold([0.5], [False]), "must hold a right answer"),
        (lambda: reject_threshold([np.nan], [True]), "scores must not be NaN"),
        (lambda: reject_threshold([0.5], [True], false_accept_rate=1), "must lie between 0 and 1, found 1"),
        (lambda: reject_threshold([0.5], [True, False]), "equally long"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()


def test_reject_keeps_the_promised_rate_for_new_answers():
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(300):
        right = rng.random(200) < 0.7
        rule = reject_threshold(rng.normal(right, 1), right, false_accept_rate=0.1)
        assert rule.guaranteed
        assert rule.false_accept_rate <= 0.1
        rates.append(rule.accepts(rng.normal(0, 1, 500)).mean())  # new wrong answers
    assert np.mean(rates) <= 0.1
    assert np.mean(rates) > 0.07  # and not by refusing everything


def test_reject_says_when_it_cannot_promise():
    scores, right = np.array([0.9, 0.8, 0.7, 0.2]), np.array([True, True, True, False])
    rule = reject_threshold(scores, right, false_accept_rate=0.01)
    assert not rule.guaranteed  # one wrong answer says nothing about one in a hundred
    assert rule.accepts(scores).tolist() == [True, True, True, False]
    assert (rule.num_wrong, rule.precision, rule.recall) == (1, 1.0, 1.0)


def test_reject_for_f1_equals_trying_every_threshold():
    rng = np.random.default_rng(0)
    for _ in range(20):
        right = rng.random(60) < 0.4
        scores = np.round(rng.normal(right, 1), 1)  # with equal scores
        rule = reject_threshold(scores, right)
        tried = []
        for threshold in scores:
            taken = scores >= threshold
            tried.append(2 * (taken & right).sum() / (taken.sum() + right.sum()))
        assert rule.f1 == pytest.approx(max(tried))
        taken = rule.accepts(scores)
        assert rule.coverage == taken.mean()
        assert rule.precision == pytest.approx(right[taken].mean())
        assert rule.false_accept_rate == pytest.approx(taken[~right].mean())


def test_without_a_wrong_answer_everything_is_accepted_for_f1():
    rule = reject_threshold([0.1, 0.9], [True, True])
    assert (rule.coverage, rule.false_accept_rate, rule.f1) == (1.0, 0.0, 1.0)
