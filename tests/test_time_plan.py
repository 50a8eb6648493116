"""A training that must end in time: its clock begins with the call, it says what fits, and it always has a model."""

import math
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from metric_face.errors import ConfigError
from metric_face.training import fit, fitting
from metric_face.training.callbacks import Deadline
from metric_face.training.checkpoint_file import read_checkpoint
from metric_face.training.time_plan import TimePlan, plan_lines
from tests.test_frozen import fine_tuned, weights  # noqa: F401
from tests.training_cases import tiny_config


def test_the_clock_begins_where_the_training_was_called():
    now = [100.0]
    deadline = Deadline(200, reserve=0.1, since=20.0, clock=lambda: now[0])
    assert (deadline.elapsed, deadline.left) == (80, 100)
    assert deadline.share_used() == pytest.approx(80 / 180)
    deadline.load_state_dict({"elapsed": 60.0})  # a resumed one pays for its own preparation too
    assert (deadline.elapsed, deadline.left) == (140, 40)
    now[0] = 500.0
    assert deadline.left == 0
    assert Deadline(200, clock=lambda: now[0]).elapsed == 0
    assert Deadline(None, clock=lambda: now[0]).left == math.inf


def test_no_step_begins_that_would_not_end_in_time():
    now = [0.0]
    deadline = Deadline(100, since=0.0, clock=lambda: now[0], after=10, validation=20)
    trainer: Any = SimpleNamespace(should_stop=False, world_size=1, accumulate_grad_batches=1)
    trainer.strategy = SimpleNamespace(broadcast=lambda value: value)
    progress = SimpleNamespace(is_last_batch=False, current=SimpleNamespace(ready=1))
    trainer.fit_loop = SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=progress))
    module: Any = None
    deadline.on_train_epoch_start(trainer, module)
    while not trainer.should_stop:
        now[0] += 6.0
        deadline.on_train_batch_end(trainer)
    assert now[0] == 66  # another step would end at 72, and validation and export after 100
    now[0] = 70.0
    deadline.on_validation_start(trainer, module)
    now[0] = 95.0
    deadline.on_validation_end(trainer, module)  # five seconds more than it was expected to take
    assert deadline.share_used() == pytest.approx(95 / (100 - 10 - 25 - 6))


def test_what_is_kept_for_the_export_is_a_quarter_at_most():
    assert Deadline(20, since=0.0, clock=lambda: 0.0, after=10).left == 15
    assert Deadline(1000, since=0.0, clock=lambda: 0.0, after=10).left == 970


@pytest.mark.parametrize(
    ("wanted", "left", "first", "second"),
    [
        (300, 100, "the 3 epochs to come fit, in about 60 s", "falls with the steps"),
        (300, 60, "the 3 epochs to come fit, in about 60 s", "falls with the steps"),
        (3000, 100, "at most 5.0 of the 30 epochs to come fit in 2 min", "falls with the clock"),
        (2980, 8, "at most 0.4 of the 29.8 epochs to come fit in 8 s", "falls with the clock"),
        (300, 0, "at most 0.0 of the 3 epochs to come fit in 0 s", "falls with the clock"),
    ],
)
def test_the_plan_is_what_the_speed_leaves(wanted, left, first, second):
    lines = plan_lines(0.2, 100, wanted, left)
    assert lines[0].startswith("time: a batch takes 0.2 s, an epoch about 20 s and its validation: ")
    assert lines[0].endswith(first)
    assert second in lines[1]


def told(seconds: float | None, batches: int, epochs: int, should_stop: bool = False) -> list[str]:
    """What a training says whose batches take 2 s, the first of an epoch 9 s, validation 50 s, after 40 s."""
    said: list[str] = []
    now = [40.0]
    plan = TimePlan(
        said.append, Deadline(seconds, reserve=0, since=0.0, clock=lambda: now[0]), lambda: now[0]
    )
    trainer: Any = SimpleNamespace(
        is_global_zero=True, should_stop=should_stop, current_epoch=0, max_epochs=epochs
    )
    trainer.num_training_batches = batches
    progress = SimpleNamespace(current=SimpleNamespace(ready=0))
    trainer.fit_loop = SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=progress))
    module: Any = None
    plan.on_train_start(trainer, module)
    for epoch in range(2):
        trainer.current_epoch = epoch
        plan.on_train_epoch_start(trainer, module)
        for batch in range(batches):
            now[0] += 2.0 if batch else 9.0
            progress.current.ready = batch + 1
            plan.on_train_batch_end(trainer)
        now[0] += 50
        plan.on_train_epoch_end(trainer, module)
    return said


def test_the_speed_is_that_of_the_batches_after_the_first():
    first, second, third = told(600, 100, 10)
    assert first == "time: 10 min in all, 40 s used before the first step"
    left = 600 - 40 - 9 - 20 * 2
    assert (
        f"a batch takes 2 s, an epoch about 3 min and its validation: at most {left / 200:.1f} of the "
        in second
    )
    assert "falls with the clock" in third
    assert told(600, 3, 10)[1].startswith(
        "time: a batch takes 2 s, an epoch about 6 s"
    )  # a short epoch's end
    assert len(told(600, 1, 10)) == 1  # nothing to time
    assert told(None, 100, 10) == told(600, 100, 10, should_stop=True) == []


@pytest.mark.slow
def test_a_time_that_is_over_before_the_first_step_leaves_the_start_with_its_head_trained(
    toy,
    weights,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    said: list[str] = []
    monkeypatch.setattr(fitting, "monotonic", lambda: monotonic() - 3600)  # the images took an hour
    config = fine_tuned(toy, weights, trainer__max_time="30m", optimizer={"freeze_epochs": 2, "lr": 3e-3})
    run = fit(config, tmp_path / "run", quiet=True, say=said.append)
    assert (run.facts["ended"], run.facts["steps"], run.facts["best_epoch"]) == ("max_time", 0, -1)
    assert run.facts["seconds"] > 3600
    assert said[-1] == (
        "trainer.max_time=30m was over before the first step: the run holds the start, its head trained first, "
        f"{run.facts['monitor']} {run.facts['best']:.3f}; go on with --resume and more time"
    )
    assert not any(line.startswith(("time: ", "no epoch was better")) for line in said)
    start = read_checkpoint(run.folder / "checkpoints" / "start.ckpt")["state_dict"]
    assert torch.equal(run.model.heads[0].bias, start["model.heads.0.bias"])
    assert run.model.heads[0].bias.any()  # which starts at 0
    monkeypatch.undo()
    more = fit({"trainer": {"max_time": "3h"}}, run.folder, resume=True, quiet=True, say=said.append)
    assert (more.facts["ended"], more.facts["epochs"]) == ("complete", 1)


@pytest.mark.slow
def test_without_trained_weights_there_is_no_start_to_keep(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "monotonic", lambda: monotonic() - 3600)
    with pytest.raises(ConfigError) as caught:
        fit(tiny_config(toy, trainer__max_time="30m"), tmp_path / "run", quiet=True)
    assert str(caught.value) == (
        "trainer.max_time=30m: was over before the first step, after 60 min, and without trained weights there is no "
        "start to keep; go on with --resume and more time"
    )
