"""A run directory is diagnosed as it stands: log, sampler, transforms, heads and all."""

import numpy as np
import pandas as pd
import pytest
from training_cases import tiny_config

from metric_face import diagnose, extract, fit
from metric_face.diagnosis.from_run import context_from_run
from metric_face.diagnosis.measures.arms import arms_of
from metric_face.diagnosis.measures.look_ahead import look_ahead
from metric_face.errors import ArgumentError, FileFormatError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(toy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    made = fit(
        tiny_config(toy, data__attributes=["color", "age"], data__bins={"age": [40, 60]}), folder, quiet=True
    )
    extract(made, made.table, folder=folder / "embeddings")
    return made


def test_the_context_is_what_the_training_left(run) -> None:
    context = context_from_run(run)
    table = run.table.frame
    assert context.num_images == len(table)
    assert context.classes["age"] == ("<40", "40-59", ">=60")
    assert (context.raw_values["age"] == table["age"].astype(float)).all()
    assert context.cuts == {"age": (40.0, 60.0)}
    assert set(np.unique(context.split)) == {"train", "val"}
    rows = np.concatenate([np.concatenate(epoch) for epoch in context.batches])
    assert (context.split[rows] == "train").all()
    assert len(context.batches[0]) == context.promised
    logits = run.embeddings().logits
    assert (context.predictions["color"] == logits["color"].argmax(1)).all()
    powers = np.exp(logits["color"] - logits["color"].max(axis=1, keepdims=True))
    assert context.probabilities["color"] == pytest.approx(
        powers / powers.sum(axis=1, keepdims=True), abs=1e-6
    )
    assert context.head.keys() == {"color", "age"}
    planned, applied = context.log["lr_planned"], context.log["lr"]
    known = applied.notna()
    assert np.allclose(planned[known], applied[known], rtol=0.5)


def test_a_run_is_diagnosed_whole(run) -> None:
    result = diagnose(run.folder)
    assert result.predictions_are == "model"
    assert len(result.answers) == 2
    wrong = {
        "views.crop",
        "views.normalize",
        "views.random_evaluation",
        "basics.learning_rate",
        "epoch.drift",
    }
    assert not wrong & {finding.id for finding in result.findings}
    assert [row[2:4] for row in result.tables["views.seen"].rows] == [(32, 32), (32, 32)]


def test_a_frozen_learning_rate_of_a_run_is_found(run) -> None:
    log = run.log.assign(lr=1e-7)
    log["lr_planned"] = context_from_run(run).log["lr_planned"]
    more = pd.concat([log] * 5, ignore_index=True)
    first = diagnose(run, log=more, questions=["basics"]).findings
    assert [finding.id for finding in first] == ["basics.learning_rate", "basics.from_scratch"]
    shown = diagnose(run, questions=["basics"]).tables["basics.start"].rows
    assert shown[0][:2] == ("weights", "scratch")
    assert ("mean", "0.485, 0.456, 0.406", "0.5, 0.5, 0.5") in shown  # the run's, and test_resnet's own


def test_runs_say_themselves_which_arm_they_are(run) -> None:
    arms = arms_of([run, run.folder])
    assert arms.keys() == {"both"}
    assert arms["both"] == [pytest.approx(run.log["val/macro_f1"].max())] * 2
    with pytest.raises(ArgumentError, match="runs must be of the arms metric, head, both, found 'tail'"):
        arms_of({"tail": [0.5]})


def test_a_run_without_embeddings_says_what_to_do(run, tmp_path) -> None:
    import shutil

    bare = shutil.copytree(run.folder, tmp_path / "bare", ignore=shutil.ignore_patterns("embeddings"))
    with pytest.raises(FileFormatError, match="metric-face embed"):
        diagnose(bare)


def test_labels_beside_a_run_are_refused(run) -> None:
    with pytest.raises(ArgumentError, match="labels and identities must be left out with a run"):
        diagnose(run, labels=[0])


def test_a_step_along_a_loss_helps_that_loss_and_leaves_the_model_alone(run) -> None:
    import torch

    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    found = look_ahead(run)
    assert ("heads", "heads") in found  # the triplet of so easy images may be zero, and then has no gradient
    assert np.mean(found["heads", "heads"]) > 0
    assert all(np.isfinite(values).all() for values in found.values())
    assert all(torch.equal(before[name], value) for name, value in run.model.state_dict().items())
    table = diagnose(run, questions=["conflict"]).tables["conflict.look_ahead"]
    assert {row[:2] for row in table.rows} == found.keys()


def test_a_run_without_its_log_answers_what_needs_none(run, tmp_path) -> None:
    import shutil

    bare = shutil.copytree(run.folder, tmp_path / "bare", ignore=shutil.ignore_patterns("metrics.csv"))
    found = diagnose(bare)
    assert [answer.hypothesis for answer in found.answers] == ["A", "B"]
    [failed] = [one for one in found.abstentions if one.reason == "failed"]
    assert failed.question == "floors"
    assert failed.values["why"].startswith(str(bare))
    assert "missing; " in failed.values["why"]
    assert [one for one in diagnose(run).abstentions if one.reason == "failed"] == []


def test_why_and_evaluate_give_one_interval_for_one_number(run) -> None:
    from metric_face.evaluation.evaluating import evaluate

    measure = context_from_run(run).score
    interval = evaluate(run, split="val").score("head", "joint").macro_f1
    assert (measure.value, measure.low, measure.high) == pytest.approx(
        (interval.value, interval.low, interval.high)
    )
