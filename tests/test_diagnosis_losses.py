"""Hypothesis B: the angle raises the question, the outcome decides."""

import numpy as np
import pandas as pd
import pytest
from diagnosis_cases import found, small_run

from metric_face import diagnose
from metric_face.diagnosis.finding import Confidence, Verdict
from metric_face.diagnosis.questions.worth import compare

TOGETHER_BETTER = {"metric": [0.60, 0.61, 0.62], "head": [0.70, 0.71, 0.72], "both": [0.73, 0.74, 0.75]}
TOGETHER_WORSE = TOGETHER_BETTER | {"both": [0.63, 0.64, 0.65]}


def _log(kappa, low, high, tangential=None):
    return pd.DataFrame(
        {
            "step": [100, 200],
            "epoch": [0, 1],
            "conflict/kappa": [0.3, kappa],
            "conflict/low": [0.2, low],
            "conflict/high": [0.4, high],
            "conflict/raw": [0.05, kappa / 10],
            "conflict/tangential": [0.3, kappa if tangential is None else tangential],
        }
    )


def _ask(log, runs=None):
    result = diagnose(**small_run(0, identities=60), log=log, runs=runs, questions=["conflict", "worth"])
    return result, next(a for a in result.answers if a.hypothesis == "B")


@pytest.mark.parametrize(
    ("kappa", "low", "high", "runs", "verdict", "reason"),
    [
        (0.2, 0.1, 0.3, None, Verdict.NOT_SUPPORTED, "not_opposed"),
        (0.0, -0.1, 0.1, None, Verdict.NOT_SUPPORTED, "not_opposed"),
        (-0.3, -0.8, 0.2, None, Verdict.CANNOT_TELL, "interval_holds_zero"),
        (-0.5, -0.6, -0.4, None, Verdict.CANNOT_TELL, "no_arms"),
        (-0.5, -0.6, -0.4, TOGETHER_BETTER, Verdict.NOT_SUPPORTED, "outcome_no_worse"),
        (-0.5, -0.6, -0.4, TOGETHER_WORSE, Verdict.SUPPORTED, "opposed"),
    ],
)
def test_the_answer_needs_both_the_angle_and_the_outcome(kappa, low, high, runs, verdict, reason) -> None:
    _, answer = _ask(_log(kappa, low, high), runs)
    assert (answer.verdict, answer.reason) == (verdict, reason)
    assert (answer.measure.value, answer.measure.low, answer.measure.high) == (kappa, low, high)


def test_findings_follow_the_answer() -> None:
    assert found(_ask(_log(0.2, 0.1, 0.3), TOGETHER_BETTER)[0]) == []
    suspected = _ask(_log(-0.5, -0.6, -0.4))[0]
    assert found(suspected) == ["conflict.suspected"]
    assert suspected.findings[0].confidence is Confidence.POSSIBLE
    opposed = _ask(_log(-0.5, -0.6, -0.4), TOGETHER_WORSE)[0]
    assert found(opposed) == ["conflict.opposed"]
    assert opposed.findings[0].explained == pytest.approx(0.07)
    assert found(_ask(_log(-0.5, -0.6, -0.4), TOGETHER_BETTER)[0]) == []


def test_a_conflict_of_lengths_alone_is_no_conflict_of_aims() -> None:
    result, answer = _ask(_log(-0.5, -0.6, -0.4, tangential=0.1), TOGETHER_WORSE)
    assert (answer.verdict, answer.reason) == (Verdict.NOT_SUPPORTED, "lengths_only")
    assert "conflict.opposed" not in found(result)


def test_a_metric_loss_that_costs_is_reported_without_a_conflict() -> None:
    assert found(_ask(_log(0.2, 0.1, 0.3), TOGETHER_WORSE)[0]) == ["worth.hurts"]
    assert found(_ask(None, TOGETHER_WORSE)[0]) == ["worth.hurts"]
    few = {name: scores[:2] for name, scores in TOGETHER_WORSE.items()}
    result, _ = _ask(None, few)
    assert found(result) == []
    assert "no_arms" in [a.reason for a in result.abstentions]


def test_without_a_log_the_answer_is_that_it_cannot_be_told() -> None:
    assert _ask(None)[1].reason == "no_log"
    assert _ask(pd.DataFrame({"step": [1], "loss": [1.0]}))[1].reason == "no_angles"


def test_welch_interval_is_that_of_scipy() -> None:
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(0)
    a, b = rng.normal(0.1, 1.0, 5), rng.normal(0.0, 3.0, 4)
    other = ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    gap, low, high = compare(a, b)
    assert gap == pytest.approx(a.mean() - b.mean())
    assert (low, high) == pytest.approx((other.low, other.high))


def test_weights_along_the_class_means_agree_with_the_geometry() -> None:
    run = small_run(0, identities=60)
    masks, points = run["labels"]["mask"], run["embeddings"]
    means = np.stack([points[masks == c].mean(axis=0) - points.mean(axis=0) for c in range(3)])
    for weights, cosine in ((means, 1.0), (-means, -1.0)):
        result = diagnose(**run, head={"mask": weights}, questions=["conflict"])
        for row in result.tables["conflict.self_duality"].rows:
            assert row[2] == pytest.approx(cosine, abs=1e-5)


def test_images_that_recur_in_every_epoch_widen_the_interval() -> None:
    """900 probes, 100 batches an epoch: each image is in nine of them, so the interval is three times as wide."""
    log = _log(-0.5, -0.6, -0.4).assign(**{"conflict/probes": 900.0})  # steps 100 and 200 are an epoch apart
    result, answer = _ask(log)
    assert (answer.measure.low, answer.measure.high) == (pytest.approx(-0.8), pytest.approx(-0.2))
    assert found(result) == ["conflict.suspected"]
    result, answer = _ask(_log(-0.3, -0.4, -0.15).assign(**{"conflict/probes": 900.0}))
    assert answer.measure.high > 0
    assert found(result) == []
    assert found(_ask(_log(-0.3, -0.4, -0.15).assign(**{"conflict/probes": 100.0}))[0]) == [
        "conflict.suspected"
    ]
