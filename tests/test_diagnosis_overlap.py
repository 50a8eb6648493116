"""Overlap: oracles, nulls, and the answer to hypothesis A."""

from statistics import NormalDist

import numpy as np
import pytest
from diagnosis_cases import found, small_run
from scipy.stats import norm

from metric_face import diagnose
from metric_face.diagnosis.finding import Verdict
from metric_face.diagnosis.measures.class_pairs import _with_overlap
from metric_face.diagnosis.measures.pair_overlap import (
    PairOverlap,
    overlap,
    pair_scores,
    whiten,
    with_endless_identities,
)
from metric_face.diagnosis.measures.variance import complexity, variance_shares
from metric_face.fold_assignment import identity_folds


def _two_gaussians(
    distance: float, count: int = 6000, dimensions: int = 16, share: float = 0.3, seed: int = 0
):
    rng = np.random.default_rng(seed)
    second = rng.random(count) < share
    points = rng.normal(size=(count, dimensions))
    points[:, 0] += distance * second
    return points - points.mean(axis=0), second


def _ovl(points, second, identities, seed: int = 0):
    folds = identity_folds(identities, 5, second, seed=seed)
    rows = np.arange(len(points))
    scores = pair_scores(whiten(points, 0.01), second, folds, rows, rows)
    return overlap(scores, second, identities, seed)


@pytest.mark.parametrize("distance", [0.5, 1.0, 2.0, 3.0])
def test_overlap_of_two_gaussians_is_the_one_in_closed_form(distance: float) -> None:
    points, second = _two_gaussians(distance)
    measured = _ovl(points, second, np.arange(len(points)))
    assert measured.value == pytest.approx(2 * norm.cdf(-distance / 2), abs=0.04)
    assert np.allclose(measured.shares.sum(axis=1), 1)
    assert measured.value == pytest.approx(float(measured.shares.min(axis=0).sum()))


@pytest.mark.parametrize("true", [0.5, 1.0])
def test_the_null_of_few_identities_scores_only_rows_whose_labels_were_permuted(true: float) -> None:
    context = diagnose(**small_run(2, identities=60), questions=["budget"]).context
    attribute = context.attributes[0]
    second = context.labels[attribute] == 1
    rows = np.flatnonzero(context.labels[attribute] < 2)
    # As if a class had more rows than are used to fit a pair.
    fitted = rows[context.identities[rows] % 3 == 0]
    looked_at = (context, whiten(context.features, context.strength), fitted, second)
    every = _with_overlap(*looked_at, rows, true)
    np.testing.assert_array_equal(every, _with_overlap(*looked_at, fitted, true))
    assert every.mean() > 0.8 * true


def test_overlap_does_not_measure_imbalance() -> None:
    values = [
        _ovl(*_two_gaussians(2.0, 20_000, share=share), np.arange(20_000)).value for share in (0.5, 0.07)
    ]
    assert values[0] == pytest.approx(values[1], abs=0.04)


def test_an_identity_is_not_a_sample() -> None:
    """Without class signal, identities that are easy to recognize do not make classes look apart."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(300), 7)
    labels = rng.integers(0, 2, 300)[who]
    points = 5 * rng.normal(size=(300, 16))[who] + rng.normal(size=(len(who), 16))
    points -= points.mean(axis=0)
    by_identity = _ovl(points, labels > 0, who).value
    by_image = _ovl(points, labels > 0, np.arange(len(who))).value
    assert by_identity > 0.8
    assert by_image < by_identity


def test_bootstrap_of_the_overlap_draws_people() -> None:
    points, second = _two_gaussians(1.0, 2000)
    single = _ovl(points, second, np.arange(2000)).draws.std()
    identities = np.repeat(np.arange(200), 10)
    order = np.argsort(second, kind="stable")
    copied = np.repeat(points[order][::10][:200], 10, axis=0)
    marks = np.repeat(second[order][::10][:200], 10)
    grouped = _ovl(copied, marks, identities).draws.std()
    assert grouped > 2 * single


def test_overlapping_classes_are_found_and_answer_hypothesis_a() -> None:
    run = small_run(1, identities=500, gap=0.6)
    result = diagnose(**run)
    assert found(result)[0] == "overlap.classes"
    finding = result.findings[0]
    attribute = finding.values["attribute"]
    assert attribute in ("mask", "gender")
    assert finding.measure.value == pytest.approx(2 * NormalDist().cdf(-0.3), abs=0.08)
    assert finding.explained > 0.2
    answer = next(a for a in result.answers if a.hypothesis == "A")
    assert answer.verdict is Verdict.SUPPORTED
    identities = run["identities"]
    assert len(np.unique(identities[finding.evidence])) == len(finding.evidence)
    wrong = result.context.predicted[attribute] != run["labels"][attribute]
    assert wrong[finding.evidence].all()
    assert not np.isin(finding.controls, finding.rows).any()


def test_classes_apart_are_not_called_overlapping() -> None:
    result = diagnose(**small_run(2), questions=["overlap"])
    answer = result.answers[0]
    assert found(result) == []
    assert (answer.verdict, answer.reason) == (Verdict.NOT_SUPPORTED, "apart")
    assert answer.measure.high < 0.5
    assert len(result.tables["overlap.pairs"].rows) >= 7


def test_classes_that_only_a_straight_line_cannot_part_are_not_called_the_same() -> None:
    rng = np.random.default_rng(0)
    squares = rng.integers(0, 4, size=(1500, 2))  # a chessboard
    points = squares + 0.15 * rng.normal(size=(1500, 2)) + 5
    points = np.column_stack([points, np.full(1500, 20.0)])  # seen from afar, so that angles are distances
    result = diagnose(points.astype(np.float32), squares.sum(axis=1) % 2, questions=["overlap"])
    answer = result.answers[0]
    assert found(result) == []
    assert (answer.verdict, answer.reason) == (Verdict.NOT_SUPPORTED, "neighbors_part")


def test_below_thirty_identities_nothing_is_reported() -> None:
    result = diagnose(**small_run(3, identities=50), questions=["overlap"])
    assert result.answers[0].verdict is Verdict.CANNOT_TELL
    assert result.answers[0].reason == "few_identities"
    said = [a for a in result.abstentions if a.reason == "few_identities_in_class"]
    assert said
    assert all(a.values["identities"] < 30 for a in said)


def test_variance_shares_do_not_depend_on_where_the_embedding_lies() -> None:
    rng = np.random.default_rng(5)
    who = np.arange(3000) // 3
    labels = who % 4
    points = rng.normal(size=(3000, 8)) + 2 * rng.normal(size=(4, 8))[labels]
    near, far = (variance_shares((points + at).astype(np.float32), labels, who, 0) for at in (0.0, 3000.0))
    assert far.between_classes == pytest.approx(near.between_classes, abs=1e-4)


def test_variance_shares_add_up_and_know_their_null() -> None:
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(200), 5)
    labels = rng.integers(0, 2, 200)[who]
    points = 3 * rng.normal(size=(200, 8))[who] + rng.normal(size=(1000, 8))
    plain = variance_shares(points, labels, who, 0)
    told = variance_shares(points + 4 * labels[:, None], labels, who, 0)
    for shares in (plain, told):
        assert shares.between_classes + shares.between_identities + shares.within_identities == pytest.approx(
            1
        )
    assert plain.between_classes == pytest.approx(plain.null, abs=0.02)
    assert plain.p > 0.01
    assert told.p == 0.01
    assert told.between_classes > 0.2
    assert plain.between_identities == pytest.approx(9 / 10, abs=0.05)


def test_neighborhood_complexity_by_hand() -> None:
    points = np.array([[0.0], [1.0], [3.0], [10.0], [11.0]])
    labels = np.array([0, 0, 1, 1, 1])
    figures = complexity(points, labels, np.arange(5), 0)
    # The tree joins 0-1-3-10-11; only 1-3 crosses. Own: 1 1 7 1 1, other: 3 2 2 9 10.
    assert figures.n1 == pytest.approx(2 / 5)
    assert figures.n2 == pytest.approx((11 / 26) / (1 + 11 / 26))
    assert figures.n3 == pytest.approx(1 / 5)


def _two_classes(seed, dimensions, identities, overlapping):
    rng = np.random.default_rng(seed)
    kind, who = np.arange(identities) % 2, np.repeat(np.arange(identities), 3)
    vectors = 0.8 * rng.normal(size=(identities, dimensions))[who] + 0.6 * rng.normal(
        size=(len(who), dimensions)
    )
    vectors[:, 0] += -2 * norm.ppf(overlapping / 2) * kind[who]
    return vectors.astype(np.float32), kind[who], who


def _pair(seed, dimensions=128, identities=150, overlapping=0.3):
    result = diagnose(*_two_classes(seed, dimensions, identities, overlapping), questions=["overlap"])
    table = result.tables["overlap.pairs"]
    return result, dict(zip(table.columns, table.rows[0], strict=True))


def test_few_identities_for_the_dimensions_do_not_inflate_the_overlap() -> None:
    found_values, raw, covered = [], [], 0
    for seed in range(6):
        result, pair = _pair(seed)
        found_values.append(pair["overlap"])
        covered += pair["low"] <= 0.3 <= pair["high"]
        drawn = result.tables["overlap.histograms"].rows[0]
        raw.append(np.minimum(drawn[4], drawn[5]).sum())
        assert result.answers[0].verdict is not Verdict.SUPPORTED
    assert np.mean(raw) > 0.42
    assert abs(np.mean(found_values) - 0.3) < 0.1
    assert covered >= 5


def test_the_same_class_twice_cannot_be_told_on_fewer_identities_than_dimensions() -> None:
    result, pair = _pair(0, dimensions=200, identities=120, overlapping=0.999)
    assert pair["low"] == 0
    assert result.answers[0].verdict is Verdict.CANNOT_TELL
    assert found(result) == []


def test_the_limit_of_a_learning_curve_by_hand() -> None:
    """1 / d^2 of 0.5 with all and 0.75 with half of the identities: 0.25 with endless ones, so d = 2."""

    def one(inverse):
        return PairOverlap(2 * norm.cdf(-0.5 / np.sqrt(inverse)), np.empty(0), np.empty(0), np.empty((2, 0)))

    value, low, high = with_endless_identities(one(0.5), [one(0.75), one(0.75)])
    assert value == pytest.approx(2 * norm.cdf(-1))
    assert (low, high) == (value, value)
    value, low, high = with_endless_identities(one(0.5), [one(0.7), one(0.8)])
    assert low < value < high


@pytest.mark.parametrize("dimensions", [64, 200])
def test_classes_that_are_the_same_may_be_the_same_and_share_more_than_half(dimensions) -> None:
    result, pair = _pair(3, dimensions=dimensions, identities=300, overlapping=0.999)
    assert pair["high"] == 1.0
    if dimensions == 64:
        assert pair["low"] >= 0.5
        assert result.answers[0].verdict is Verdict.SUPPORTED
