"""Files, runs and folds side by side: who counts as one, what is judged on what, and what goes into a submission."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fold_cases import SPACE, draw_table, plant_run, predictions_of
from typer.testing import CliRunner

from metric_face.cli.app import app
from metric_face.data.attribute import Attribute
from metric_face.data.labels import LabelSpace
from metric_face.embeddings.prediction_csv import write_predictions
from metric_face.embeddings.predictions import Predictions
from metric_face.ensemble.fusing import fuse
from metric_face.errors import ArgumentError, DataError, FileFormatError
from metric_face.folds import FoldSet, fold_runs, held_out
from metric_face.metrics import macro_f1
from metric_face.metrics.intervals import bootstrap_interval
from metric_face.run import Run

TABLE = draw_table()
FAIR = {"color": 0.8, "shape": 0.7}


def plant_folds(home: Path, count: int, right: dict[str, float] = FAIR, of: int = 5, **more) -> Path:
    for fold in range(count):
        plant_run(home / f"fold-{fold}", TABLE, right, fold=(fold, of), seed=fold, **more)
    return home


def truth(images: np.ndarray) -> dict[str, np.ndarray]:
    rows = TABLE.frame.set_index("path").loc[images].reset_index()
    return SPACE.encode(TABLE.take([0]).__class__(rows, TABLE.root))


def test_finished_folds_are_one_candidate_evaluated_on_images_they_held_out(tmp_path: Path) -> None:
    home = plant_folds(tmp_path / "kfold", 3)
    fused = fuse([home])
    (one,) = fused.estimates
    assert (one.name, one.folds) == ("kfold", (3, 5))
    said = FoldSet.of("kfold", fold_runs(home)).held_out(SPACE)
    identities = TABLE.frame.set_index("path").loc[said.images, "identity"].to_numpy(str)
    assert (one.images, one.identities) == (len(said), len(set(identities)))
    assert 0.5 * len(TABLE) < one.images < 0.7 * len(TABLE)
    true, codes = truth(said.images), said.codes()
    for name, classes in (("color", 2), ("shape", 3)):
        assert one.macro_f1[name].value == pytest.approx(macro_f1(true[name], codes[name], classes))
    joint = bootstrap_interval(SPACE.joint(true), SPACE.joint(codes), identities, num_classes=6)
    assert one.macro_f1["joint"].value == pytest.approx(joint.value)
    assert one.macro_f1["joint"].low == pytest.approx(joint.low, abs=0.02)
    # Always right on what they were trained on: had one such image counted, this would be above what is planted.
    assert one.macro_f1["shape"].high < 0.85
    assert fused.plan.gain is None


def test_an_unfinished_fold_waits_and_is_reported(tmp_path: Path) -> None:
    home = plant_folds(tmp_path / "kfold", 2)
    plant_run(home / "fold-2", TABLE, FAIR, fold=(2, 5), ended=None)
    plant_run(home / "fold-3", TABLE, FAIR, fold=(3, 5), ended="interrupted")
    plant_run(home / "fold-4", TABLE, FAIR, fold=(4, 5), embedded=False)
    fused = fuse([home])
    assert fused.estimates[0].folds == (2, 5)
    assert fused.notes == (
        f"{home / 'fold-2'}: not finished",
        f"{home / 'fold-3'}: not finished",
        f"{home / 'fold-4'}: not embedded; run `metric-face embed {home / 'fold-4'}`",
    )
    (home / "fold-1" / "run.json").write_text("{ half a fi")  # it is written whole: damaged, not unfinished
    with pytest.raises(FileFormatError, match=r"fold-1/run\.json: truncated or not JSON"):
        fuse([home])


def test_a_fold_that_lost_its_configuration_is_not_left_out_in_silence(tmp_path: Path) -> None:
    home = plant_folds(tmp_path / "kfold", 3, of=3)
    (home / "fold-1" / "config.yaml").unlink()
    with pytest.raises(
        FileFormatError, match=r"fold-1/config\.yaml: missing; restore it, .*, or remove .*fold-1"
    ):
        fuse([home])
    (home / "fold-1" / "model.safetensors").unlink()  # killed before it began: the others are fused
    assert [one.folds for one in fuse([home]).estimates] == [(2, 3)]


def test_folds_of_two_trainings_are_not_pooled(tmp_path: Path) -> None:
    home = plant_folds(tmp_path / "kfold", 2)
    plant_run(home / "fold-2", TABLE, FAIR, fold=(2, 4))
    with pytest.raises(
        ArgumentError, match=r"must be folds of one training, found 5 folds in .*fold-0 and 4"
    ):
        fuse([home])
    shutil.rmtree(home / "fold-2")
    strangers = draw_table(identities=60, seed=5)
    strangers = strangers.with_column("path", TABLE.frame["path"].to_numpy()[::-1])
    plant_run(home / "fold-2", strangers, FAIR, fold=(2, 5))
    with pytest.raises(ArgumentError, match=r"held out by .*fold-[01] and by .*fold-2"):
        fuse([home])


def test_folds_given_one_by_one_are_the_same_candidate(tmp_path: Path) -> None:
    home = plant_folds(tmp_path / "kfold", 3)
    loose = fuse(sorted(home.iterdir()))
    assert loose.estimates == fuse([home]).estimates


def test_a_run_is_evaluated_on_its_validation_part_alone(tmp_path: Path) -> None:
    run = plant_run(tmp_path / "run", TABLE, FAIR)
    val = run.table.in_split("val")
    fused = fuse([tmp_path / "run"])
    assert fused.estimates[0].images == len(val)
    assert fused.estimates[0].folds is None
    assert set(held_out(run, SPACE).images) == set(val.frame["path"])


def test_who_is_good_at_what_is_found_among_folds_and_runs(tmp_path: Path) -> None:
    folds = plant_folds(tmp_path / "kfold", 5, {"color": 0.98, "shape": 0.5})
    run = plant_run(tmp_path / "run", TABLE, {"color": 0.6, "shape": 0.97}, seed=7)
    fused = fuse([folds, tmp_path / "run"])
    assert {member.attribute: member.runs for member in fused.plan.members} == {
        "color": ("kfold",),
        "shape": ("run",),
    }
    assert fused.plan.gain.low > 0
    unseen = len(run.table.in_split("val"))
    assert fused.plan.num_images == unseen
    assert fused.notes[0].startswith(
        f"run: lacks {len(TABLE) - unseen} of the {len(TABLE)} images that choose"
    )
    by_run = fuse([folds, tmp_path / "run"], tmp_path / "run")  # its validation part chooses
    assert by_run.plan.num_images == unseen
    assert by_run.notes == ()


def test_classes_in_another_order_are_put_in_order(tmp_path: Path) -> None:
    other = LabelSpace((Attribute("shape", ("star", "disc", "square")), Attribute("color", ("red", "blue"))))
    perfect = {"color": 1.0, "shape": 1.0}
    one = plant_run(tmp_path / "one", TABLE, perfect)
    plant_run(tmp_path / "two", TABLE, perfect, space=other)
    fused = fuse([tmp_path / "one", tmp_path / "two"])
    assert [estimate.macro_f1["joint"].value for estimate in fused.estimates] == [1, 1]
    said = held_out(Run.open(tmp_path / "two"), SPACE)
    assert said.probabilities.keys() == {"color", "shape"}
    np.testing.assert_array_equal(said.codes()["shape"], truth(said.images)["shape"])
    file = write_predictions(tmp_path / "three.csv", held_out(one, other), other)
    assert fuse([tmp_path / "one", file]).estimates[1].macro_f1["joint"].value == 1


def test_a_class_that_a_run_never_saw_has_no_chance() -> None:
    own = LabelSpace((Attribute("color", ("red", "blue")), Attribute("shape", ("star", "disc"))))
    said = predictions_of("r", ["a"], {"color": np.array([0]), "shape": np.array([1])}, own)
    aligned = said.aligned(own, SPACE)
    assert aligned.probabilities["shape"].tolist() == [[1, 0, 0]]
    assert aligned.probabilities["color"].tolist() == [[0, 1]]
    with pytest.raises(DataError, match="shape must be one of star, disc, found the class 'square'"):
        predictions_of("r", ["a"], {"color": np.array([0]), "shape": np.array([1])}, SPACE).aligned(
            SPACE, own
        )
    with pytest.raises(DataError, match="r: must predict 'shape', found color"):
        Predictions("r", np.array(["a"]), {"color": np.eye(2)[:1]}).aligned(
            LabelSpace((SPACE["color"],)), SPACE
        )


def test_images_that_a_file_lacks_are_reported(tmp_path: Path) -> None:
    run = plant_run(tmp_path / "run", TABLE, FAIR)
    said = held_out(run, SPACE)
    file = write_predictions(tmp_path / "short.csv", said.take(said.images[5:]), SPACE)
    fused = fuse([tmp_path / "run", file])
    assert fused.notes == (
        f"short: lacks 5 of the {len(said)} images that choose, the first {said.images[0]}; they were left out",
    )
    assert fused.plan.num_left_out == 5
    assert [one.images for one in fused.estimates] == [len(said), len(said) - 5]


def test_sources_that_share_no_identity_are_refused_or_fused_as_they_are(tmp_path: Path) -> None:
    run = plant_run(tmp_path / "run", TABLE, FAIR)
    space = run.space
    assert space is not None
    said, who = held_out(run, space), run.table.in_split("val").frame.set_index("path")["identity"]
    nobody = said.take(said.images[(who[said.images] == who[said.images[0]]).to_numpy()])
    more = np.array(["eval/x.jpg", "eval/y.jpg"])
    files = []
    for name, own, codes in (("all", said, ([0, 1], [2, 2])), ("few", nobody, ([0, 1], [2, 0]))):
        tables = {
            key: np.concatenate([own.probabilities[key], np.eye(space[key].num_classes)[said_of]])
            for key, said_of in zip(space.names, codes, strict=True)
        }
        made = Predictions(name, np.concatenate([own.images, more]), tables)
        files.append(write_predictions(tmp_path / f"{name}.csv", made, space))
    out = tmp_path / "out.csv"
    with pytest.raises(
        ArgumentError,
        match=r"share labeled images of at least 2 identities to choose by, found 1; .*--insist",
    ):
        fuse(files, run.folder, out=out)
    assert not out.exists()
    fused = fuse(files, run.folder, out=out, insist=True)
    assert [member.runs for member in fused.plan.members] == [("all", "few")] * 2
    assert fused.plan.gain is None
    assert any(
        "fewer than 2 identities: every attribute is the soft vote of all" in note for note in fused.notes
    )
    rows = pd.read_csv(out).set_index("ImageID")["ans"]
    assert rows["x.jpg"] == 0 * 3 + 2
    assert rows["y.jpg"] in (1 * 3 + 2, 1 * 3 + 0)  # one vote each
    done = CliRunner().invoke(app, ["fuse", *map(str, files), "--truth", str(run.folder), "--insist"])
    assert done.exit_code == 0, done.output
    assert "color: all + few, not measured" in done.stdout


def test_a_submission_of_files_has_the_images_that_are_not_the_runs_own(tmp_path: Path) -> None:
    run = plant_run(tmp_path / "run", TABLE, FAIR)
    own = held_out(run, SPACE)
    codes = {"color": np.array([1, 0]), "shape": np.array([2, 1])}
    images = np.concatenate([own.images, ["eval/x.jpg", "eval/y.jpg"]])
    whole = {name: np.concatenate([own.codes()[name], codes[name]]) for name in SPACE.names}
    files = [
        write_predictions(tmp_path / f"{name}.csv", predictions_of(name, images, whole, SPACE), SPACE)
        for name in ("a", "b")
    ]
    fused = fuse(files, tmp_path / "run", out=tmp_path / "info.csv")
    written = pd.read_csv(tmp_path / "info.csv")
    assert written.to_dict("list") == {"ImageID": ["x.jpg", "y.jpg"], "ans": [1 * 3 + 2, 0 * 3 + 1]}
    assert (fused.written, list(written.columns)) == (2, ["ImageID", "ans"])
    pd.read_csv(files[1]).iloc[:-1].drop(columns="crc32").to_csv(files[1], index=False)
    table = tmp_path / "eval.csv"
    pd.DataFrame({"path": ["eval/x.jpg", "eval/y.jpg"]}).to_csv(table, index=False)
    with pytest.raises(
        DataError, match=r"b: must predict every image, found none for 'eval/y.jpg' \(1 missing\)"
    ):
        fuse(files[1:], tmp_path / "run", out=tmp_path / "info.csv", images=table)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["a.csv"], "--truth: must be a run directory where only files are fused"),
        (["waiting"], r"waiting: needs a fold that is finished; .*fold-0: not finished"),
        (["run", "run"], "run: must be given once, found it twice; it would outvote the others"),
        (["kfold", "kfold/fold-1"], "fold-1: must be given once, found it twice"),
        (["kfold/fold-0", "copy/fold-0"], "fold 0 must be given once, found .*fold-0 and .*fold-0"),
    ],
)
def test_what_cannot_be_fused_is_named(tmp_path: Path, sources: list[str], message: str) -> None:
    plant_folds(tmp_path / "kfold", 2)
    plant_folds(tmp_path / "copy", 1)
    plant_folds(tmp_path / "waiting", 1, ended=None)
    plant_run(tmp_path / "run", TABLE, FAIR)
    (tmp_path / "a.csv").write_text("path,ans\nx,0\n")
    with pytest.raises(ArgumentError, match=message):
        fuse([tmp_path / source for source in sources])


def test_folders_that_hold_no_run_and_runs_that_look_at_nothing(tmp_path: Path) -> None:
    home = plant_folds(tmp_path / "kfold", 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFormatError, match=r"holds no config\.yaml"):
        fuse([tmp_path / "empty"])
    with pytest.raises(FileFormatError, match=r"kfold: holds folds; give one of them, such as .*fold-0"):
        Run.open(home)
    with pytest.raises(
        ArgumentError, match="kfold is a run and has not seen the images to submit; name them"
    ):
        fuse([home], out=tmp_path / "info.csv")
    plant_run(tmp_path / "bare", TABLE, FAIR, embedded=False)
    with pytest.raises(FileFormatError, match="holds no embeddings; run 'metric-face embed' first"):
        fuse([tmp_path / "bare"])


def test_runs_called_alike_are_told_apart_by_their_path(tmp_path: Path) -> None:
    paths = [tmp_path / place / "run" for place in "ab"]
    for path in paths:
        plant_run(path, TABLE, FAIR)
    assert [one.name for one in fuse(paths).estimates] == [str(path) for path in paths]


def _losing(folder: Path) -> tuple[list[Path], Path, dict[str, np.ndarray]]:
    """Two files for a run's held-out images: a good one, and one that is right only about half of the identities."""
    run = plant_run(folder / "run", TABLE, FAIR)
    held = run.embeddings("val").table
    true = SPACE.encode(held)
    rng = np.random.default_rng(3)
    identities = np.unique(held.frame["identity"], return_inverse=True)[1]
    files, images = [], np.append(held.frame["path"].to_numpy(str), ["eval/x.jpg", "eval/y.jpg"])
    for name, chance in (("good", 0.75), ("other", 0.73)):
        said = {}
        for attribute in SPACE.attributes:
            lucky = rng.random(identities.max() + 1) < chance
            wrong = (true[attribute.name] + 1) % attribute.num_classes
            codes = np.where(lucky[identities], true[attribute.name], wrong)
            said[attribute.name] = np.append(codes, [0, 1] if name == "good" else [1, 0])
        made = predictions_of(name, images, said, SPACE)
        files.append(write_predictions(folder / f"{name}.csv", made, SPACE))
    return files, folder / "run", true


def test_a_fusion_that_loses_is_not_what_is_written(tmp_path: Path) -> None:
    files, run, _ = _losing(tmp_path)
    fused = fuse(files, run, out=tmp_path / "out.csv")
    assert fused.plan.gain is not None
    assert fused.plan.gain.value < 0, "the case must be one of a fusion that loses"
    alone = fuse(files[:1] if fused.plan.base == "good" else files[1:], run, out=tmp_path / "alone.csv")
    assert (tmp_path / "out.csv").read_text() == (tmp_path / "alone.csv").read_text()
    assert alone.plan.gain is None
    told = [note for note in fused.notes if note.startswith("the fusion loses 0.")]
    assert len(told) == 1
    assert f"{fused.plan.base} alone is what to submit; --insist takes the fusion" in told[0]
    insisted = fuse(files, run, out=tmp_path / "insisted.csv", insist=True)
    assert (tmp_path / "insisted.csv").read_text() != (tmp_path / "out.csv").read_text()
    assert insisted.plan == fused.plan
    assert not any("loses" in note for note in insisted.notes)
