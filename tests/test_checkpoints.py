"""A training that is killed, moved, damaged or stopped goes on to the same model, or says why it cannot."""

import errno
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from test_training import same, stop_at, weights
from typer.testing import CliRunner

from metric_face.cli.app import app
from metric_face.errors import ConfigError, FileFormatError, OutputError, TrainingError
from metric_face.models.embedding_model import EmbeddingModel
from metric_face.models.precision import map_below_stride
from metric_face.run import Run
from metric_face.training.checkpoint_file import read_checkpoint, read_note, write_checkpoint
from metric_face.training.checkpoints import Checkpoints, find_start
from metric_face.training.fitting import fit
from metric_face.training.module import TrainingModule
from tests.training_cases import tiny_config

pytestmark = pytest.mark.slow
SCORES = (0.2, 0.9, 0.5, 0.4)  # the second epoch of four is the best


class Killed(BaseException):
    """In place of kill -9: nothing of ours catches it."""


@pytest.fixture(autouse=True)
def best_is_not_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Checkpoints, "_score", lambda self, trainer: SCORES[trainer.current_epoch])


def config(toy: Path, **changes: Any) -> Any:
    return tiny_config(toy, data__size=[16, 16], trainer__epochs=4, **changes)


@pytest.fixture(scope="module")
def whole(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "_score", lambda self, trainer: SCORES[trainer.current_epoch])
        return fit(config(toy), tmp_path_factory.mktemp("whole") / "run", quiet=True)


@pytest.mark.parametrize(
    "name", ["images.parquet", "best.ckpt", "last.ckpt", "model.safetensors", "model.json"]
)
def test_a_disk_that_is_full_at_a_file_is_one_error_and_the_run_goes_on_to_the_same(
    toy: Path, tmp_path: Path, whole: Run, name: str
) -> None:
    home = tmp_path / "run"

    def full(path: Path) -> None:
        if path.parent.name == f".{name}.metric_face":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("metric_face.files.atomic.flush_to_disk", full)
        with pytest.raises(OutputError, match=f"{name}: cannot be written: No space left on device$"):
            fit(config(toy), home, quiet=True)
    assert list(home.rglob(".*")) == []
    resumed = fit(config(toy), home, resume=True, quiet=True)
    assert same(weights(resumed), weights(whole))
    assert {path.name for path in home.rglob("*")} == {path.name for path in whole.folder.rglob("*")}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def kill_at_save(number: int, *, written: bool, patch: pytest.MonkeyPatch) -> None:
    """Die at the given checkpoint, from 0, just before or just after it is in place."""
    left = [number]
    original = write_checkpoint

    def write(file: Path, content: dict[str, Any]) -> None:
        if left[0] == 0 and not written:
            raise Killed
        original(file, content)
        if left[0] == 0:
            raise Killed
        left[0] -= 1

    patch.setattr("metric_face.training.checkpoint_file.write_checkpoint", write)


def killed(toy: Path, home: Path, number: int, written: bool = True, **changes: Any) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        kill_at_save(number, written=written, patch=patch)
        with pytest.raises(Killed):
            fit(config(toy, **changes), home, quiet=True)
    return home


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("written", [False, True])
def test_killed_at_any_checkpoint_the_best_epoch_is_the_model(
    toy: Path, tmp_path: Path, whole: Run, number: int, written: bool
) -> None:
    home = killed(toy, tmp_path / "run", number, written)
    run = fit({}, home, resume=True, quiet=True)
    assert run.facts["best_epoch"] == whole.facts["best_epoch"] == 1
    assert run.facts["best"] == 0.9
    assert same(weights(run), weights(whole))


def test_a_moved_run_remembers_its_best(toy: Path, tmp_path: Path, whole: Run) -> None:
    home = killed(toy, tmp_path / "run", 3)
    moved = tmp_path / "elsewhere" / "other"
    moved.parent.mkdir()
    shutil.move(home, moved)
    copy = Path(shutil.copytree(moved, tmp_path / "copy"))
    for place in (moved, copy):
        run = fit({}, place, resume=True, quiet=True)
        assert (run.facts["best"], run.facts["best_epoch"]) == (0.9, 1)
        assert same(weights(run), weights(whole))


def test_killed_before_the_first_checkpoint_it_starts_over(toy: Path, tmp_path: Path, whole: Run) -> None:
    home = killed(toy, tmp_path / "run", 0, written=False)
    with pytest.raises(ConfigError, match=r"holds a run already; .* go on with --resume"):
        fit(config(toy), home)
    said: list[str] = []
    run = fit({}, home, resume=True, quiet=True, say=said.append)
    assert f"{home}: stopped before its first checkpoint; starts over" in said
    assert same(weights(run), weights(whole))


def test_resume_starts_what_was_not_begun_if_the_images_are_given(
    toy: Path, tmp_path: Path, whole: Run
) -> None:
    run = fit(config(toy), tmp_path / "run", resume=True, quiet=True)
    assert same(weights(run), weights(whole))


def test_a_resumed_run_takes_away_what_the_killed_one_left(toy: Path, tmp_path: Path) -> None:
    home = killed(toy, tmp_path / "r", 2)
    left = [home / "checkpoints" / ".best.ckpt.metric_face", home / ".run.json.metric_face"]
    begun = home / ".embeddings.metric_face"
    for place in (*left, begun):
        place.mkdir()
        (place / "lock").touch()
    (begun / "progress.json").write_text("{}")
    fit(config(toy), home, resume=True, quiet=True)
    assert not [place for place in left if place.exists()]
    assert begun.exists()  # an extraction goes on from there


def flip(file: Path, share: float = 0.6) -> None:
    content = bytearray(file.read_bytes())
    content[int(share * len(content))] ^= 4
    file.write_bytes(content)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_flipped_bit_anywhere_is_found(tmp_path: Path, share: float) -> None:
    file = tmp_path / "x.ckpt"
    write_checkpoint(file, {"a": torch.arange(100.0), "metric_face_note": {"epoch": 3}})
    assert read_note(file) == {"epoch": 3}
    assert torch.equal(read_checkpoint(file)["a"], torch.arange(100.0))
    flip(file, share)
    for read in (read_note, read_checkpoint):
        with pytest.raises(FileFormatError, match=r"x\.ckpt: damaged"):
            read(file)
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(FileFormatError, match=r"x\.ckpt: damaged"):
        read_checkpoint(file)


def test_a_checkpoint_grown_without_bounds_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "x.ckpt"
    write_checkpoint(file, {"a": torch.arange(100.0)})
    os.truncate(file, 2**40)
    with pytest.raises(FileFormatError, match=r"x\.ckpt: damaged \(it does not end as a checkpoint does\)"):
        read_checkpoint(file)


def test_a_damaged_last_checkpoint_is_named_and_the_best_gone_on_from(
    toy: Path, tmp_path: Path, whole: Run
) -> None:
    home = killed(toy, tmp_path / "run", 4)  # the third epoch is finished
    flip(home / "checkpoints" / "last.ckpt")
    said: list[str] = []
    run = fit({}, home, resume=True, quiet=True, say=said.append)
    assert any(
        "last.ckpt: damaged" in line and "goes on from best.ckpt, after epoch 2" in line for line in said
    )
    assert same(weights(run), weights(whole))


def test_a_damaged_best_checkpoint_never_becomes_the_model(toy: Path, tmp_path: Path, whole: Run) -> None:
    home = killed(toy, tmp_path / "run", 4)
    flip(home / "checkpoints" / "best.ckpt")
    with pytest.raises(
        FileFormatError, match=r"best\.ckpt: damaged .*best epoch, 2, are lost; restore it, or remove"
    ):
        fit({}, home, resume=True, quiet=True)
    (home / "checkpoints" / "best.ckpt").unlink()
    said: list[str] = []
    run = fit({}, home, resume=True, quiet=True, say=said.append)
    assert any("best.ckpt: missing; the best of the epochs after 3 counts" in line for line in said)
    assert run.facts["best_epoch"] == 3


def test_a_damaged_best_is_restored_where_the_last_is_the_same_epoch(
    toy: Path, tmp_path: Path, whole: Run
) -> None:
    home = killed(toy, tmp_path / "run", 3)  # the second epoch, the best, is finished
    flip(home / "checkpoints" / "best.ckpt")
    said: list[str] = []
    run = fit({}, home, resume=True, quiet=True, say=said.append)
    assert any("restored from last.ckpt" in line for line in said)
    assert same(weights(run), weights(whole))


def test_both_damaged_is_one_line(toy: Path, tmp_path: Path) -> None:
    home = killed(toy, tmp_path / "run", 4)
    for name in ("best.ckpt", "last.ckpt"):
        flip(home / "checkpoints" / name)
    with pytest.raises(
        FileFormatError, match=r"damaged .*there is no other to go on from; restore it, or remove"
    ):
        find_start(home / "checkpoints", print)
    shutil.rmtree(home / "checkpoints")  # as it says
    assert fit({}, home, resume=True, quiet=True).facts["ended"] == "complete"


@pytest.mark.parametrize(
    "changes",
    [
        {
            "loss__metric": "pml.CrossBatchMemory",
            "loss__arguments": {"loss": "ContrastiveLoss", "embedding_size": 16, "memory_size": 24},
        },
        {"trainer__ema": 0.9},
        {"optimizer__accumulate": 2},
        {"trainer__patience": 2},
    ],
    ids=["memory", "ema", "accumulate", "patience"],
)
@pytest.mark.parametrize("stop", ["inside", "killed"])
def test_what_keeps_a_state_goes_on_with_it(
    toy: Path, tmp_path: Path, changes: dict[str, Any], stop: str
) -> None:
    straight = fit(config(toy, **changes), tmp_path / "straight", quiet=True)
    home = tmp_path / "run"
    if stop == "inside":
        with pytest.MonkeyPatch.context() as patch:
            stop_at(straight.facts["steps"] // 2 + 1, patch)
            assert fit(config(toy, **changes), home, quiet=True).facts["ended"] == "interrupted"
    else:
        killed(toy, home, 4, **changes)
    resumed = fit({}, home, resume=True, quiet=True)
    assert resumed.facts["ended"] == straight.facts["ended"]
    assert resumed.facts["epochs"] == straight.facts["epochs"]
    assert same(weights(resumed), weights(straight))
    columns = ["step", "loss", "loss/metric"]
    logged = straight.log[columns].dropna().reset_index(drop=True)
    rows = resumed.log[columns].dropna()  # one more than the other, of the step that it stopped at
    rows = rows[rows["step"].isin(logged["step"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, logged)


def test_a_run_that_its_patience_ended_stays_ended(toy: Path, tmp_path: Path) -> None:
    ended = fit(config(toy, trainer__patience=1), tmp_path / "run", quiet=True)
    before = weights(ended)
    again = fit({}, tmp_path / "run", resume=True, quiet=True)
    assert (again.facts["ended"], again.facts["epochs"]) == ("patience", ended.facts["epochs"])
    assert same(weights(again), before)


def test_scores_of_a_stopped_epoch_do_not_reach_the_resumed_run(
    toy: Path, tmp_path: Path, whole: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = whole.facts["steps"] // 4
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "_score", lambda self, trainer: (0.2, 0.9, 0.99)[trainer.current_epoch])
        stop_at(2 * steps + 1, patch)
        stopped = fit(config(toy), tmp_path / "run", quiet=True)
    assert (stopped.facts["best"], stopped.facts["best_epoch"]) == (0.99, 2)  # what was learned is delivered
    resumed = fit({}, tmp_path / "run", resume=True, quiet=True)
    assert same(weights(resumed), weights(whole))
    assert not (tmp_path / "run" / "checkpoints" / "stopped.ckpt").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_with_its_code_and_the_line_how_to_go_on(
    toy: Path, tmp_path: Path, whole: Run, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    from metric_face.config import dump_config

    (tmp_path / "tiny.yaml").write_text(dump_config(config(toy)))
    home = tmp_path / "my run"
    with monkeypatch.context() as patch:
        stop_at(3, patch, number)
        stopped = CliRunner().invoke(
            app, ["train", "--config", str(tmp_path / "tiny.yaml"), "--out", str(home), "--quiet"]
        )
    assert stopped.exit_code == code, stopped.output
    assert f"go on with: metric-face train --resume --out '{home}'" in stopped.output
    assert Run(home).facts["signal"] == number.name
    gone_on = CliRunner().invoke(app, ["train", "--resume", "--out", str(home), "--quiet"])
    assert gone_on.exit_code == 0, gone_on.output
    assert same(weights(Run.open(home)), weights(whole))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--set", "optimizer.lr=0.5"], [r"optimizer\.lr=0\.5 \(the run's: 0\.003\)"]),
        (
            ["--set", "model.backbone=resnet50", "--set", "data.size=[8, 8]"],
            [r"model\.backbone", r"data\.size"],
        ),
        (["--set", "data.split.seed=3"], [r"data\.split\.seed=3"]),
        (["elsewhere"], [r"data\.path='elsewhere'"]),
        (["--config", "standard"], ["more: "]),
    ],
)
def test_other_settings_are_refused_by_name(
    toy: Path, whole: Run, words: list[str], names: list[str]
) -> None:
    refused = CliRunner().invoke(app, ["train", *words, "--resume", "--out", str(whole.folder), "--quiet"])
    assert isinstance(refused.exception, ConfigError)
    for name in names:
        assert re.search(name, str(refused.exception)), refused.exception


def test_the_same_images_by_another_name_are_the_same(
    toy: Path, whole: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(toy.parent)
    run = fit(
        {"data": {"path": toy.name + "/"}, "trainer": {"epochs": 4}}, whole.folder, resume=True, quiet=True
    )
    assert run.facts["ended"] == "complete"


def test_a_broken_training_names_its_step(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original: Callable[..., Any] = TrainingModule.training_step

    def break_down(self: TrainingModule, batch: dict[str, Any], index: int) -> torch.Tensor:
        if self.current_epoch == 1 and index == 2:
            batch = batch | {"image": batch["image"] * torch.nan}
        return original(self, batch, index)

    monkeypatch.setattr(TrainingModule, "training_step", break_down)
    with pytest.raises(
        TrainingError, match=r"training broke in epoch 2, batch 3: the loss is not finite; .*lower"
    ):
        fit(config(toy), tmp_path / "run", quiet=True)


def test_bf16_is_not_taken_where_its_gradients_are_wrong(toy: Path, tmp_path: Path) -> None:
    model = EmbeddingModel("test_resnet", {"a": 2}, embedding_size=16)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert map_below_stride(model, (16, 16)) == "backbone.layer4.0.conv1"
    assert map_below_stride(model, (64, 64)) is None
    assert same(before, model.state_dict())
    assert model.training
    said: list[str] = []
    run = fit(config(toy, trainer__precision="bf16"), tmp_path / "run", quiet=True, say=said.append)
    assert run.facts["precision"] == "32-true"
    assert any(
        "trains in float32: at 16 x 16 px the map that reaches backbone.layer4.0.conv1" in line
        for line in said
    )


def test_a_checkpoint_of_another_training_is_refused(toy: Path, tmp_path: Path) -> None:
    for name, seed in (("run", 0), ("other", 1)):
        fit(tiny_config(toy, seed=seed), tmp_path / name, quiet=True)
    shutil.copyfile(
        tmp_path / "other" / "checkpoints" / "best.ckpt", tmp_path / "run" / "checkpoints" / "best.ckpt"
    )
    with pytest.raises(FileFormatError, match=r"best.ckpt: is of another training"):
        fit(tiny_config(toy, trainer__epochs=3), tmp_path / "run", resume=True, quiet=True)
