"""Wrong labels are found where they are, and overlap is not called wrong labels."""

import numpy as np
import pytest
from diagnosis_cases import found, small_run

from benchmarks.fault_worlds import arguments, draw, fitted
from metric_face import diagnose
from metric_face.diagnosis.finding import Confidence
from metric_face.diagnosis.measures.exchanged_classes import bells
from metric_face.diagnosis.measures.label_noise import of_identities
from metric_face.diagnosis.measures.swapped_labels import exchanges, swap_gains

ASKED = ["label_errors"]


def _precision_recall(rows, planted):
    hits = np.isin(rows, planted).sum()
    return hits / len(rows), hits / len(planted)


def test_clean_labels_raise_no_suspicion() -> None:
    result = diagnose(**small_run(0), questions=ASKED)
    assert found(result) == []
    assert all(row[2] == 0 for row in result.tables["label_errors.suspects"].rows)


def test_overlap_is_not_called_wrong_labels() -> None:
    """Where classes overlap, confident learning names hard images; lapses explain nothing there."""
    run = small_run(1, gap=1.0)
    result = diagnose(**run, questions=ASKED)
    assert found(result) == []
    mask = next(row for row in result.tables["label_errors.suspects"].rows if row[0] == "mask")
    assert mask[2] == 0
    assert mask[4] > 50


@pytest.mark.parametrize("whole_identity", [True, False])
def test_flipped_genders_are_found(whole_identity: bool) -> None:
    run = small_run(2, gap=5.0)
    rng = np.random.default_rng(2)
    identities = run["identities"]
    wrong = rng.random(320)[identities] < 0.04 if whole_identity else rng.random(len(identities)) < 0.04
    run["labels"]["gender"] = np.where(wrong, 1 - run["labels"]["gender"], run["labels"]["gender"])
    result = diagnose(**run, questions=ASKED)
    assert found(result) == ["label_errors.wrong"]
    finding = result.findings[0]
    assert finding.values["attribute"] == "gender"
    precision, recall = _precision_recall(finding.rows, np.flatnonzero(wrong))
    assert precision > 0.9
    assert recall > (0.7 if whole_identity else 0.9)
    assert finding.explained > 0
    assert finding.measure.low < wrong.mean() + 0.01 < finding.measure.high + 0.02
    assert finding.confidence is (Confidence.LIKELY if whole_identity else Confidence.CERTAIN)
    assert not np.isin(finding.controls, finding.rows).any()


def test_exchanged_masks_are_found_as_exchanged() -> None:
    run = small_run(3, gap=5.0)
    rng = np.random.default_rng(3)
    identities, mask = run["identities"], run["labels"]["mask"]
    swapped = rng.random(320) < 0.06
    wrong = swapped[identities] & (mask > 0)
    run["labels"]["mask"] = np.where(wrong, 3 - mask, mask)
    result = diagnose(**run, questions=ASKED)
    assert found(result)[0] == "label_errors.swapped"
    finding = result.findings[0]
    assert {finding.values["first"], finding.values["second"]} == {"incorrect", "not worn"}
    precision, recall = _precision_recall(finding.rows, np.flatnonzero(wrong))
    assert precision > 0.95
    assert recall > 0.9


def test_identical_images_with_different_labels_are_certain() -> None:
    run = small_run(4)
    genders = run["labels"]["gender"].copy()
    run["embeddings"][600:610] = run["embeddings"][0:10]
    genders[600:610] = 1 - genders[0:10]
    run["labels"]["gender"] = genders
    result = diagnose(**run, questions=ASKED)
    finding = next(
        f for f in result.findings if f.id == "label_errors.copies" and f.values["attribute"] == "gender"
    )
    assert finding.values["groups"] == 10
    assert finding.confidence is Confidence.CERTAIN
    assert set(finding.rows) == {*range(10), *range(600, 610)}


def test_one_odd_label_of_an_identity_is_the_suspect() -> None:
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(200), 5)
    truth = rng.integers(0, 2, 200)
    scores = np.stack([-truth, truth], axis=1)[who] * 2.0 + rng.normal(size=(1000, 2))
    labels = truth[who]
    labels[7] = 1 - labels[7]
    noise = of_identities(scores, labels, who)
    assert noise.inconsistent.tolist() == [7]
    assert noise.probability[7] > 0.9
    assert noise.better[7] == truth[1]
    assert noise.probability[np.arange(1000) != 7].max() < 0.5


def test_gain_of_an_exchange_by_hand() -> None:
    clean = np.array([[0.1, 0.9], [0.8, 0.2], [0.9, 0.1], [0.3, 0.7]])
    labels, who = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    identities, gains = swap_gains(clean, labels, who, 0, 1)
    assert identities.tolist() == [0, 1]
    assert gains[0] == pytest.approx(np.log(9) + np.log(4))
    assert gains[1] == pytest.approx(-np.log(9) - np.log(7 / 3))


def test_the_share_of_exchanged_identities_is_estimated_and_none_where_there_are_none() -> None:
    rng = np.random.default_rng(0)
    clear = rng.normal(4, 2, 500)  # log-odds of the labels as written
    none = exchanges(-clear)
    assert none.share < 0.01
    assert none.evidence < 12
    swapped = np.arange(500) < 50
    some = exchanges(np.where(swapped, clear, -clear))
    assert some.share == pytest.approx(0.1, abs=0.03)
    assert some.evidence > 12
    assert (some.chance > 0.5)[swapped].mean() > 0.8
    assert exchanges(np.zeros(500)).evidence == pytest.approx(0)


def _exchanged(seed, share, questions=ASKED):
    """Two rare classes; of their held-out identities a share is labeled as the other one."""
    world = draw(seed, shares=(0.45, 0.35, 0.12, 0.08), gap=3.5, identities=400)
    rng, kind, who = np.random.default_rng(seed), world["labels"]["kind"], world["identities"]
    wrong = (world["split"] == "val") & (kind >= 2) & (rng.random(who.max() + 1) < share)[who]
    taught = world["labels"]
    labels = taught | {"kind": np.where(wrong, 5 - kind, kind)}
    result = diagnose(**arguments(fitted(world | {"labels": labels}, labels=taught)), questions=questions)
    return result, np.flatnonzero(wrong)


@pytest.mark.parametrize("seed", range(3))
def test_rare_classes_exchanged_in_validation_are_found_by_their_pair(seed) -> None:
    result, wrong = _exchanged(seed, 0.6)
    assert found(result)[0] == "label_errors.exchanged"
    finding = result.findings[0]
    assert (finding.values["first"], finding.values["second"]) == ("2", "3")
    precision, recall = _precision_recall(finding.rows, wrong)
    assert precision > 0.9
    assert recall > 0.9
    assert finding.explained > 0.05
    assert found(_exchanged(seed, 0.0)[0]) == []


def test_exchanged_labels_account_for_the_gap_between_the_splits() -> None:
    result, _ = _exchanged(0, 0.6, ["generalization", *ASKED])
    assert found(result)[0] == "label_errors.exchanged"
    assert "generalization.overfit" not in found(result)
    assert result.tables["generalization.gaps"].rows[0][3] > 0.1


def test_bells_give_back_the_shares_and_overlap_needs_none() -> None:
    rng = np.random.default_rng(0)
    true = rng.random(4000) < 0.3
    scores = rng.normal(size=4000) + 4 * true
    flipped = rng.random(4000) < np.where(true, 0.5, 0.1)
    second = true ^ flipped
    fit = bells(scores, second, (0.0, 4.0))
    assert fit.shares[0] == pytest.approx((true & ~second).sum() / (~second).sum(), abs=0.03)
    assert fit.shares[1] == pytest.approx((~true & second).sum() / second.sum(), abs=0.03)
    assert fit.apart == pytest.approx(4, abs=0.1)
    assert ((fit.chance > 0.5) == flipped).mean() > 0.95
    wide = bells(rng.normal(size=4000) + 1.0 * true, true, (0.0, 1.0))
    assert wide.apart < 3
    assert wide.by_chance > 1e-4
    assert fit.by_chance < 1e-10
