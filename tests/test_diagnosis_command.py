"""``metric-face why`` with each of its options, on a run of seconds."""

import json
import re
import shutil

import pytest
from training_cases import tiny_config
from typer.testing import CliRunner

from metric_face import extract, fit
from metric_face.cli.app import app
from metric_face.errors import ArgumentError, ModelMismatchError, OutputError
from metric_face.files.checked_files import write_json
from metric_face.visualization.projection import Projection

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(toy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("why") / "run"
    made = fit(tiny_config(toy), folder, quiet=True)
    extract(made, made.table, folder=made.folder / "embeddings")
    return made


@pytest.fixture(autouse=True)
def no_umap(monkeypatch):
    """The layout itself is tested elsewhere."""

    def plane(graph, *, vectors, seed, n_neighbors, say):
        return Projection(vectors[:, :2].copy(), seed, n_neighbors, 0.1)

    monkeypatch.setattr("metric_face.diagnosis.report.map_drawing.project", plane)


def _why(*words):
    done = CliRunner().invoke(app, ["why", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_ten_lines_and_both_answers_and_where_the_page_is(run) -> None:
    lines = _why(run.folder).splitlines()
    page = run.folder / "report.html"
    assert lines.pop() == str(page)
    assert page.is_file()
    assert len(lines) <= 10
    assert lines[0].startswith("Macro F1 0.")
    for hypothesis in ("A", "B"):
        told = next(line for line in lines if line.startswith(f"{hypothesis}. "))
        assert re.search(r"\? (supported|not supported|cannot tell): .+\.$", told)


def test_json_is_the_report_that_is_written(run, tmp_path) -> None:
    said = json.loads(_why(run.folder, "--out", tmp_path, "--json"))
    written = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert said == written
    assert said["hypotheses"]["A"]["verdict_id"] in ("supported", "not_supported", "cannot_tell")


def test_korean_in_the_terminal_and_on_the_page_and_the_same_json(run, tmp_path) -> None:
    _why(run.folder, "--out", tmp_path / "english")
    lines = _why(run.folder, "--out", tmp_path, "--lang", "ko").splitlines()
    assert all(re.search("[가-힣]", line) for line in lines[:-1])
    assert '<html lang="ko">' in (tmp_path / "report.html").read_text("utf-8")
    reports = [json.loads((f / "report.json").read_text("utf-8")) for f in (tmp_path, tmp_path / "english")]
    assert reports[0] | {"seconds": 0} == reports[1] | {"seconds": 0}


def test_no_thumbnails_leaves_every_picture_out(run, tmp_path) -> None:
    _why(run.folder, "--out", tmp_path / "with")
    _why(run.folder, "--out", tmp_path / "without", "--no-thumbnails")
    sheet = 'id="mf-sheet-0"'
    assert sheet in (tmp_path / "with" / "report.html").read_text("utf-8")
    assert sheet not in (tmp_path / "without" / "report.html").read_text("utf-8")


def test_a_run_beside_another_is_compared_with_it(run, toy, tmp_path) -> None:
    head = fit(tiny_config(toy, loss__metric="none"), tmp_path / "head", quiet=True)
    report = json.loads(_why(run.folder, "--out", tmp_path / "why", "--beside", head.folder, "--json"))
    arms = report["tables"]["worth.arms"]
    by_name = {row[0]: row[1] for row in arms["rows"]}
    assert by_name == {
        "both": pytest.approx(run.log["val/macro_f1"].max()),
        "head": pytest.approx(head.log["val/macro_f1"].max()),
    }


def test_unlabeled_images_are_asked_about_shift_and_must_be_of_this_model(run, tmp_path) -> None:
    report = json.loads(
        _why(run.folder, "--out", tmp_path, "--unlabeled", run.folder / "embeddings", "--json")
    )
    left = {item["reason"] for item in report["abstentions"] if item["question"] == "shift"}
    assert "no_unlabeled" not in left
    assert report["tables"]["shift.shares"]["rows"] or "few_identities_in_class" in left
    foreign = shutil.copytree(run.folder / "embeddings", tmp_path / "foreign")
    facts = json.loads((foreign / "embeddings.json").read_text("utf-8"))
    write_json(foreign / "embeddings.json", facts | {"fingerprint": "other"}, version=facts["format"])
    with pytest.raises(
        ModelMismatchError, match=r"made by model other, the run.s own vectors by .*; embed these images"
    ):
        _why(run.folder, "--unlabeled", foreign)


def test_an_unknown_language_is_refused_before_anything_is_written(run, tmp_path) -> None:
    with pytest.raises(ArgumentError, match="lang must be one of en, ko, found 'fr'"):
        _why(run.folder, "--out", tmp_path / "new", "--lang", "fr")
    assert not (tmp_path / "new").exists()


def test_the_answer_is_kept_where_the_page_cannot_be_written(run, tmp_path, monkeypatch) -> None:
    whole = _why(run.folder, "--out", tmp_path / "whole").splitlines()[:-1]

    def full(*args, **kwargs):
        raise OutputError("report.html: cannot be written (No space left on device); free some")

    monkeypatch.setattr("metric_face.diagnosis.report.page.write_page", full)
    for words in ((), ("--json",)):
        done = CliRunner().invoke(app, ["why", str(run.folder), "--out", str(tmp_path / "not"), *words])
        assert isinstance(done.exception, OutputError)
        if words:
            assert json.loads(done.stdout)["hypotheses"]["A"]
        else:
            assert done.stdout.splitlines() == whole


def test_a_damaged_log_is_reported_beside_the_answer(run, tmp_path) -> None:
    copy = shutil.copytree(run.folder, tmp_path / "run")
    (copy / "metrics.csv").write_text("step,loss\n0,1\n")
    done = CliRunner().invoke(app, ["why", str(copy), "--no-thumbnails"], catch_exceptions=False)
    assert done.exit_code == 0
    said = [line for line in done.stderr.splitlines() if "metrics.csv" in line]
    assert said
    assert all(
        re.match(r"\w+: it could not be answered: .*metrics\.csv: truncated or altered", line)
        for line in said
    )
