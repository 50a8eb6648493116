"""Learning from a teacher: the losses by closed forms, and a training whose student comes to embed as its teacher."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score

from metric_face import evaluate, fit
from metric_face.classifiers import KNNClassifier
from metric_face.cli.teacher_line import teacher_line
from metric_face.data import targets_of
from metric_face.errors import ArgumentError, ConfigError
from metric_face.extraction import extract
from metric_face.losses import EmbeddingDistillation, LogitDistillation
from metric_face.run import Run
from metric_face.training import settings_to_train
from tests.loss_properties import (
    assert_finite,
    assert_float32_under_autocast,
    assert_order_does_not_matter,
    assert_slope_is_derivative,
)
from tests.training_cases import tiny_config

GENERATOR = torch.Generator().manual_seed(0)
TARGETS = torch.randn(9, 4, generator=GENERATOR)
POINTS = torch.randn(5, 4, generator=GENERATOR)
ROWS = torch.tensor([3, 0, 8, 3, 1])


@pytest.mark.parametrize("loss", [EmbeddingDistillation(TARGETS, 4), LogitDistillation(TARGETS, 3.0)])
def test_they_are_losses_like_the_others(loss) -> None:
    assert_slope_is_derivative(loss, POINTS, ROWS)
    assert_order_does_not_matter(loss, POINTS, ROWS)
    assert_float32_under_autocast(loss, POINTS, ROWS)
    assert_finite(loss, 1e4 * POINTS, ROWS)
    assert loss(POINTS[:0], ROWS[:0]) == 0
    assert list(loss.state_dict()) == [], "the teacher's table is no part of a checkpoint"
    assert loss(TARGETS[ROWS], ROWS) == pytest.approx(0, abs=1e-6)


def test_they_are_the_closed_forms() -> None:
    cosines = [float(a @ b / a.norm() / b.norm()) for a, b in zip(POINTS, TARGETS[ROWS], strict=True)]
    assert EmbeddingDistillation(TARGETS, 4)(POINTS, ROWS) == pytest.approx(1 - np.mean(cosines), abs=1e-6)
    p, q = (F.softmax(x.double() / 3, dim=1).numpy() for x in (TARGETS[ROWS], POINTS))
    divergence = 9 * (p * np.log(p / q)).sum(1).mean()
    assert LogitDistillation(TARGETS, 3.0)(POINTS, ROWS) == pytest.approx(divergence, rel=1e-5)


def test_other_dimensions_have_a_learned_projection() -> None:
    loss = EmbeddingDistillation(TARGETS, 7)
    assert [tuple(one.shape) for one in loss.parameters()] == [(4, 7)]
    points = torch.randn(5, 7, generator=GENERATOR)
    projected = (points @ loss.projection.weight.T).detach()
    expected = float(EmbeddingDistillation(TARGETS, 4)(projected, ROWS))
    assert loss(points, ROWS).detach() == pytest.approx(expected, abs=1e-6)


def test_broken_tables_are_refused() -> None:
    with pytest.raises(ArgumentError, match="the teacher is broken"):
        EmbeddingDistillation(torch.full((2, 2), torch.nan), 2)
    with pytest.raises(ArgumentError, match=r"targets must be \(N, C\)"):
        LogitDistillation(torch.zeros(3))
    with pytest.raises(ArgumentError, match="temperature must be above 0"):
        LogitDistillation(TARGETS, 0)
    with pytest.raises(ArgumentError, match=r"logits must be \(B, 4\) as the teacher's, found \(5, 3\)"):
        LogitDistillation(TARGETS)(POINTS[:, :3], ROWS)


@pytest.fixture(scope="module")
def learned(indexed: Run, toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that learned from the shared one, by its embedding and its logits alone."""
    lines: list[str] = []
    config = tiny_config(
        toy,
        loss__metric="none",
        loss__classifier_weight=1e-6,
        teacher__run=str(indexed.folder),
        teacher__embedding_weight=10.0,
        trainer__epochs=6,
        trainer__monitor="val/macro_f1",
    )
    run = fit(config, tmp_path_factory.mktemp("learned") / "run", quiet=True, say=lines.append)
    assert any(line.startswith(f"teacher {indexed.folder}: recall@1") for line in lines), lines
    return run


def test_the_student_comes_to_embed_as_its_teacher(learned: Run, indexed: Run, toy: Path) -> None:
    log = learned.log
    assert {"loss/teacher/embedding", "loss/color/teacher", "loss/shape/teacher"} <= set(log.columns)
    course = log["loss/teacher/embedding"].dropna().to_numpy()
    assert course[-1] < course[0]
    val = learned.table.in_split("val")
    ours, theirs = (np.asarray(extract(run, val, precision="fp32").vectors) for run in (learned, indexed))
    untaught = fit(
        tiny_config(toy, loss__metric="none", trainer__epochs=6),
        learned.folder.parent / "untaught",
        quiet=True,
    )
    alone = np.asarray(extract(untaught, val, precision="fp32").vectors)

    def alike(first) -> float:
        """The mean cosine to the teacher's vectors of the same images."""
        return float(F.cosine_similarity(torch.from_numpy(first), torch.from_numpy(theirs)).mean())

    assert alike(ours) > alike(alone) + 0.05


def test_the_run_knows_its_teacher_and_evaluate_shows_it(learned: Run, indexed: Run) -> None:
    facts = learned.facts["teacher"]
    assert facts["fingerprint"] == indexed.fingerprint
    assert facts["run"] == str(indexed.folder.resolve())
    extract(learned, learned.table, folder=learned.folder / "embeddings", precision="fp32")
    found = evaluate(learned)
    assert found.teacher is not None
    mine = evaluate(indexed).score("head", "joint").macro_f1.value
    assert found.teacher["head"]["joint"] == pytest.approx(mine, abs=0.02)  # "auto" may compute in bf16
    assert "its teacher" in teacher_line(found.teacher)
    json.dumps(found.to_dict())
    assert evaluate(indexed).teacher is None
    assert "projection" not in "".join(learned.model.state_dict().keys() - indexed.model.state_dict().keys())


def test_resume_refuses_another_teacher(
    learned: Run, indexed: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    longer = {"trainer": {"epochs": 7}}
    with pytest.raises(ConfigError, match=r"found teacher\.run="):
        fit({**longer, "teacher": {"run": str(tmp_path)}}, learned.folder, resume=True, quiet=True)
    monkeypatch.setattr(Run, "fingerprint", property(lambda run: "another"))
    with pytest.raises(
        ConfigError, match=f"began with the teacher {indexed.card['fingerprint']}, .* holds another"
    ):
        fit(longer, learned.folder, resume=True, quiet=True)
    monkeypatch.undo()
    assert fit(longer, learned.folder, resume=True, quiet=True).facts["epochs"] == 7


def test_what_is_no_finished_run_is_refused(toy: Path, tmp_path: Path) -> None:
    for place in (tmp_path / "nothing", tmp_path, toy):
        with pytest.raises(ConfigError, match=r"teacher\.run=.*: must be a finished run"):
            fit(tiny_config(toy, teacher__run=str(place)), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").iterdir())


def test_a_teacher_is_refused_before_images_are_read(tmp_path: Path) -> None:
    """The audit asks for the same, so it needs no PyTorch for it."""
    config = tiny_config(tmp_path / "no images", teacher__run=str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match=r"teacher\.run=.*: must be a finished run"):
        fit(config, tmp_path / "run", quiet=True)
    code = "import sys; import metric_face.training.teacher_run; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("heads", ["joint", "none"])
def test_logits_of_other_heads_are_said_to_be_unused(indexed: Run, toy: Path, tmp_path: Path, heads) -> None:
    lines: list[str] = []
    config = tiny_config(toy, teacher__run=str(indexed.folder), model__heads=heads, trainer__epochs=1)
    run = fit(config, tmp_path / "run", quiet=True, say=lines.append)
    assert "teacher.logits_weight: is not used, no head of the teacher predicts the same classes" in lines
    assert not any(column.endswith("/teacher") for column in run.log.columns)
    assert run.facts["teacher"]["scores"]["head"].keys() == {"color", "shape", "joint"}  # of its own heads


def test_its_neighbors_are_those_of_the_classifier(learned: Run, indexed: Run) -> None:
    train, val = (extract(indexed, indexed.table.in_split(name)) for name in ("train", "val"))
    for name, score in learned.facts["teacher"]["scores"]["knn"].items():
        known, (true, names) = (targets_of(one.table, indexed.space)[name] for one in (train, val))
        predicted = KNNClassifier(20).fit(train.vectors, known[0]).predict(val.vectors)
        assert score == pytest.approx(f1_score(true, predicted, average="macro", labels=range(len(names))))


def test_the_option_stands_for_the_key(tmp_path: Path) -> None:
    assert settings_to_train(tmp_path, teacher="runs/큰 모델").teacher.run == "runs/큰 모델"
    assert settings_to_train(tmp_path).teacher.run is None


def test_a_teacher_that_saw_the_validation_images_is_named(indexed: Run, toy: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    config = tiny_config(
        toy,
        teacher__run=str(indexed.folder),
        model__embedding_size=24,
        trainer__epochs=1,
        data__split={"val": 0.4},
    )
    run = fit(config, tmp_path / "run", quiet=True, say=lines.append)
    assert not [name for name in run.model.state_dict() if "teacher" in name], (
        "its projection is no part of the model"
    )
    assert any("validation images, so its scores and those of the run are too good" in line for line in lines)
