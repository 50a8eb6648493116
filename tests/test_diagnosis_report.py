"""What a diagnosis says: both languages, ten lines, report.json, ranking, and refusals."""

import json

import numpy as np
import pytest
from diagnosis_cases import found, small_run

from metric_face import diagnose
from metric_face.diagnosis.diagnosing import QUESTIONS
from metric_face.diagnosis.finding import Confidence, Finding, Measure, Tier
from metric_face.diagnosis.ranking import rank
from metric_face.diagnosis.report.sentences import finding_text, words
from metric_face.diagnosis.report.writing import write_json
from metric_face.errors import ArgumentError


def test_every_finding_has_a_title_a_number_a_sentence_and_a_next_step() -> None:
    questions = {module.__name__.rpartition(".")[2] for module in QUESTIONS}
    for name, parts in words("en").findings.items():
        plain = {key.partition("_")[0] for key in parts}
        assert plain - {"null"} == {"title", "number", "sentence", "next"} <= parts.keys(), name
        assert name.partition(".")[0] in questions
    assert questions == words("en").questions.keys()


@pytest.fixture(scope="module")
def faulty():
    run = small_run(1, gap=0.6)
    held = np.flatnonzero(run["split"] == "val")
    run["split"][held[::12]] = "train"
    return diagnose(**run)


def test_the_terminal_gets_ten_lines_at_most(faulty) -> None:
    for lang in ("en", "ko"):
        lines = faulty.lines(lang)
        assert 4 <= len(lines) <= 10
        assert all("\n" not in line for line in lines)
    text = "\n".join(faulty.lines())
    assert "Macro F1" in text
    assert finding_text(faulty.findings[0])["title"] in text
    assert "supported" in text
    assert "cannot tell" in text


def test_report_json_holds_the_numbers(faulty, tmp_path) -> None:
    path = write_json(faulty, tmp_path / "report.json")
    content = json.loads(path.read_text("utf-8"))
    assert content["format"] == "metric_face.report"
    assert [f["id"] for f in content["findings"]] == found(faulty)
    first, told = faulty.findings[0], content["findings"][0]
    assert told["measure"]["value"] == first.measure.value
    assert told["rows"] == first.rows.tolist()
    assert content["score"]["value"] == faulty.score.value
    assert content["hypotheses"].keys() == {"A", "B"}
    assert content["tables"].keys() == faulty.tables.keys()
    assert list(tmp_path.iterdir()) == [path]


def test_a_diagnosis_is_the_same_twice() -> None:
    first, second = (json.dumps(diagnose(**small_run(3)).to_dict() | {"seconds": 0}) for _ in range(2))
    assert first == second


def test_a_clean_run_gives_no_finding_and_says_what_it_cannot_see() -> None:
    result = diagnose(**small_run(5, identities=600))
    assert found(result) == []
    assert any("Nothing was found" in line and "0.0" in line for line in result.lines())


def test_ranking_by_its_rule() -> None:
    def make(name, tier=Tier.CAUSE, explained=None, confidence=Confidence.LIKELY):
        return Finding(name, Measure(0.0), tier=tier, explained=explained, confidence=confidence)

    findings = [
        make("resolution.too_coarse", Tier.LIMIT),
        make("shift.prior", explained=0.01),
        make("conflict.suspected", confidence=Confidence.POSSIBLE),
        make("overlap.classes", explained=0.2),
        make("rare.classes", explained=0.4),
        make("generalization.overfit"),
        make("floors.absent", Tier.SPOILER),
        make("leak.identity", Tier.SPOILER, 0.001),
        make("leak.near", Tier.SPOILER, 0.3),
    ]
    names = [module.__name__.rpartition(".")[2] for module in QUESTIONS]
    assert [f.id for f in rank(findings, names)] == [
        "leak.near",
        "leak.identity",
        "floors.absent",
        "generalization.overfit",
        "overlap.classes",
        "shift.prior",
        "conflict.suspected",
        "rare.classes",
        "resolution.too_coarse",
    ]


def test_strings_single_labels_and_no_identities_are_enough() -> None:
    run = small_run(0)
    words = np.array(["man", "woman"])[run["labels"]["gender"]]
    result = diagnose(run["embeddings"], words)
    assert result.context.classes == {"label": ("man", "woman")}
    assert result.score.value > 0.9
    assert len(result.answers) == 2


def test_predictions_of_a_model_are_evaluated_in_place_of_the_probes() -> None:
    run = small_run(0)
    said = {name: values.copy() for name, values in run["labels"].items()}
    perfect = diagnose(**run, predictions=said, questions=["budget"])
    assert (perfect.predictions_are, perfect.score.value) == ("model", 1.0)
    said["gender"] = 1 - said["gender"]
    assert diagnose(**run, predictions=said, questions=["budget"]).score.value == 0.0


def test_one_identity_a_class_cannot_be_evaluated_but_is_not_an_error() -> None:
    run = small_run(0, identities=60)
    result = diagnose(run["embeddings"], run["identities"], run["identities"])
    assert result.score is None
    assert result.answers[0].reason == "no_attribute"
    assert result.lines()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": None}, "labels must be given with embeddings, found None; pass"),
        ({"labels": {}}, "labels must name at least one attribute, found an empty mapping"),
        (
            {"labels": [0, 1]},
            r"labels\['label'\] must have one entry for each of the 360 embeddings, found 2",
        ),
        ({"identities": [1, 2]}, "identities must have one entry for each of the 360 embeddings, found 2"),
        (
            {"identities": np.zeros(360)},
            "identities must be integers or strings, found float64; floats merge",
        ),
        ({"split": np.full(360, "a")}, "split must name splits such as 'train' and 'val', found a"),
        ({"validation": np.zeros(360, bool)}, "split and validation must not both be given"),
        ({"questions": ["weather"]}, "questions must be among leak, .*, found 'weather'"),
        ({"weather": 1}, "arguments must be among batches, classes, .*, found 'weather'"),
        (
            {"raw_values": {"height": np.zeros(360)}},
            "raw_values must be of attributes in labels, found 'height'",
        ),
        ({"predictions": {"mask": np.zeros(360, int)}}, "predictions must cover every attribute .* 'gender'"),
        ({"batches": [[0, 999]]}, "batches must hold row numbers below 360, found 999"),
        ({"labels": {"mask": np.full(360, -1)}}, r"labels\['mask'\] must be 0 or more, found -1; leave"),
        ({"classes": {"mask": ("a",)}}, r"classes\['mask'\] must name 3 classes, found 1 names"),
        ({"unlabeled": np.zeros((3, 5), np.float32)}, "unlabeled must have D = 24"),
    ],
)
def test_refusals_name_parameter_rule_value_and_remedy(change, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        diagnose(**(small_run(0, identities=60) | change))


def test_an_unknown_language_is_refused(faulty) -> None:
    with pytest.raises(ArgumentError, match="lang must be one of en, ko, found 'fr'"):
        faulty.lines("fr")
