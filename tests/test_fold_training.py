"""Folds are trained like runs, on one dealing of the identities; a killed training goes on where it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_training import same, stop_at, weights
from typer.testing import CliRunner

from metric_face.cli.app import app
from metric_face.config import dump_config
from metric_face.data.preparation import prepare_data
from metric_face.data.table import ImageTable
from metric_face.embeddings.prediction_csv import write_submission
from metric_face.embeddings.predictions import Predictions
from metric_face.ensemble.fusing import fuse
from metric_face.errors import ConfigError, FileFormatError
from metric_face.extraction import extract
from metric_face.files.run_files import begin_run
from metric_face.files.staging import place_of
from metric_face.folds import fold_runs, is_finished
from metric_face.progress import silent
from metric_face.run import Run
from metric_face.training.fitting import fit
from metric_face.training.folds import fit_folds
from metric_face.training.head_first import settle_head_first
from metric_face.training.starting import choose_start
from tests.training_cases import tiny_config

pytestmark = pytest.mark.slow
SPLIT = {"folds": 3, "seed": 1}


def config(toy: Path, **changes: Any) -> Any:
    return tiny_config(toy, data__split=SPLIT, **changes)


@pytest.fixture(scope="module")
def whole(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return fit_folds(config(toy), tmp_path_factory.mktemp("folds") / "kfold", quiet=True)


def test_each_identity_is_held_out_once_and_each_fold_is_a_run(whole: list[Run]) -> None:
    assert [run.folder.name for run in whole] == ["fold-0", "fold-1", "fold-2"]
    held = [identity for run in whole for identity in run.table.in_split("val").frame["identity"].unique()]
    assert sorted(held) == sorted(whole[0].table.frame["identity"].unique())
    assert all(is_finished(run) and len(run.embeddings()) == 96 for run in whole)
    assert [run.config.data.split.fold for run in whole] == [0, 1, 2]


def test_a_fold_trained_alone_is_the_same_to_the_bit(whole: list[Run], toy: Path, tmp_path: Path) -> None:
    alone = fit(tiny_config(toy, data__split={**SPLIT, "fold": 2}), tmp_path / "alone", quiet=True)
    assert same(weights(alone), weights(whole[2]))


def test_a_stopped_training_goes_on_at_its_fold_and_ends_the_same(
    whole: list[Run], toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "kfold"
    with monkeypatch.context() as patch:
        first = fit_folds(config(toy), home, quiet=True, say=_stop_in_the_second_fold(patch))
    assert [run.facts["ended"] for run in first] == ["complete", "interrupted"]
    half = fuse([home])
    assert half.estimates[0].folds == (1, 3)
    assert half.notes == (f"{home / 'fold-1'}: not finished",)
    written = (home / "fold-0" / "model.safetensors").stat().st_mtime_ns
    with pytest.raises(ConfigError, match=r"found trainer\.epochs=50 \(the run's: 2\)"):
        fit_folds(config(toy, trainer__epochs=50), home, resume=True, quiet=True)
    left = place_of(home / "fold-0")  # by a kill while it was taken away
    left.mkdir()
    (left / "begun").touch()
    resumed = fit_folds({}, home, resume=True, quiet=True)
    assert not left.exists()
    assert (home / "fold-0" / "model.safetensors").stat().st_mtime_ns == written
    assert len(resumed) == 3
    for one, other in zip(resumed, whole, strict=True):
        assert same(weights(one), weights(other))
    assert fuse([home]).estimates[0].macro_f1 == fuse([whole[0].folder.parent]).estimates[0].macro_f1


def _stop_in_the_second_fold(monkeypatch: pytest.MonkeyPatch) -> Any:
    def say(line: str) -> None:
        if line.startswith("fold 2 of 3"):
            stop_at(2, monkeypatch)

    return say


def test_a_fold_killed_before_its_first_checkpoint_is_started_anew(
    whole: list[Run], toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "kfold"
    calls: list[Path] = []

    def die_in_the_second(config: Any, folder: Path, **more: Any) -> Run:
        calls.append(folder)
        if len(calls) == 2:
            folder.mkdir()
            table = more["data"].table
            settled, start = choose_start(config.settled(True), silent)
            settled = settle_head_first(settled, start.trained, 9, silent)  # as written before the first step
            begin_run(folder, {"data_root": str(table.root.resolve())}, dump_config(settled), table.save)
            raise SystemExit(9)
        return fit(config, folder, **more)

    with monkeypatch.context() as patch:
        patch.setattr("metric_face.training.folds.fit", die_in_the_second)
        with pytest.raises(SystemExit):
            fit_folds(config(toy), home, quiet=True)
    assert len(fold_runs(home)) == 2
    resumed = fit_folds(config(toy), home, resume=True, quiet=True)
    assert same(weights(resumed[1]), weights(whole[1]))


def test_images_to_submit_get_the_soft_vote_of_the_folds(whole: list[Run], toy: Path, tmp_path: Path) -> None:
    unseen = tmp_path / "eval.csv"
    names = [f"images/p{identity:02d}_0.png" for identity in range(5)]
    pd.DataFrame({"path": names}).to_csv(unseen, index=False)
    table = ImageTable.read(unseen, root=toy)
    table.frame.assign(path=[str(path) for path in table.paths]).to_csv(unseen, index=False)
    home = whole[0].folder.parent
    fused = fuse([home], out=tmp_path / "info.csv", images=unseen)
    assert fused.written == 5
    each = [Predictions.of_embeddings("f", extract(run, table), run.space) for run in whole]
    mean = {name: np.mean([one.probabilities[name] for one in each], axis=0) for name in ("color", "shape")}
    write_submission(tmp_path / "want.csv", Predictions("mean", each[0].images, mean), whole[0].space)
    assert (tmp_path / "info.csv").read_text() == (tmp_path / "want.csv").read_text()


def test_the_command_trains_says_how_many_folds_and_refuses_to_overwrite(toy: Path, tmp_path: Path) -> None:
    tiny = tmp_path / "tiny.yaml"
    tiny.write_text(dump_config(tiny_config(toy, trainer__epochs=1)))
    home = tmp_path / "kfold"
    words = ["train", "--config", str(tiny), "--folds", "2", "--out", str(home), "--quiet"]
    trained = CliRunner().invoke(app, words)
    assert trained.exit_code == 0, trained.output
    assert f"next: metric-face fuse {home}" in trained.output
    said = CliRunner().invoke(app, ["fuse", str(home)])
    assert "kfold, 2 of 2 folds: 96 images of 24 identities, none trained on" in said.output
    again = CliRunner().invoke(app, words)
    assert isinstance(again.exception, ConfigError)
    assert "holds a run already; name another folder, go on with --resume" in str(again.exception)
    resumed = CliRunner().invoke(app, ["train", "--resume", "--out", str(home), "--quiet"])
    assert resumed.exit_code == 0, resumed.output


def test_what_cannot_be_folded_is_refused(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.split\.folds: must be the number of folds to train"):
        fit_folds(tiny_config(toy), tmp_path / "r")
    with pytest.raises(FileFormatError, match="holds no folds to go on with; give the images"):
        fit_folds({"data": {"split": SPLIT}}, tmp_path / "r", resume=True)
    frame = pd.read_csv(toy / "images.csv").assign(split=["train"] * 48 + ["val"] * 48)
    frame["path"] = [str(toy / name) for name in frame["path"]]
    frame.to_csv(tmp_path / "split.csv", index=False)
    with pytest.raises(
        ConfigError, match=r"data\.split\.folds=3: the table is split already, by its column 'split'"
    ):
        prepare_data(tiny_config(tmp_path / "split.csv", data__split=SPLIT).data)
    assert not (tmp_path / "r").exists()
