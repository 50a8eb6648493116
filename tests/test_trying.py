"""What-ifs on cached features: each is what it says, paired with the run's own settings, and kept when it is done."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from metric_face.cli.app import app
from metric_face.config import load_config
from metric_face.data import LabelSpace
from metric_face.data.attribute import Attribute
from metric_face.errors import ArgumentError, OutputError
from metric_face.files import claim
from metric_face.pages import LANGUAGES, page_texts
from metric_face.run import Run
from metric_face.training import fit
from metric_face.trying import what_if, what_ifs
from metric_face.trying.asking import _compare
from metric_face.trying.boundaries import moved_cuts
from metric_face.trying.changes import BASELINE, changed
from metric_face.trying.labeling import labeled_as
from metric_face.trying.learning_curve import learning_curve
from metric_face.trying.outcome import ChangeOutcome
from metric_face.trying.suspects import suspects
from metric_face.trying.workbench import Workbench
from tests.training_cases import tiny_config


def space_of(*names):
    return LabelSpace(tuple(Attribute(name, ("a", "b")) for name in names))


def of_classes(*names):
    return what_ifs(load_config({}).settled(True), space_of(*names), identities=True)


def of_identities():
    config = load_config({"data": {"attributes": []}, "loss": {"label": "identity"}}).settled(False)
    return what_ifs(config, None, identities=True)


@pytest.mark.parametrize(
    "found", [of_classes("color", "shape"), of_identities()], ids=["classes", "identities"]
)
def test_there_are_twenty_and_more_and_each_is_another_configuration(found):
    settings = [one for one in found if one.is_setting]
    assert len(settings) >= 20
    assert len({one.name for one in found}) == len(found)
    base = load_config({}).settled(True)
    made = [changed(base, one.overrides) for one in settings]
    assert len({config.model_dump_json() for config in made}) == len(made)
    for one in found:
        for lang in LANGUAGES:
            text = page_texts("try", lang)["what_ifs"][one.key].format(**one.blanks)
            assert text
            assert "{" not in text


def test_columns_in_other_scripts_have_files_of_their_own():
    names = [one.name for one in of_classes("색깔", "모양", "가/나")]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and "/" not in name for name in names)


def test_columns_that_a_file_name_would_write_alike_have_files_of_their_own():
    names = [one.name for one in of_classes("mask type", "mask_type", "mask-type")]
    assert len(set(names)) == len(names)
    assert "triplet-color-batch_all-0.2" in {one.name for one in of_classes("color", "shape")}


def test_what_a_run_has_already_is_not_tried():
    base = load_config({"loss": {"classifier": "focal"}}).settled(True)
    keys = {one.key for one in what_ifs(base, space_of("color"), identities=False)}
    assert "focal" not in keys
    assert "logit_adjusted" in keys
    assert not keys & {"joint_head", "head_each", "identity_batches"}  # one attribute, no identities


@pytest.fixture(scope="module")
def run(indexed, tmp_path_factory):
    """The session's run, trained from scratch on images, to write into."""
    return Run(shutil.copytree(indexed.folder, tmp_path_factory.mktemp("tried") / "run"))


@pytest.fixture(scope="module")
def tried(run):
    return what_if(run, steps=10)


def read(run, name):
    with np.load(run.folder / "try" / "outcomes" / f"{name}.npz") as stored:
        return dict(stored)


def read_answers(run, name):
    """What a change says of each validation image, by score."""
    stored = read(run, name)
    return {key.removeprefix("answer/"): stored[key] for key in stored if key.startswith("answer/")}


def test_a_difference_is_that_of_the_scores_of_the_same_images(run, tried):
    bench = Workbench.of(run, run.folder / "try" / "features", 10, lambda *_: None)
    val = bench.validation()
    own = read(run, "baseline")
    assert tried.baseline["head"] == pytest.approx(f1_score(val.true, own["answer/head"], average="macro"))
    assert tried.score == "head"
    for one in tried.ranked:
        kept = read(run, one.what_if.name)
        for name in ("head", "knn"):
            score = f1_score(val.true, kept[f"answer/{name}"], average="macro")
            assert one.scores[name] == pytest.approx(score)
            assert one.differences[name].value == pytest.approx(score - tried.baseline[name])
            assert one.differences[name].low <= one.differences[name].value <= one.differences[name].high
    order = [one.differences["head"].value for one in tried.ranked]
    assert order == sorted(order, reverse=True)
    assert len(tried.ranked) >= 20
    assert tried.seen_training
    assert tried.null is not None


def test_settings_reach_the_training(run, tmp_path):
    bench = Workbench.of(run, run.folder / "try" / "features", 10, lambda *_: None)
    found = {one.name: one for one in what_ifs(bench.config, bench.space, identities=True)}
    again, plain = bench.train_on(BASELINE), bench.train_on(BASELINE)
    np.testing.assert_array_equal(again.answers["head"], plain.answers["head"])
    assert len(bench.rows(found["share-50_"])) < len(bench.rows(BASELINE))
    few = set(bench.identities(bench.rows(found["share-25_"])))
    assert few < set(bench.identities(bench.rows(found["share-50_"])))
    state = bench.state(BASELINE)
    assert state != bench.state(found["focal"])
    assert state != replace(bench, steps=11).state(BASELINE)


def test_an_outcome_depends_on_labels_identities_and_pixels(run, tried):
    """It is trained on the table and the features, whatever the names of the images say."""
    bench = Workbench.of(run, run.folder / "try" / "features", 10, lambda *_: None)
    state = bench.state(BASELINE)
    for column in ("color", "identity"):
        frame = bench.table.frame.copy()
        frame[column] = np.roll(frame[column], 1)
        assert (frame[column] != bench.table.frame[column]).any()
        assert replace(bench, table=replace(bench.table, frame=frame)).state(BASELINE) != state
    for name in bench.features.views:
        views = bench.features.views | {name: bench.features.views[name] + np.float32(1)}
        assert replace(bench, features=replace(bench.features, views=views)).state(BASELINE) != state
    assert Workbench.of(run, run.folder / "try" / "features", 10, lambda *_: None).state(BASELINE) == state


def test_suspects_are_searched_once_and_counted_where_they_were_dropped(run, tried, monkeypatch):
    bench = Workbench.of(run, run.folder / "try" / "features", 10, lambda *_: None)
    drops = next(one for one in what_ifs(bench.config, bench.space, identities=True) if one.drops)
    calls = []
    monkeypatch.setattr(
        "metric_face.trying.workbench.suspects", lambda *given: calls.append(1) or np.array([1, 3])
    )
    own = ChangeOutcome(read_answers(run, BASELINE.name))
    kept = {BASELINE.name: own}
    assert _compare(bench, [BASELINE, drops], kept).suspects == 0, "none was dropped"
    assert not calls
    assert len(bench.rows(drops)) == len(bench.train) - 2
    kept[drops.name] = ChangeOutcome(read_answers(run, drops.name))
    assert _compare(bench, [BASELINE, drops], kept).suspects == 2
    assert len(calls) == 1


def test_where_nothing_can_be_scored_a_line_says_so(run, tried):
    bench = Workbench.of(run, run.folder / "try" / "features", 10, lambda *_: None)
    with pytest.raises(ArgumentError, match="nothing can be scored, its validation images have no classes"):
        _compare(bench, [BASELINE], {BASELINE.name: ChangeOutcome({})})


def test_a_teacher_is_said_to_be_left_out(run, tried, monkeypatch):
    def stop(table):
        raise ArgumentError("far enough")

    monkeypatch.setattr("metric_face.trying.asking.refuse_missing", stop)
    said, taught = [], Run(run.folder)
    teacher = run.config.teacher.model_copy(update={"run": str(run.folder)})
    vars(taught)["config"] = run.config.model_copy(update={"teacher": teacher})
    with pytest.raises(ArgumentError, match="far enough"):
        what_if(taught, steps=10, say=said.append)
    assert said == ["teacher.run: is left out, all changes are trained without a teacher"]


def test_a_call_that_was_stopped_goes_on(run, tried):
    outcomes = run.folder / "try" / "outcomes"
    first, second = sorted(outcomes.glob("*.npz"))[:2]
    first.unlink()
    second.write_bytes(second.read_bytes()[:100])  # a full disk cut it
    stamps = {file: file.stat().st_mtime_ns for file in outcomes.glob("*.npz") if file != second}
    again = what_if(run, steps=10)
    assert {file: file.stat().st_mtime_ns for file in stamps} == stamps
    assert first.is_file()
    assert {one.what_if.name: one.scores for one in again.ranked} == {
        one.what_if.name: one.scores for one in tried.ranked
    }


def test_when_the_time_is_over_nothing_new_is_begun(run, tmp_path):
    home = shutil.copytree(run.folder, tmp_path / "run", ignore=shutil.ignore_patterns("outcomes"))
    ticks = iter(range(0, 10_000, 5))
    seen = []
    found = what_if(
        home,
        steps=2,
        time_limit="90s",
        clock=lambda: float(next(ticks)),
        progress=lambda *at: seen.append(at),
    )
    assert 0 < len(found.ranked) < 10
    assert found.left > 20
    assert seen[-1][0] == seen[-1][1]
    written = json.loads((home / "try" / "try.json").read_text())
    assert written["not_reached"] == found.left
    assert written["next"] == found.command


def test_a_run_of_identities_alone_is_ranked_by_recall(toy, tmp_path):
    config = tiny_config(
        toy,
        data__attributes=[],
        loss={"metric": "triplet", "label": "identity"},
        sampler={"identities": 4, "instances": 2},
        trainer__epochs=1,
    )
    run = fit(config, tmp_path / "run", quiet=True)
    found = what_if(run, steps=5, lang="ko")
    assert (found.score, found.suspects) == ("recall", 0)
    assert set(found.baseline) == {"recall"}
    assert "무엇이 도움이 될까" in (run.folder / "try" / "try.html").read_text(encoding="utf-8")
    overrides = [word for word in found.command.split(" --set ")[1:]]
    load_config(run.folder / "config.yaml", [word.strip("'") for word in overrides])


def test_what_somebody_else_put_there_is_left_alone(run, tried, tmp_path):
    ignored = shutil.ignore_patterns("try")
    for number, put in enumerate(
        (lambda place: place.write_text("mine"), lambda place: _folder_with_notes(place))
    ):
        home = shutil.copytree(run.folder, tmp_path / str(number), ignore=ignored)
        put(home / "try")
        with pytest.raises(OutputError):
            what_if(home, steps=1)


def _folder_with_notes(place):
    place.mkdir()
    (place / "notes.txt").write_text("mine")


def test_two_calls_do_not_try_one_run_at_once(run, tried):
    with claim(run.folder / "try"), pytest.raises(OutputError):
        what_if(run, steps=10)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"time_limit": "soon"}, ArgumentError, "soon: must be a time of at most a year"),
        ({"steps": 0}, ArgumentError, "steps must be at least 1, found 0"),
        ({"lang": "fr"}, ArgumentError, "lang must be one of"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(run, given, error, words):
    with pytest.raises(error, match=words):
        what_if(run, **given)


def test_the_learning_curve_is_exact_where_the_law_is():
    counts = np.array([50, 400, 100, 200])
    scores = 1 - 2.0 * counts**-0.4
    found = learning_curve(counts, scores, np.repeat(scores[None], 5, axis=0))
    assert found.exponent == pytest.approx(0.4)
    assert found.gain == pytest.approx(2.0 * 400**-0.4 - 2.0 * 500**-0.4)
    assert (found.low, found.high) == (pytest.approx(found.gain), pytest.approx(found.gain))
    assert found.identities == (50, 100, 200, 400)
    assert learning_curve([1, 2], [0.1, 0.2], np.zeros((2, 2))) is None
    assert learning_curve([1, 2, 3], [0.1, 0.2, 1.0], np.zeros((2, 3))) is None


def test_a_boundary_is_moved_past_the_nearest_values_and_empties_no_class():
    ages = [20, 29, 30, 45, 57, 58, 59, 60, 61]
    moved = moved_cuts((30.0, 60.0), ages)
    assert moved == [
        (30.0, (29.0, 60.0)),
        (30.0, (45.0, 60.0)),
        (60.0, (30.0, 58.0)),
        (60.0, (30.0, 59.0)),
        (60.0, (30.0, 61.0)),
    ]  # not at 20, below which there is nobody
    assert moved_cuts((60.0,), [18, 40, 59, 60]) == [(60.0, (40.0,)), (60.0, (59.0,))]  # nobody is older
    many = moved_cuts((0.5,), np.linspace(0, 1, 10_001))
    assert [round(cuts[0], 3) for _, cuts in many] == [0.49, 0.495, 0.505]


@pytest.fixture
def binned(run):
    """A bench of the same run whose space has the column of ages in two classes too."""
    bench = Workbench.of(run, run.folder / "try" / "features", 10, lambda *_: None)
    return replace(bench, space=LabelSpace((*bench.space.attributes, Attribute.binned("age", (50,)))))


def test_a_moved_boundary_changes_what_is_trained_on_and_not_what_is_scored(binned, tried):
    numbers = binned.numbers()
    assert list(numbers) == ["age"]
    found = what_ifs(binned.config, binned.space, identities=True, numbers=numbers)
    moved = [one for one in found if one.key == "boundary"]
    ages = np.unique(binned.table.take(binned.train).column("age").astype(float))
    expected = [*ages[ages < 50][-2:], ages[ages > 50][0]]
    assert [one.cuts[0][1] for one in moved] == [(age,) for age in expected]
    assert len({one.name for one in moved}) == 3
    assert not any(one.is_setting for one in moved)
    one, labels = moved[0], binned.table.take(binned.train).column("age").astype(float).to_numpy()
    space = labeled_as(binned.space, one)
    trained_on = space.encode(binned.table.take(binned.train))["age"]
    np.testing.assert_array_equal(trained_on, labels >= expected[0])
    truth = binned.space.joint(binned.space.encode(binned.table.take(binned.val)))
    np.testing.assert_array_equal(binned.validation().true, truth)
    outcome, own = binned.train_on(one), binned.train_on(BASELINE)
    assert not outcome.refused
    assert outcome.answers.keys() == own.answers.keys()
    assert any((outcome.answers[name] != own.answers[name]).any() for name in ("head", "knn"))


def test_separate_networks_are_those_of_each_attribute_alone(run, tried, monkeypatch):
    """The oracle: a bench whose space has one attribute answers for it as the joined networks do."""
    bench = Workbench.of(run, run.folder / "try" / "features", 10, lambda *_: None)
    separate = next(one for one in what_ifs(bench.config, bench.space, identities=True) if one.separate)
    joined = bench.space.split_joint(bench.train_on(separate).answers["head"])
    monkeypatch.setattr(Workbench, "recall_label", "joint")  # the run's own is one of the attributes
    for attribute in bench.space.attributes:
        loss = bench.config.loss.model_copy(update={"label": "joint"})
        config = bench.config.model_copy(update={"loss": loss})
        alone = replace(bench, space=LabelSpace((attribute,)), config=config, _starts={})
        np.testing.assert_array_equal(joined[attribute.name], alone.train_on(BASELINE).answers["head"])


def test_a_change_of_the_metric_loss_takes_nothing_over_from_the_one_before():
    loss = {
        "metric": "pml.SupConLoss",
        "miner": "BatchHardMiner",
        "memory": 64,
        "arguments": {"temperature": 1},
    }
    config = load_config({"loss": loss}).settled(True)
    found = {one.name: one for one in what_ifs(config, space_of("color"), identities=True)}
    bare = ("loss.miner=null", "loss.arguments=null", "loss.memory=0")
    assert found["no_metric"].overrides == (*bare, "loss.metric=none")
    triplet = changed(config, found["triplet-identity-batch_all-0.2"].overrides).loss
    assert triplet.arguments == {"margin": 0.2, "mining": "batch_all"}
    assert (triplet.miner, triplet.memory) == ({}, 0)
    arcface = changed(config, found["pml-ArcFace-identity"].overrides).loss
    assert (arcface.metric, arcface.arguments, arcface.miner) == ("pml.ArcFaceLoss", {}, {})
    assert found["focal"].overrides == ("loss.classifier=focal",)


def test_suspects_are_the_images_whose_label_was_changed():
    generator = np.random.default_rng(0)
    classes = generator.integers(0, 3, 600)
    vectors = (np.eye(3)[classes] * 6 + generator.normal(size=(600, 3))).astype(np.float32)
    changed_rows = generator.choice(600, 12, replace=False)
    labels = classes.copy()
    labels[changed_rows] = (classes[changed_rows] + 1) % 3
    found = suspects(vectors, labels, np.arange(600) // 2)
    assert set(changed_rows) >= set(found)
    assert len(found) >= 10
    assert len(suspects(vectors[:8], labels[:8], np.arange(8) // 4)) == 0


def test_the_command_prints_a_table_and_the_next_command(run, tried):
    runner = CliRunner()
    shown = runner.invoke(app, ["try", str(run.folder), "--steps", "10"])
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[-1] == f"next: {tried.command}"
    made = runner.invoke(app, ["try", str(run.folder), "--steps", "10", "--json"])
    found = json.loads(made.stdout)
    assert len(found["what_ifs"]) == len(tried.ranked)
    assert {"name", "set", "differences", "seconds", "helps", "harms"} <= found["what_ifs"][0].keys()
    page = (Path(run.folder) / "try" / "try.html").read_text(encoding="utf-8")
    assert tried.command.split(" --set ")[-1].split("=")[0] in page
