"""A diagnosis of a run names the commands that go on from it."""

import json
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest

from metric_face.diagnosis import diagnose, write_report
from metric_face.diagnosis.finding import Finding, Measure
from metric_face.diagnosis.report.commands import TRIED, try_command
from metric_face.diagnosis.report.sentences import words
from metric_face.diagnosis.result import Diagnosis
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
