"""A training leaves a whole run, resumes exactly, and keeps what was learned when it is stopped."""

import itertools
import os
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from metric_face.config import dump_config, load_config
from metric_face.errors import ConfigError, FileFormatError, MissingExtraError
from metric_face.files.run_files import begin_run
from metric_face.run import Run
from metric_face.training.callbacks import Deadline
from metric_face.training.fitting import fit
from metric_face.training.module import TrainingModule
from metric_face.training.resuming import resolve_config
from metric_face.training.schedule import learning_rate_factor
from tests.training_cases import tiny_config

pytestmark = pytest.mark.slow
EPOCHS = 12


@pytest.fixture(scope="module")
def finished(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(tiny_config(toy, trainer__epochs=EPOCHS), tmp_path_factory.mktemp("runs") / "run", quiet=True)


def weights(run: Run) -> dict[str, torch.Tensor]:
    return dict(run.model.state_dict())


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_is_whole_and_learns(finished: Run) -> None:
    for name in (
        "config.yaml",
        "images.parquet",
        "model.safetensors",
        "model.json",
        "metrics.csv",
        "run.json",
    ):
        assert (finished.folder / name).is_file()
    assert finished.facts["ended"] == "complete"
    assert finished.facts["best"] > 0.5  # macro F1 of four joint classes; one class for all gives 0.1
    assert finished.space is not None
    assert finished.space.names == ("color", "shape")
    assert set(finished.table.splits) == {"train", "val"}


def test_the_log_holds_every_part_and_the_rate_applied(finished: Run) -> None:
    log = finished.log
    for name in (
        "loss/metric",
        "loss/color/ce",
        "loss/shape/ce.weighted",
        "lr",
        "update_ratio",
        "val/macro_f1",
    ):
        assert log[name].notna().any(), name
    total = log[["loss/metric.weighted", "loss/color/ce.weighted", "loss/shape/ce.weighted"]].sum(axis=1)
    logged = log["loss"].notna()
    np.testing.assert_allclose(total[logged], log["loss"][logged], rtol=1e-4)
    assert log["lr"].max() <= finished.config.optimizer.lr + 1e-12
    assert (log["batches"].dropna() == log["batches_promised"].dropna()).all()


def test_the_resolved_configuration_reads_back_as_itself(finished: Run) -> None:
    assert load_config(finished.folder / "config.yaml") == finished.config
    assert "# default:" in (finished.folder / "config.yaml").read_text()


def test_a_second_run_is_the_same_to_the_bit(toy: Path, tmp_path: Path, finished: Run) -> None:
    again = fit(tiny_config(toy, trainer__epochs=EPOCHS), tmp_path / "again", quiet=True)
    assert same(weights(again), weights(finished))


def stop_at(step: int, monkeypatch: pytest.MonkeyPatch, number: signal.Signals = signal.SIGINT) -> None:
    """Press Ctrl-C once during a given step, or send another signal."""
    original = TrainingModule.training_step
    sent: list[int] = []

    def with_interrupt(self: TrainingModule, batch: dict[str, Any], index: int) -> torch.Tensor:
        if self.trainer.global_step == step and not sent:
            sent.append(step)
            os.kill(os.getpid(), number)
        return original(self, batch, index)

    monkeypatch.setattr(TrainingModule, "training_step", with_interrupt)


@pytest.mark.parametrize("workers", [0, 2])
def test_interrupted_and_resumed_equals_uninterrupted(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: Run, workers: int
) -> None:
    """Batch for batch and to the bit, from the middle of an epoch, with prefetching workers too."""
    steps = finished.facts["steps"] // finished.facts["epochs"]
    config = tiny_config(toy, trainer__epochs=EPOCHS, data__workers=workers)
    with monkeypatch.context() as patch:
        stop_at(3 * steps + 2, patch)
        first = fit(config, tmp_path / "run", quiet=True)
    assert first.facts["ended"] == "interrupted"
    assert first.facts["steps"] == 3 * steps + 3
    resumed = fit(config, tmp_path / "run", resume=True, quiet=True)
    assert resumed.facts["ended"] == "complete"
    assert resumed.facts["steps"] == finished.facts["steps"]
    assert same(weights(resumed), weights(finished))
    columns = ["step", "lr", "loss", "loss/metric"]
    pd.testing.assert_frame_equal(
        resumed.log[columns].dropna().reset_index(drop=True),
        finished.log[columns].dropna().reset_index(drop=True),
    )


@pytest.mark.parametrize(
    ("words", "epochs"), [([], 31), (["--set", "trainer.epochs=40"], 40), (["--set", "data.workers=1"], 31)]
)
def test_the_command_resumes_with_the_epochs_of_the_run_unless_others_are_given(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], epochs: int
) -> None:
    from typer.testing import CliRunner

    from metric_face.cli.app import app

    own = dump_config(tiny_config(toy, trainer__epochs=31))
    begin_run(tmp_path, {"data_root": str(toy)}, own, lambda file: file.touch())
    asked: list[int] = []

    def resolve(config: Any, home: Path, resume: bool) -> Any:
        asked.append(resolve_config(config, home, resume).trainer.epochs)
        raise SystemExit(0)

    monkeypatch.setattr("metric_face.training.fitting.resolve_config", resolve)
    CliRunner().invoke(app, ["train", "--resume", "--out", str(tmp_path), *words])
    assert asked == [epochs]


def test_ctrl_c_keeps_what_was_learned(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_at(1, monkeypatch)
    run = fit(tiny_config(toy), tmp_path / "run", quiet=True)
    assert run.facts["ended"] == "interrupted"
    assert run.model.embed(torch.zeros(1, 3, 32, 32)).shape == (1, 16)


def test_max_time_ends_with_the_best_weights_in_place(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()  # a clock that does not depend on how busy the machine is
    monkeypatch.setattr(Deadline, "elapsed", property(lambda self: 0.005 * next(ticks)))
    run = fit(tiny_config(toy, trainer__epochs=10_000, trainer__max_time="1s"), tmp_path / "run", quiet=True)
    assert run.facts["ended"] == "max_time"
    assert run.log["lr"].dropna().iloc[-1] < run.config.optimizer.lr / 2  # the cosine followed the clock
    assert run.facts["best"] == pytest.approx(run.log["val/macro_f1"].max())


@pytest.mark.parametrize(
    "changes",
    [
        {"model__neck": "none", "model__heads": "joint", "loss__label": "joint"},
        {"model__neck": "cosine", "loss__f1_weight": 0.5, "loss__classifier": "logit_adjusted"},
        {"loss__metric": "none", "sampler__batch_size": 16, "loss__classifier": "focal", "trainer__ema": 0.9},
        {"model__heads": "none", "data__attributes": [], "loss__label": "identity", "sampler__identities": 6},
        {"loss__metric": "pml.ArcFaceLoss", "loss__label": "identity", "optimizer__accumulate": 2},
        {"loss__surgery": "pcgrad", "optimizer__accumulate": 2},
    ],
    ids=["joint head", "cosine", "cross-entropy alone", "identities alone", "arcface", "pcgrad"],
)
def test_every_kind_of_run_trains_and_embeds(toy: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    run = fit(tiny_config(toy, **changes), tmp_path / "run", quiet=True)
    assert np.isfinite(run.log["loss"].dropna()).all()
    assert run.facts["best"] > 0


def test_a_folder_with_a_run_is_not_overwritten(finished: Run, toy: Path) -> None:
    with pytest.raises(ConfigError, match="holds a run already; name another folder, go on with --resume"):
        fit(tiny_config(toy), finished.folder)


def test_a_logger_that_is_not_installed_is_named(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingExtraError, match=r"trainer\.loggers: wandb is not installed; pip install"):
        fit(tiny_config(toy, trainer__loggers=["wandb"]), tmp_path / "run", quiet=True)


def test_nothing_to_resume_is_reported(tmp_path: Path) -> None:
    with pytest.raises(
        FileFormatError, match=r"holds no run to go on with; give the images, and it is started"
    ):
        fit({}, tmp_path, resume=True)


def test_the_schedule_warms_up_and_ends_where_it_should() -> None:
    factors = [learning_rate_factor(step / 100, 0.1, 0.01, 1 / 100) for step in range(101)]
    assert factors[0] > 0
    assert factors[10] == pytest.approx(1.0)
    assert factors[-1] == pytest.approx(0.01)
    assert all(a >= b for a, b in pairwise(factors[10:]))
