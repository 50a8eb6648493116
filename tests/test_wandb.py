"""Weights & Biases itself, without its server: each training and each log has a run of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from metric_face.integrations import log_run
from metric_face.run import Run
from metric_face.training import fit, logger_of
from tests.training_cases import tiny_config

wandb = pytest.importorskip("wandb")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # those of its own packages


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")


def runs_in(folder: Path) -> list[Path]:
    """The W&B runs that were written there."""
    return sorted((folder / "wandb").glob("offline-run-*"))


def test_two_trainings_of_a_process_are_two_runs(toy: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        fit(tiny_config(toy, trainer__loggers=["wandb"], trainer__epochs=1), tmp_path / name, quiet=True)
        assert wandb.run is None
        assert len(runs_in(tmp_path / name)) == 1


def test_a_run_is_logged_with_its_map_and_its_findings(indexed: Run) -> None:
    names = log_run(indexed, "wandb")
    assert {"map", "findings", "val/knn/color/macro_f1"} <= set(names)
    [made] = runs_in(indexed.folder)
    [picture] = made.glob("files/media/images/map*.png")
    assert picture.read_bytes() == (indexed.folder / "map.png").read_bytes()
    [table] = made.glob("files/media/table/findings*.json")
    held: dict[str, Any] = json.loads(table.read_text("utf-8"))
    assert held["columns"] == ["finding"]
    assert held["data"]
    assert wandb.run is None


def test_a_run_that_the_user_began_stays_open(tmp_path: Path) -> None:
    begun = wandb.init(dir=tmp_path, project="mine")
    try:
        logger = logger_of("wandb", tmp_path)
        logger.log_metrics({"x": 1.0})
        logger.finalize("success")
        assert wandb.run is begun
    finally:
        begun.finish()
