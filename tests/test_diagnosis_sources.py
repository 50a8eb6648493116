"""Rare classes, and two sources of one number that disagree: each fault, and the same world without it."""

import numpy as np
import pytest
from diagnosis_cases import found
from sklearn.metrics import f1_score

from benchmarks.fault_worlds import arguments, draw, ending_at, fitted, held_out_f1
from metric_face import diagnose
from metric_face.diagnosis.finding import Verdict
from metric_face.diagnosis.report.sentences import finding_text

RARE = (0.4, 0.35, 0.17, 0.03, 0.03, 0.02)


def _why(world, questions=("sources", "rare", "overlap", "budget")):
    return diagnose(**arguments(world), questions=questions)


def test_macro_f1_lost_in_rare_classes_with_its_sum() -> None:
    world = fitted(draw(0, shares=RARE, gap=3.0))
    result = _why(world)
    assert found(result) == ["rare.classes"]
    finding = result.findings[0]
    rows = world["split"] == "val"
    truth = 2 * world["labels"]["kind"] + world["labels"]["worn"]
    guess = 2 * world["probabilities"]["kind"].argmax(axis=1) + world["probabilities"]["worn"].argmax(axis=1)
    scores = f1_score(truth[rows], guess[rows], average=None)
    assert len(scores) == 12
    assert finding.measure.value == pytest.approx((1 - scores[6:]).sum() / 12)
    reached = scores[:6].mean()
    assert finding.explained == pytest.approx(np.maximum(reached - scores[6:], 0).sum() / 12)
    answer = next(a for a in result.answers if a.hypothesis == "A")
    assert (answer.verdict, answer.reason) == (Verdict.CANNOT_TELL, "rare_classes")
    assert "6 of 12 classes" in finding_text(finding)["sentence"]


def test_rare_classes_that_are_recognized_are_no_finding() -> None:
    assert found(_why(fitted(draw(0, shares=RARE, gap=8.0)))) == []


def test_where_all_classes_are_rare_it_says_so() -> None:
    result = _why(fitted(draw(0, shares=(0.3, 0.3, 0.4), identities=36, gap=1.5)), ["rare"])
    assert found(result) == ["rare.classes"]
    assert result.findings[0].explained is None
    assert finding_text(result.findings[0])["sentence"].startswith("All 6 classes")


def test_the_worst_classes_stand_directly_below_the_score() -> None:
    result = _why(fitted(draw(0, shares=RARE, gap=3.0)))
    worst = min(result.tables["budget.classes"].rows, key=lambda row: row[1])
    assert result.tables["budget.classes"].rows[0][1] == worst[1]
    for lang in ("en", "ko"):
        assert f"{worst[0]} ({worst[1]:.2f}" in result.lines(lang)[1]


@pytest.mark.parametrize(("logged", "remedy"), [(0.99, "Embed again"), (0.7, "evaluation transform")])
def test_a_log_that_disagrees_with_the_stored_predictions(logged, remedy) -> None:
    world = fitted(draw(0))
    result = _why(world | {"log": ending_at(world["log"], logged)})
    assert found(result)[0] == "sources.log"
    assert result.findings[0].measure.value == pytest.approx(logged - held_out_f1(world))
    assert remedy in finding_text(result.findings[0])["next"]
    assert found(_why(world)) == []


def test_a_score_of_other_rows_than_validation_is_not_compared_with_the_log() -> None:
    world = fitted(draw(0))
    world["log"] = ending_at(world["log"], 0.3)
    assert "sources.log" in found(_why(world))
    world["split"] = np.where(world["split"] == "val", "test", "train")
    assert "sources.log" not in found(_why(world))


def test_a_head_with_another_bias_is_behind_its_embedding() -> None:
    world = fitted(draw(0))
    for chances in world["probabilities"].values():
        chances[:, 1] *= 150
        chances /= chances.sum(axis=1, keepdims=True)
    world["log"] = ending_at(world["log"], held_out_f1(world))
    result = _why(world)
    assert found(result)[0] == "sources.head"
    assert "overlap.classes" not in found(result)
    scores = dict(result.tables["sources.scores"].rows)
    assert scores["head"] == pytest.approx(held_out_f1(world))
    assert scores["linear"] > 0.85


def test_neighbors_in_an_embedding_of_mostly_noise() -> None:
    world = draw(0)
    noise = 9 * np.random.default_rng(1).normal(size=world["embeddings"].shape)
    world["embeddings"] = np.hstack([world["embeddings"], noise]).astype(np.float32)
    assert found(_why(fitted(world)))[0] == "sources.neighbors"


def test_without_predictions_there_is_nothing_to_compare() -> None:
    result = _why(draw(0, identities=60), ["sources"])
    assert [a.reason for a in result.abstentions] == ["no_predictions"]
