"""Two processes: what the command trains is what one process trains with twice the batch, and a stop loses nothing."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from metric_face.config import Config, dump_config
from metric_face.errors import ConfigError, DataError
from metric_face.processes import Process
from metric_face.run import Run
from metric_face.training import fit, fit_folds
from metric_face.training.callbacks import Deadline
from metric_face.training.checkpoint_file import read_note
from metric_face.training.resuming import check_processes
from tests.launching_cases import QUIET, TORCHRUN
from tests.training_cases import tiny_config

pytestmark = pytest.mark.slow

TOLERANCE = 1e-3
"""Of losses and scores: float32 sums in another order, which Adam's first steps enlarge, over two epochs."""


def shuffled(toy: Path, size: int) -> Config:
    """A metric loss, heads and their F1 on shuffled batches, whose size is a process's own."""
    return tiny_config(
        toy,
        sampler={"batches": "shuffled", "batch_size": size},
        loss__f1_weight=0.5,
        loss__f1_ramp=2,
        trainer__precision="fp32",
    )


def written(config: Config, folder: Path) -> str:
    """The file of a configuration."""
    file = folder / "given.yaml"
    file.write_text(dump_config(config), encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module")
def two(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Trained by the command under torchrun."""
    home = tmp_path_factory.mktemp("two")
    words = ["train", "--config", written(shuffled(toy, 8), home), "--out", str(home / "run"), "--json"]
    done = subprocess.run([*TORCHRUN, *words], capture_output=True, text=True, timeout=400, env=QUIET)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["ended"] == "complete"  # one object: the other process prints nothing
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    return Run.open(home / "run")


def test_two_processes_train_what_one_does_with_twice_the_batch(two: Run, toy: Path, tmp_path: Path) -> None:
    one = fit(shuffled(toy, 16), tmp_path / "one", quiet=True)
    names = [
        name for name in one.log.columns if name.startswith(("loss", "val/", "metric/", "lr", "batches"))
    ]
    assert len(names) > 12
    assert set(one.log.columns) == set(two.log.columns)
    for name in names:
        np.testing.assert_allclose(two.log[name], one.log[name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)
    assert two.facts["processes"] == 2


def test_another_number_of_processes_does_not_go_on(two: Run) -> None:
    said = r"was trained in 2 processes, found 1; go on with --set trainer.devices=2 or torchrun, or train into another"
    with pytest.raises(ConfigError, match=said):
        fit({"trainer": {"epochs": 3}}, two.folder, resume=True)
    assert Run.open(two.folder).facts == two.facts


def test_one_process_is_a_number_too(tmp_path: Path) -> None:
    check_processes(tmp_path, {"processes": 1}, Process())
    check_processes(tmp_path, {}, Process(0, 2, 0, 2))  # of an older version, which did not say
    with pytest.raises(
        ConfigError, match=r"was trained in 1 process, found 2; go on with one process, without torchrun"
    ):
        check_processes(tmp_path, {"processes": 1}, Process(0, 2, 0, 2))


@pytest.mark.parametrize(("world", "share"), [(2, 0.25), (1, 0.0)])
def test_the_learning_rate_goes_by_the_clock_of_the_first_process(world: int, share: float) -> None:
    first = SimpleNamespace(broadcast=lambda own: 0.25)
    deadline = Deadline(1e6)
    trainer: Any = SimpleNamespace(world_size=world, strategy=first, should_stop=False)
    deadline.on_train_start(trainer, None)  # type: ignore[arg-type]
    assert deadline.share_used() == pytest.approx(share, abs=1e-3)
    assert not trainer.should_stop


def test_a_stopped_training_goes_on_in_as_many_processes(toy: Path, tmp_path: Path) -> None:
    """SIGTERM to torchrun; then ``--resume`` with processes that the command starts itself."""
    home = tmp_path / "run"
    words = [
        "train",
        "--config",
        written(tiny_config(toy, trainer__epochs=500), tmp_path),
        "--out",
        str(home),
    ]
    with open(tmp_path / "said", "w", encoding="utf-8") as said:
        started = subprocess.Popen([*TORCHRUN, *words], stdout=said, stderr=said, env=QUIET)
        until = time.monotonic() + 300
        while not (home / "checkpoints" / "last.ckpt").exists() and time.monotonic() < until:
            assert started.poll() is None, (tmp_path / "said").read_text()
            time.sleep(0.1)
        started.send_signal(signal.SIGTERM)
        assert started.wait(timeout=100) != 0
    stopped = Run.open(home).facts
    assert (stopped["ended"], stopped["signal"], stopped["processes"]) == ("interrupted", "SIGTERM", 2)
    lines = (tmp_path / "said").read_text().splitlines()
    assert [line for line in lines if "go on with" in line] == [
        f"go on with: metric-face train --resume --out {home} --set trainer.devices=2"
    ]
    again = ["train", "--resume", "--out", str(home), "--set", "trainer.devices=2"]
    epochs = stopped["epochs"] + 1
    done = subprocess.run(
        [sys.executable, "-m", "metric_face", *again, "--set", f"trainer.epochs={epochs}"],
        capture_output=True,
        text=True,
        timeout=400,
        env=QUIET,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    run = Run.open(home)
    assert (run.facts["ended"], run.facts["epochs"]) == ("complete", epochs)
    steps = run.log["step"].to_numpy()
    assert (np.diff(steps) > 0).all()


def test_frozen_folds_in_two_processes_start_where_one_does(toy: Path, tmp_path: Path) -> None:
    """The start is scored over the images of all processes, and lines and results come back to the caller."""

    def folds(name: str, devices: int, size: int) -> tuple[list[Run], list[str]]:
        said: list[str] = []
        config = tiny_config(
            toy,
            data__split={"folds": 2},
            sampler={"batches": "shuffled", "batch_size": size},
            trainer={
                "frozen": True,
                "epochs": 1,
                "devices": devices,
                "export_onnx": False,
                "precision": "fp32",
            },
        )
        return fit_folds(config, tmp_path / name, quiet=True, say=said.append), said

    one, lines = folds("one", 1, 16)
    two, others = folds("two", 2, 8)
    assert [line.replace("/one/", "/two/") for line in lines] == others
    assert len(two) == 2
    for alone, shared in zip(one, two, strict=True):
        assert shared.facts["before"] == alone.facts["before"]
        starts = [read_note(run.folder / "checkpoints" / "start.ckpt")["best"] for run in (alone, shared)]
        assert starts[0] == starts[1]
        assert shared.facts["best"] == pytest.approx(alone.facts["best"], abs=TOLERANCE)
        ours, theirs = (run.embeddings().vectors for run in (alone, shared))
        np.testing.assert_allclose(theirs, ours, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"data__path": "nowhere.csv"}, DataError, r"nowhere.csv: no such file or folder"),
        ({"loss__surgery": "pcgrad"}, ConfigError, r"loss.surgery=pcgrad: works in one process"),
    ],
)
def test_what_a_started_process_refuses_is_raised_here(
    toy: Path, tmp_path: Path, changes: dict[str, Any], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        fit(tiny_config(toy, trainer__devices=2, **changes), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_an_error_under_torchrun_is_one_line(tmp_path: Path) -> None:
    words = ["train", "nowhere.csv", "--out", str(tmp_path / "run")]
    done = subprocess.run([*TORCHRUN, *words], capture_output=True, text=True, timeout=400, env=QUIET)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("error:")] == [
        "error: nowhere.csv: no such file or folder; give a folder of images, a CSV or a Parquet file"
    ]
