"""DIR@FAR and OSCR against counting, and the open set of a split against a protocol written down plainly."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import auc, roc_auc_score

from metric_face.data import ImageTable
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError
from metric_face.evaluation.open_set_scores import score_open_set
from metric_face.metrics import detection_rate, oscr, oscr_curve


@pytest.mark.parametrize("seed", range(6))
def test_rates_are_those_of_counting(seed: int) -> None:
    generator = np.random.default_rng(seed)
    known, unenrolled = generator.integers(0, 12, 40) / 10, generator.integers(0, 9, 25) / 10  # with ties
    right = generator.random(40) < 0.7
    for rate in (0.0, 0.1, 0.5, 1.0):
        best = 0.0
        for threshold in [*np.unique(known), *np.unique(unenrolled), -1, 99]:
            if np.mean([score >= threshold for score in unenrolled]) <= rate:
                hits = sum(bool(ok) and score >= threshold for ok, score in zip(right, known, strict=True))
                best = max(best, hits / 40)
        assert detection_rate(known, right, unenrolled, rate) == pytest.approx(best)
    false_positives, found = oscr_curve(known, right, unenrolled)
    assert (false_positives[0], false_positives[-1], found[-1]) == (0, 1, pytest.approx(right.mean()))
    for x, y in zip(false_positives, found, strict=True):
        assert any(
            np.isclose(x, np.mean(unenrolled >= t)) and np.isclose(y, np.mean(right & (known >= t)))
            for t in [*np.unique(known), *np.unique(unenrolled), -1, 99]
        )
    assert oscr(known, right, unenrolled) == pytest.approx(auc(false_positives, found))


def test_oscr_of_right_answers_alone_is_the_area_under_roc() -> None:
    generator = np.random.default_rng(1)
    known, unenrolled = generator.normal(1, 1, 300), generator.normal(0, 1, 200)
    labels = np.repeat([1, 0], [300, 200])
    area = roc_auc_score(labels, np.concatenate([known, unenrolled]))
    assert oscr(known, np.ones(300, bool), unenrolled) == pytest.approx(area)
    assert oscr(known, np.zeros(300, bool), unenrolled) == 0


@pytest.mark.parametrize(
    ("scores", "correct", "unenrolled"),
    [([], [], [1.0]), ([1.0], [True], []), ([1.0, 2.0], [True], [1.0]), ([np.nan], [True], [0.0])],
)
def test_what_cannot_be_measured_is_refused(
    scores: list[float], correct: list[bool], unenrolled: list[float]
) -> None:
    with pytest.raises(ArgumentError, match="unenrolled must"):
        oscr(scores, correct, unenrolled)
    with pytest.raises(ArgumentError, match=r"must lie in 0\.\.1"):
        detection_rate([1.0], [True], [0.0], 1.5)


def embeddings(vectors: np.ndarray, names: list[str]) -> Embeddings:
    frame = pd.DataFrame({"path": [f"{row}.png" for row in range(len(names))], "identity": names})
    return Embeddings(vectors.astype(np.float32), ImageTable(frame, Path()))


def test_a_perfect_embedding_and_a_random_one() -> None:
    names = [f"p{row // 3}" for row in range(60)]
    perfect = np.eye(20)[np.arange(60) // 3]
    found = score_open_set(embeddings(perfect, names), [])
    assert found is not None
    assert (found.enrolled, found.probes, found.unenrolled) == (10, 20, 30)
    assert (found.oscr, found.dir_at_far) == (1.0, {"0.01": 1.0, "0.1": 1.0})
    random = score_open_set(embeddings(np.random.default_rng(0).normal(size=(60, 8)), names), [])
    assert random is not None
    assert random.lowest <= random.oscr <= random.highest < 0.3
    again = score_open_set(embeddings(perfect, names), [])
    assert again == found


def test_one_image_an_identity_is_a_note_and_no_identities_are_nothing() -> None:
    notes: list[str] = []
    assert score_open_set(embeddings(np.eye(8), [f"p{row}" for row in range(8)]), notes) is None
    assert notes == ["open set: left out; it takes four identities with two images or more, found 0"]
    frame = pd.DataFrame({"path": ["a.png"]})
    assert score_open_set(Embeddings(np.ones((1, 2), np.float32), ImageTable(frame, Path())), notes) is None
