"""A training says how long an epoch is, and without a bar one line after each, counted from 1."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from metric_face.errors import ConfigError
from metric_face.progress import duration
from metric_face.run import Run
from metric_face.training.compiling import check_compiler, compiled
from metric_face.training.epoch_lines import EpochLines, describe_epoch
from metric_face.training.fitting import fit
from tests.training_cases import tiny_config


@pytest.mark.slow
def test_a_training_without_a_bar_says_a_line_an_epoch(toy, tmp_path):
    lines: list[str] = []
    run = fit(tiny_config(toy, trainer__epochs=3), tmp_path / "run", quiet=True, say=lines.append)
    (length,) = (line for line in lines if line.startswith("an epoch is "))
    batches = int(pd.read_csv(run.folder / "metrics.csv")["batches_promised"].dropna().iloc[0])
    assert length.startswith(f"an epoch is {batches} batches of 8 images: {8 * batches} drawn from ")
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert [line.split(":")[0] for line in epochs] == [f"epoch {number} of 3" for number in (1, 2, 3)]
    for line in epochs:
        assert re.search(r"loss \d+\.\d{3}, val/macro_f1 \d\.\d{3}", line)
    assert [line.endswith(" left") for line in epochs] == [True, True, False]


def planned(images: int, batches: int, of: int) -> Any:
    shape = np.zeros((batches, of), dtype=np.int64)
    return SimpleNamespace(train=range(images), sampler=SimpleNamespace(epoch_batches=lambda epoch: shape))


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (
            planned(1200, 36, 64),
            "an epoch is 36 batches of 64 images: 2,304 drawn from 1,200, 1.92 times as many",
        ),
        (planned(64, 1, 64), "an epoch is 1 batch of 64 images: 64 drawn from 64"),
        (planned(1000, 2, 64), "128 drawn from 1,000, 0.13 of them"),
    ],
)
def test_the_length_of_an_epoch_is_said(plan, line):
    assert line in describe_epoch(plan)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.2, "0 s"), (89, "89 s"), (90, "2 min"), (3599, "60 min"), (12_000, "3 h 20 min")],
)
def test_time_left_is_short(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(("limit", "elapsed", "most"), [(None, 0, 1e9), (100.0, 95.0, 5), (100.0, 200.0, 0)])
def test_the_time_left_is_that_of_the_run(limit, elapsed, most):
    lines: list[str] = []
    trainer: Any = SimpleNamespace(
        is_global_zero=True, current_epoch=0, max_epochs=1_000_000, callback_metrics={}, should_stop=False
    )
    deadline: Any = SimpleNamespace(seconds=limit, elapsed=elapsed)
    callback = EpochLines(lines.append, SimpleNamespace(monitor="val/macro_f1"), deadline)  # type: ignore[arg-type]
    callback._started -= 60
    callback.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
    (line,) = lines
    assert line.startswith("epoch 1 of 1000000: ")
    found = re.search(r"(\d+) s left", line)
    assert (found is None) if limit is None else (found is not None and int(found[1]) <= most)


def test_the_loss_of_an_epoch_is_the_mean_of_its_batches():
    lines: list[str] = []
    trainer: Any = SimpleNamespace(
        is_global_zero=True, current_epoch=0, max_epochs=2, callback_metrics={"loss": 0.0}, should_stop=True
    )
    deadline: Any = SimpleNamespace(seconds=None)
    callback = EpochLines(lines.append, SimpleNamespace(monitor="val/macro_f1"), deadline)  # type: ignore[arg-type]
    for losses in ([0.25, 0.5, 0.0], [0.125]):  # the last of an epoch may hold nothing to learn
        for number, loss in enumerate(losses):
            callback.on_train_batch_end(trainer, None, {"loss": torch.tensor(loss)}, None, number)  # type: ignore[arg-type]
        callback.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
    assert lines == [f"epoch 1 of 2: loss {mean}, stops here" for mean in ("0.250", "0.125")]


def test_no_compiler_is_refused_in_a_line(monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        ConfigError, match=r"^trainer\.compile=True: needs a C\+\+ compiler, found no g\+\+ or clang\+\+; "
    ):
        check_compiler()
    monkeypatch.setenv("CXX", "my-c++")
    with pytest.raises(ConfigError, match="found no my-c"):
        check_compiler()


def test_a_compiler_that_fails_is_refused_in_a_line(monkeypatch):
    def fails(function):
        raise RuntimeError("ld: cannot find -lgomp\nand more")

    monkeypatch.setattr("torch.compile", fails)
    with pytest.raises(
        ConfigError, match=r"cannot compile here \(ld: cannot find -lgomp\); set it to false$"
    ):
        compiled(None)


@pytest.mark.slow
def test_a_compiled_training_learns_the_same_and_keeps_its_names(toy, tmp_path):
    try:
        check_compiler()
    except ConfigError:
        pytest.skip("no C++ compiler here")
    runs: list[Run] = []
    for compile in (False, True):
        config = tiny_config(toy, trainer__epochs=2, trainer__compile=compile, trainer__precision="fp32")
        runs.append(fit(config, tmp_path / f"{compile}", quiet=True))
    plain, fast = (run.model.state_dict() for run in runs)
    assert list(plain) == list(fast)
    assert not any("_orig_mod" in name for name in fast)
    losses = [pd.read_csv(run.folder / "metrics.csv")["loss"].dropna().to_numpy() for run in runs]
    np.testing.assert_allclose(losses[1], losses[0], rtol=2e-3)
