"""The comparison with peers: its scores are what their names say, and its batches what is described."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from benchmarks.peer_cells import side_by_side
from benchmarks.peer_recipes import Balanced
from benchmarks.peer_scores import best_predictor, difference, interval, measure
from benchmarks.peer_sets import Labels


@pytest.fixture(scope="module")
def labels() -> Labels:
    rng = np.random.default_rng(0)
    codes, groups = rng.integers(3, size=240), np.repeat(np.arange(80), 3)
    return Labels([str(row) for row in range(240)], groups % 2 == 0, codes, groups, True, True)


def vectors_of(labels: Labels, noise: float) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (np.eye(3)[labels.codes] + noise * rng.normal(size=(len(labels.codes), 3))).astype(np.float32)


def test_scores_are_those_of_other_code(labels: Labels) -> None:
    head = np.where(np.arange(240) % 4 == 0, (labels.codes + 1) % 3, labels.codes)
    vectors, val = vectors_of(labels, 0.6), ~labels.train
    cell = measure(labels, vectors, head)
    found = interval(labels, [cell], "head")
    assert found is not None
    assert found.value == pytest.approx(f1_score(labels.codes[val], head[val], average="macro"))
    hits, precisions = brute_force(vectors[val], labels.codes[val], labels.groups[val])
    recall, precision = interval(labels, [cell], "recall"), interval(labels, [cell], "map")
    assert recall is not None
    assert recall.value == pytest.approx(np.mean(hits))
    assert precision is not None
    assert precision.value == pytest.approx(np.mean(precisions), abs=1e-4)


def brute_force(vectors: np.ndarray, codes: np.ndarray, groups: np.ndarray) -> tuple[list[bool], list[float]]:
    """Recall@1 and average precision at R of each image, its own group left out."""
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    hits, precisions = [], []
    for row in range(len(units)):
        others = np.flatnonzero(groups != groups[row])
        ranked = codes[others[np.argsort(-(units[others] @ units[row]), kind="stable")]] == codes[row]
        first = ranked[: ranked.sum()]
        hits.append(bool(first[0]))
        precisions.append(float((np.cumsum(first) / np.arange(1, len(first) + 1) * first).mean()))
    return hits, precisions


@pytest.mark.parametrize("score", ["head", "knn", "probe", "recall", "map"])
def test_what_is_better_is_ahead_and_nothing_is_ahead_of_itself(labels: Labels, score: str) -> None:
    good, bad = (
        measure(labels, vectors_of(labels, noise), (labels.codes + wrong) % 3)
        for noise, wrong in ((0.1, np.arange(240) % 9 == 0), (3.0, np.arange(240) % 2))
    )
    assert difference(labels, [good, good], [bad, bad], score).value > 0.2
    assert difference(labels, [good], [good], score).value == 0
    assert score == "map" or difference(labels, [good, good], [bad, bad], score).low > 0


def test_the_best_predictor_is_the_one_of_the_highest_f1(labels: Labels) -> None:
    perfect = measure(labels, vectors_of(labels, 3.0), labels.codes)
    assert best_predictor(labels, [perfect]) == "head"
    assert best_predictor(labels._replace(has_classes=False), [{"recall": [0, 0, 0]}]) is None


def test_a_balanced_epoch_shows_each_label_once_with_its_images_repeated_only_where_they_are_few() -> None:
    codes = np.repeat(np.arange(10), [2, *[6] * 9])
    batches = list(Balanced(codes, labels=5, each=4))
    assert [len(batch) for batch in batches] == [20, 20]
    drawn = np.concatenate(batches)
    assert sorted(np.unique(codes[drawn], return_counts=True)[1]) == [4] * 10
    assert len(set(drawn)) == 2 + 9 * 4


def test_a_task_that_fails_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    def fails(core: int) -> int:
        raise RuntimeError("no such model")

    assert dict(side_by_side({"a": lambda core: 3, "b": fails}, 1)) == {"a": 3}
    assert "b: failed: no such model" in capsys.readouterr().out
