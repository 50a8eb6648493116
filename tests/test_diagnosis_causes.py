"""Which of two findings is the cause: rules that hang on what was measured, and worlds that no rule was tuned on."""

from dataclasses import replace

import numpy as np
import pytest
from diagnosis_cases import found
from sklearn.metrics import f1_score

from benchmarks.fault_worlds import arguments, draw, fitted
from benchmarks.more_faults import flipped
from benchmarks.unseen_faults import careless_validation, reversed_coding, swapped_source
from metric_face import diagnose
from metric_face.diagnosis.causes import without_effects
from metric_face.diagnosis.finding import Confidence, Finding, Measure
from metric_face.diagnosis.inputs import context_of
from metric_face.diagnosis.measures.exchanged_classes import LEAST_APART, exchanged_classes
from metric_face.diagnosis.measures.null_scores import signal
from metric_face.diagnosis.measures.splits_compared import gap_of_others
from metric_face.diagnosis.questions.label_errors import cleanlab_suspects, held_out_only
from metric_face.diagnosis.ranking import rank


def _kept(*findings: Finding) -> list[str]:
    return [one.id for one in without_effects(findings, [])[0]]


def _finding(name: str, **values: object) -> Finding:
    return Finding(name, Measure(1.0), values)


@pytest.mark.parametrize(
    ("cause", "values", "effect", "measured"),
    [
        ("rare.classes", {}, "generalization.overfit", {"in_rare": True}),
        ("label_errors.wrong", {"held_out_only": True}, "generalization.overfit", {}),
        ("information.lost", {"in_training": True}, "generalization.overfit", {}),
        ("overlap.classes", {"alone": True}, "generalization.prior", {}),
        ("label_errors.swapped", {}, "overlap.classes", {"alone": False}),
        ("generalization.prior", {}, "overlap.classes", {"alone": False}),
    ],
)
def test_an_effect_is_one_only_where_it_was_measured_so(cause, values, effect, measured) -> None:
    assert _kept(_finding(cause, **values), _finding(effect, **measured)) == [cause]
    other = {name: not value for name, value in values.items()}
    opposite = {name: not value for name, value in measured.items()}
    kept = _kept(_finding(cause, **other), _finding(effect, **opposite))
    assert effect in kept


def test_labels_swapped_by_one_source_are_the_cause_of_the_overlap() -> None:
    result = diagnose(**arguments(swapped_source(draw(1), np.random.default_rng([1, 77]))))
    assert found(result) == ["label_errors.swapped"]


def test_a_label_coded_the_other_way_in_validation_is_no_absent_signal() -> None:
    result = diagnose(**arguments(reversed_coding(draw(0), np.random.default_rng([0, 77]))))
    assert found(result)[0] == "label_errors.exchanged"
    assert "signal.none" not in found(result)


def test_labels_that_contradict_the_scores_are_exchanged_however_near_the_classes_are() -> None:
    near = draw(0, gap=1.8)
    (only,) = exchanged_classes(
        context_of(**arguments(reversed_coding(near, np.random.default_rng(0)))), "worn"
    )
    assert only.values["apart"] < LEAST_APART
    held = near["split"] == "val"
    assert np.isin(only.rows, np.flatnonzero(held)).all()
    assert len(only.rows) > 0.8 * held.sum()
    assert exchanged_classes(context_of(**arguments(fitted(near))), "worn") == []


def test_a_signal_turned_over_is_reversed_and_noise_is_not() -> None:
    labels = np.arange(200) % 2
    scores = np.eye(2)[labels]
    who = np.arange(200)
    assert signal(scores, 1 - labels, who, 0).reversed
    assert not signal(scores, labels, who, 0).reversed
    noise = np.random.default_rng(0).normal(size=(200, 2))
    assert not signal(noise, labels, who, 0).reversed


def test_careless_labels_of_validation_are_the_cause_of_its_gap() -> None:
    world = careless_validation(draw(2), np.random.default_rng([2, 77]))
    result = diagnose(**arguments(world))
    assert found(result)[0] in {"label_errors.wrong", "label_errors.exchanged"}
    assert "generalization.overfit" not in found(result)


def test_wrong_labels_on_one_side_by_hand() -> None:
    context = context_of(**arguments(fitted(draw(0))))
    held, train = np.flatnonzero(context.in_held_out), np.flatnonzero(context.in_train)
    assert held_out_only(context, held[:100])
    assert not held_out_only(context, np.concatenate([held[:40], train[:60]]))
    assert not held_out_only(context, train[:100])
    assert not held_out_only(context, held[:0])


def test_the_gap_of_the_other_classes_is_that_of_scikit_learn() -> None:
    context = context_of(**arguments(fitted(draw(0, gap=2.0))))
    guess = context.join(context.predicted)
    means = []
    for rows in (np.flatnonzero(context.in_train), context.evaluated):
        means.append(f1_score(context.joint[rows], guess[rows], average="macro", labels=[2, 3, 4, 5]))
    assert gap_of_others(context, [0, 1]) == pytest.approx(means[0] - means[1])
    assert gap_of_others(context, range(6)) == float("inf")


def test_what_is_lost_in_training_images_too_is_the_cause_of_the_gap() -> None:
    result = diagnose(**arguments(flipped(fitted(draw(0)), np.random.default_rng(0))))
    lost = next(one for one in result.findings if one.id == "information.lost")
    assert lost.values["in_training"]


def _small(seed: int, wrong: float):
    world = draw(seed, identities=160, each=1)
    rng = np.random.default_rng([seed, 9])
    kind = world["labels"]["kind"]
    mine = rng.random(len(kind)) < wrong
    written = np.where(mine, (kind + rng.integers(1, 3, len(kind))) % 3, kind)
    return diagnose(world["embeddings"], {"kind": written}, questions=["label_errors"]), mine


def test_wrong_labels_of_small_sets_are_suspected_as_cleanlab_does_and_clean_sets_are_not() -> None:
    hits, theirs, named = [], [], []
    for seed in range(6):
        result, wrong = _small(seed, 0.15)
        rows = result.findings[0].rows if result.findings else np.empty(0, dtype=int)
        hits.append(wrong[rows].sum() / wrong.sum())
        named.append(wrong[rows].mean() if len(rows) else 1.0)
        theirs.append(wrong[cleanlab_suspects(result.context, "kind")].sum() / wrong.sum())
        assert found(_small(seed, 0.0)[0]) == []
    assert np.mean(hits) > 0.7 * np.mean(theirs)
    assert np.mean(named) > 0.8


def test_a_suspicion_is_possible_claims_no_gain_and_is_no_cause_of_others() -> None:
    result, _ = _small(2, 0.15)
    (only,) = result.findings
    assert only.id == "label_errors.wrong"
    assert only.confidence is Confidence.POSSIBLE
    assert only.explained is None
    rare = _finding("rare.classes")
    assert [f.id for f in rank([only, rare], ["label_errors", "rare"])] == [
        "rare.classes",
        "label_errors.wrong",
    ]
    overlap = _finding("overlap.classes", attribute="kind")
    assert _kept(only, overlap) == ["label_errors.wrong", "overlap.classes"]
    assert _kept(replace(only, confidence=Confidence.LIKELY), overlap) == ["label_errors.wrong"]
