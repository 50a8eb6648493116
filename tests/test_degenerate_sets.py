"""On sets too small for something, each analysis gives what it can and says what it left out."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from metric_face.diagnosis import diagnose
from metric_face.diagnosis.report.cards import Evidence, card
from metric_face.diagnosis.report.chapters import chapters
from metric_face.errors import ArgumentError
from metric_face.evaluation.evaluating import evaluate
from metric_face.inference.index_building import build_index
from metric_face.metrics.thresholds import threshold_gain
from metric_face.optional import UnexpectedFailure, optional
from metric_face.visualization.maps import visualize
from tests.degenerate_sets import PARTS, PEOPLE, degenerate

SIZES = ((1, 2), (1, 15), (2, 2), (5, 3), (21, 6), (30, 3))
CASES = [case for case in product(SIZES, PEOPLE, PARTS) if case[0][0] > 1 or case[2] in ("alternate", "last")]
"""Validation takes the only class whole where there is one class and it should lack in training."""


def test_classes_of_fewer_images_than_folds_have_thresholds() -> None:
    few = threshold_gain(np.full((90, 30), 1 / 30), np.repeat(np.arange(30), 3), np.arange(90))
    assert few.gain.num_identities == 90
    assert few.apparent == 0
    assert threshold_gain(np.full((10, 10), 0.1), np.arange(10)).gain.num_identities == 10


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_evaluation_gives_what_it_can(sizes: tuple[int, int], tmp_path: Path) -> None:
    for place, (identities, splits) in enumerate(product(PEOPLE, PARTS)):
        if (sizes, identities, splits) not in CASES:
            continue
        run, embeddings = degenerate(tmp_path / str(place), *sizes, identities, splits)
        found = evaluate(run, embeddings=embeddings)
        judges = {score.predictor for score in found.scores}
        assert {"head", "majority"} <= judges, (identities, splits)
        for judge in {"knn", "probe"} - judges:
            assert any(note.lower().startswith(judge) for note in found.notes), (identities, splits, judge)
        if not found.after_training:
            assert any("thresholds" in note for note in found.notes)
        assert all("\n" not in note for note in found.notes)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_an_index_is_built_whatever_validation_can_choose(sizes: tuple[int, int], tmp_path: Path) -> None:
    for place, (identities, splits) in enumerate(product(PEOPLE, PARTS)):
        if (sizes, identities, splits) not in CASES:
            continue
        run, embeddings = degenerate(tmp_path / str(place), *sizes, identities, splits)
        built = build_index(run, embeddings)
        vote = built.metadata["targets"]["kind"]
        uncalibrated = [note for note in built.metadata["notes"] if "calibrat" in note]
        assert (vote["calibration"] is None) == (len(uncalibrated) == 1), (identities, splits)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("predictions", [None, "constant", "right"])
def test_a_diagnosis_is_reported_and_drawn(sizes: tuple[int, int], predictions: str | None) -> None:
    classes, each = sizes
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), each)
    vectors = (rng.normal(size=(len(labels), 8)) + 2 * rng.normal(size=(classes, 8))[labels]).astype(
        np.float32
    )
    said = {} if predictions is None else {"predictions": labels * (predictions == "right")}
    for identities in (None, labels, np.arange(len(labels)), np.zeros(len(labels), int)):
        found = diagnose(
            vectors, labels, identities, split=np.where(np.arange(len(labels)) % 2, "val", "train"), **said
        )
        assert [a.reason for a in found.abstentions if a.reason == "failed"] == []
        for lang in ("en", "ko"):
            json.dumps(found.to_dict(), allow_nan=False)
            chapters(found, lang)
            evidence = Evidence()
            for number, finding in enumerate(found.findings):
                card(finding, number, evidence, found.context, lang)


@pytest.mark.parametrize("sizes", [(1, 2), (1, 3), (2, 2), (5, 1), (30, 3)], ids=str)
def test_a_map_of_few_images_is_drawn(sizes: tuple[int, int], tmp_path: Path) -> None:
    for identities in PEOPLE:
        run, embeddings = degenerate(tmp_path / identities, *sizes, identities, "alternate")
        (tmp_path / identities).mkdir(exist_ok=True)
        made = visualize(run, embeddings, split="all", thumbnails=False)
        assert made.page.is_file()
        assert made.picture.is_file()


def test_a_part_that_fails_is_reported_and_takes_nothing_with_it() -> None:
    notes: list[str] = []
    with optional("thresholds", notes):
        raise ArgumentError("folds must be few,\nfound many")
    with optional("prior", notes):
        pass
    with optional("graph", notes):
        raise PermissionError(13, "Permission denied", "/run/x")
    assert notes == [
        "thresholds: left out; folds must be few, found many",
        "graph: left out; [Errno 13] Permission denied: '/run/x'",
    ]


def test_a_fault_of_our_own_is_noted_and_warned_of() -> None:
    notes: list[str] = []
    with (
        pytest.warns(
            UnexpectedFailure, match="spectrum failed in test_degenerate_sets.py:.*IndexError: tuple index"
        ),
        optional("spectrum", notes),
    ):
        ()[1]
    assert len(notes) == 1
    assert "which is a fault of metric_face" in notes[0]


def test_where_nothing_can_be_measured_it_is_an_error(tmp_path: Path) -> None:
    run, embeddings = degenerate(tmp_path, 1, 2, "image", "single", attributes=False)
    with pytest.raises(
        ArgumentError, match="--split val: nothing could be measured on it; retrieval by identity"
    ):
        evaluate(run, embeddings=embeddings)


@pytest.mark.parametrize("reject", ["f1", 0.05])
def test_a_threshold_is_set_on_validation_or_refused(reject: str | float, tmp_path: Path) -> None:
    run, embeddings = degenerate(tmp_path, 5, 6, "class", "alternate", attributes=False)
    assert build_index(run, embeddings, reject=reject).metadata["targets"]["identity"]["rejects"]
    known = embeddings.take((embeddings.table.frame["split"] == "train").to_numpy())
    with pytest.raises(ArgumentError, match=r"\(--reject\).*the images have no split 'val'; leave it out"):
        build_index(run, known, reject=reject)
    assert len(build_index(run, embeddings)) == 15
    run, embeddings = degenerate(tmp_path, 5, 6, "class", "alternate")
    whole = embeddings.take((embeddings.table.frame["split"] == "train").to_numpy())
    with pytest.raises(ArgumentError, match="the images have no split 'val'; leave it out"):
        build_index(run, whole, reject=reject)
    assert build_index(run, whole).metadata["notes"] == [
        "k and vote are the defaults, uncalibrated: the images have no split 'val'"
    ]
