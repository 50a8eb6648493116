"""A diagnosis of a run names the commands that go on from it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from string import Formatter

import numpy as np
import pytest

from metric_face.attribution import attribute_classes, write_pair
from metric_face.diagnosis import diagnose, write_report
from metric_face.diagnosis.finding import Finding, HypothesisAnswer, Measure, Verdict
from metric_face.diagnosis.from_run import context_from_run
from metric_face.diagnosis.report.commands import TRIED, told_apart, try_command
from metric_face.diagnosis.report.sentences import words
from metric_face.diagnosis.result import Diagnosis
from metric_face.errors import FileFormatError
from metric_face.files import PAIRS, keep_pair, kept_pairs, pair_of
from metric_face.run import Run
from tests.diagnosis_cases import small_run

FOLDER = Path("runs/얼굴 1")


def blanks(finding: str) -> dict[str, int]:
    """A value for whatever the sentences of a finding name."""
    texts = " ".join(words("en").findings[finding].values())
    return {name: 1 for _, name, _, _ in Formatter().parse(texts) if name and name not in vars(Measure(0))}


@pytest.fixture
def found() -> Diagnosis:
    """Of a run, with one finding that is tried, another, and one more that is tried."""
    result = diagnose(**small_run(1), questions=["budget"])
    result.context.folder = FOLDER
    ids = ("worth.hurts", "leak.identity", "label_errors.wrong")
    findings = tuple(Finding(one, Measure(0.1, 0.05, 0.2, 0.0, 9, 20), values=blanks(one)) for one in ids)
    return replace(result, findings=findings)


def test_only_findings_that_exist_are_tried() -> None:
    assert words("en").findings.keys() >= TRIED
    assert words("en").findings.keys() == words("ko").findings.keys()


def test_what_try_changes_is_named_once_in_the_terminal(found) -> None:
    for lang in ("en", "ko"):
        naming = [line for line in found.lines(lang) if "metric-face try 'runs/얼굴 1'" in line]
        assert len(naming) == 1
        assert naming[0].startswith("   -> ")


def test_the_report_names_it_at_each_finding_and_nowhere_without_a_run(found, tmp_path) -> None:
    page = write_report(found, tmp_path, thumbnails=False)
    told = json.loads((tmp_path / "report.json").read_text("utf-8"))["findings"]
    command = "metric-face try 'runs/얼굴 1'"
    assert [one["try"] for one in told] == [command, None, command]
    assert page.read_text("utf-8").count("tries such changes in seconds each") == 2
    found.context.folder = None
    assert try_command(found.findings[0], found.context) is None
    assert not any("metric-face try" in line for line in found.lines())


def kept(folder: Path, fingerprint: str = "m", **changes: object) -> Path:
    pair = {"label": "gender", "classes": ["woman", "it's a man"], "border": 0.71, "low": 0.64, "high": 0.78}
    return keep_pair(folder, fingerprint, {**pair, "images": 40, "mean": np.eye(2), **changes})


@pytest.fixture
def asked(found) -> Diagnosis:
    values = {"attribute": "gender", "classes": ("it's a man", "woman")}
    first = replace(found.answers[0], values={**found.answers[0].values, **values}) if found.answers else None
    first = first or HypothesisAnswer("A", Verdict.CANNOT_TELL, "no_attribute", values=values)
    return replace(found, answers=(first,))


def test_the_pair_that_overlaps_most_is_named_with_its_command(asked, tmp_path) -> None:
    command = "metric-face attribute 'runs/얼굴 1' --between gender 'it'\"'\"'s a man' woman"
    for lang in ("en", "ko"):
        assert sum(command in line for line in asked.lines(lang)) == 1
    page = write_report(asked, tmp_path, thumbnails=False)
    told = json.loads((tmp_path / "report.json").read_text("utf-8"))["hypotheses"]["A"]
    assert (told["attribute"], told["told_apart"]) == (command, None)
    assert "shows where in the image they are told apart" in page.read_text("utf-8")
    asked.context.folder = None
    assert not any("metric-face attribute" in line for line in asked.lines())


def test_what_was_found_of_the_pair_is_an_observation(asked, tmp_path) -> None:
    kept(tmp_path)
    asked.context.told_apart = kept_pairs(tmp_path, "m")
    sentence = (
        "71% (64% to 78%) lies in the outer half of the image, 50% by area: an observation on 40 images, "
        "not a cause."
    )
    assert sum(line.endswith(sentence) for line in asked.lines()) == 1
    assert any("71%(64%~78%)" in line for line in asked.lines("ko"))
    assert sentence in write_report(asked, tmp_path, thumbnails=False).read_text("utf-8")
    told = json.loads((tmp_path / "report.json").read_text("utf-8"))["hypotheses"]["A"]["told_apart"]
    assert (told["border"], told["low"], told["high"], told["expected"]) == (0.71, 0.64, 0.78, 0.5)
    kept(tmp_path, border=float("nan"), low=float("nan"), high=float("nan"))  # flat maps: nothing to state
    asked.context.told_apart = kept_pairs(tmp_path, "m")
    assert any("metric-face attribute" in line for line in asked.lines())
    kept(tmp_path, low=float("nan"), high=float("nan"))  # a single image has no interval
    asked.context.told_apart = kept_pairs(tmp_path, "m")
    assert any("metric-face attribute" in line for line in asked.lines())


def test_pairs_are_kept_beside_each_other_and_of_one_model(tmp_path) -> None:
    assert kept_pairs(tmp_path, "m") == []
    kept(tmp_path)
    kept(tmp_path, label="hair")
    kept(tmp_path, classes=["it's a man", "woman"], border=0.4)  # the first again, in the other order
    assert [one["border"] for one in kept_pairs(tmp_path, "m")] == [0.71, 0.4]
    assert pair_of(kept_pairs(tmp_path, "m"), "gender", ("woman", "child")) is None
    assert kept_pairs(tmp_path, "another") == []
    file = kept(tmp_path, "another")
    assert len(kept_pairs(tmp_path, "another")) == 1
    file.write_text(file.read_text("utf-8").replace("0.71", "0.17"), "utf-8")
    with pytest.raises(
        FileFormatError, match="altered, its checksum does not match; remove it, and run attr"
    ):
        kept_pairs(tmp_path, "another")
    kept(tmp_path, "another")
    assert len(kept_pairs(tmp_path, "another")) == 1


@pytest.mark.slow
def test_a_run_reads_what_attribute_left(indexed, tmp_path) -> None:
    run = Run.open(shutil.copytree(indexed.folder, tmp_path / "run"))
    pair = attribute_classes(run, "color", "red", "blue", images=4, side=3)
    assert pair.fingerprint == run.fingerprint
    write_pair(pair, run.folder)
    context = context_from_run(run)
    assert context.folder == run.folder
    assert [(one["label"], one["border"]) for one in context.told_apart] == [("color", pair.border.value)]
    answer = HypothesisAnswer(
        "A",
        Verdict.CANNOT_TELL,
        "interval_holds_half",
        values={"attribute": "color", "classes": ("blue", "red")},
    )
    assert told_apart(answer, context)["low"] == pair.border.low
    (run.folder / PAIRS).write_text("{", "utf-8")
    result = diagnose(run, questions=["overlap"])
    assert any(PAIRS in line and "not JSON" in line for line in result.failures())


def test_the_answer_holds_the_two_classes_of_its_pair() -> None:
    answer = diagnose(**small_run(2), questions=["overlap"]).answers[0]
    attribute, classes = answer.values["attribute"], answer.values["classes"]
    context = diagnose(**small_run(2), questions=["overlap"]).context
    assert set(classes) <= set(context.classes[attribute])
    assert len(set(classes)) == 2
