"""Whatever users hand in is read as it stands or refused in a line; the audit refuses what a training refuses."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from metric_face.auditing.checking import audit
from metric_face.cli.app import app
from metric_face.config import dump_config, load_config
from metric_face.errors import MetricFaceError
from metric_face.training.fitting import fit
from tests.input_cases import CASES, Case, configuration, outcome, picture, rows, table, tree


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name}")
def test_what_is_read_and_what_is_reported(case: Case, tmp_path: Path) -> None:
    found = outcome(case, case.make(tmp_path))
    said = "\n".join(found.said)
    assert found.labels == case.labels, said
    assert case.says in said
    assert all("\n" not in line and len(line) < 600 for line in found.said)
    if case.splits is not None:
        assert found.splits == case.splits
    if found.prepared is not None:
        assert all(path.is_file() for path in found.prepared.table.paths)


def test_the_cases_are_many_and_have_names_of_their_own() -> None:
    names = [(case.kind, case.name) for case in CASES]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name}")
def test_audit_and_training_agree(case: Case, tmp_path: Path) -> None:
    source = case.make(tmp_path)
    found = outcome(case, source)
    config = tmp_path / "config.yaml"
    config.write_text(dump_config(configuration(case, source)))
    try:
        refusal = audit(config).refusal
    except MetricFaceError as error:  # there is nothing to look at
        refusal = str(error)
    assert refusal == (found.said[0] if found.prepared is None else "")


def audit_command(source: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["audit", str(source), *words])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("one class", "needs two classes or more"),
        ("split a, b", "needs a split 'train'"),
        ("one empty", "row 7"),
    ],
)
def test_the_audit_exits_with_1_where_a_training_refuses(name: str, words: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    code, said = audit_command(case.make(tmp_path))
    assert code == 1
    assert "A training refuses this: " in said
    assert words in " ".join(said.split())


def with_settings(tmp_path: Path, setting: str) -> tuple[Path, list[str]]:
    case = next(case for case in CASES if not case.settings)
    file = tmp_path / "config.yaml"
    file.write_text(dump_config(configuration(case, tree("cat", "dog")(tmp_path))))
    return file, ["loss.f1_weight=1", setting]


@pytest.mark.parametrize(
    "setting",
    [
        "trainer.monitor=val/macro_f1/nope",
        "loss.metric=pml.Nope",
        "optimizer.accumulate=100000",
        "loss.f1_ramp=100000000",
    ],
)
def test_settings_are_refused_by_the_audit_in_the_words_of_the_training(setting: str, tmp_path: Path) -> None:
    file, overrides = with_settings(tmp_path, setting)
    with pytest.raises(MetricFaceError) as refused:
        fit(load_config(file, overrides), tmp_path / "run", quiet=True)
    report = audit(file, overrides)
    assert report.refusal == str(refused.value)
    assert report.findings[0].sentence == f"A training refuses this: {refused.value}."
    assert audit_command(file, *(word for line in overrides for word in ("--set", line)))[0] == 1


def test_what_a_training_says_of_its_settings_the_audit_says_too(tmp_path: Path) -> None:
    file, overrides = with_settings(tmp_path, "loss.f1_ramp=5")
    said: list[str] = []
    fit(load_config(file, overrides), tmp_path / "run", quiet=True, say=said.append)
    report = audit(file, overrides)
    assert report.refusal == ""
    assert report.notes[0].startswith("loss.f1_ramp=5: the loss reaches")
    assert [line for line in said if line in report.notes] == list(report.notes)


def test_labels_that_differ_by_case_or_blanks_are_a_finding(tmp_path: Path) -> None:
    text = rows(["cat"] * 3 + ["Cat"] * 2 + ["cat "] * 2 + ["dog"] * 3 + ["ｄog"] * 2)
    report = audit(table(text, images=12)(tmp_path))
    found = {finding.id: finding for finding in report.findings}["names-alike-label"]
    assert "'Cat' (2) and 'cat' (3) and 'cat ' (2); 'dog' (3) and 'ｄog' (2)" in found.sentence
    assert found.rows == (tuple(range(7)), tuple(range(7, 12)))
    other = audit(tree("cat", "dog")(tmp_path / "clean"))
    assert not [finding for finding in other.findings if finding.id.startswith("names-alike")]


def test_the_audit_says_what_was_left_out(tmp_path: Path) -> None:
    source = tree("cat", "dog")(tmp_path)
    (source / "cat" / "notes.txt").write_text("text")
    code, said = audit_command(source)
    assert code == 0
    assert "8 images taken; left out: 1 that Pillow does not open (.txt)" in " ".join(said.split())


def test_folders_of_a_competition_that_its_table_does_not_name_are_counted(tmp_path: Path) -> None:
    from metric_face.data.table import ImageTable

    folder = tmp_path / "train"
    for home in ("1_male_Asian_20", "2_female_Asian_60", "3_male_Asian_30"):
        picture(folder / "images" / home / "normal.jpg")
    (folder / "train.csv").write_text(
        "id,gender,race,age,path\n007,male,NA,20,1_male_Asian_20\n7,female,None,60,2_female_Asian_60\n"
    )
    read = ImageTable.read(tmp_path)
    assert read.frame["id"].tolist() == ["007", "7"]
    assert read.frame["race"].tolist() == ["NA", "None"]
    assert "2 images taken; left out: 1 in folders that train.csv does not name" in read.notes[-1]


def test_rows_without_a_label_are_kept_where_they_are_tested_on(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "test rows without labels, drop")
    prepared = outcome(case, case.make(tmp_path)).prepared
    assert prepared is not None
    assert prepared.space is not None
    lacking = prepared.table.take(~prepared.space.has_labels(prepared.table))
    assert lacking.frame[["path", "split"]].to_numpy().tolist() == [["6.png", "test"]]
    assert prepared.dropped == ("0.png: lacks a label",)
