"""Each score of a run stands beside what its backbone gave before the training, where the two are the same measure."""

from types import SimpleNamespace

import pytest

from metric_face.data import Attribute, LabelSpace
from metric_face.evaluation.beside_start import beside_start
from metric_face.evaluation.result import Retrieval, Score
from metric_face.metrics import Interval
from metric_face.run import Run

BEFORE = {"recall_at_1": 0.2, "knn": {"joint": 0.5}, "probe": {"joint": 0.6}}
ONE = Interval.without_range(0.7)


def run_with(before, label="joint", space=True):
    run = Run("run")
    config = SimpleNamespace(loss=SimpleNamespace(label=label))
    card = {"label_space": LabelSpace((Attribute("kind", ("a", "b")),)).to_dict() if space else None}
    vars(run).update(facts={"before": before}, config=config, card=card)
    return run


def scores(*targets):
    return [Score(predictor, target, ONE, {}) for predictor in ("head", "knn", "probe") for target in targets]


def retrieval(label, excluded=False):
    return Retrieval(label, ONE, 0.8, 0.5, 0.4, excluded, 10, 0)


def starts(run, split, found, nearest=()):
    beside, near = beside_start(run, split, found, nearest)
    return {(s.predictor, s.target): s.start for s in beside}, [one.start_recall_at_1 for one in near]


def test_knn_and_probe_of_the_joint_class_stand_beside_their_start() -> None:
    found, _ = starts(run_with(BEFORE), "val", scores("age", "joint"))
    assert {key: value for key, value in found.items() if value is not None} == {
        ("knn", "joint"): 0.5,
        ("probe", "joint"): 0.6,
    }


def test_an_only_attribute_is_the_joint_class() -> None:
    found, _ = starts(run_with(BEFORE), "val", scores("mask"))
    assert (found["knn", "mask"], found["probe", "mask"], found["head", "mask"]) == (0.5, 0.6, None)


@pytest.mark.parametrize(
    ("label", "space", "expected"), [("joint", True, [0.2, None]), ("identity", False, [None, 0.2])]
)
def test_recall_stands_beside_that_of_the_metric_label(label, space, expected) -> None:
    nearest = [retrieval("joint"), retrieval("identity")]
    assert starts(run_with(BEFORE, label, space), "val", [], nearest)[1] == expected


def test_another_measure_another_split_or_no_start_stands_alone() -> None:
    nearest = [retrieval("joint", excluded=True)]
    assert starts(run_with(BEFORE), "val", [], nearest)[1] == [None]
    for run, split in ((run_with(BEFORE), "test"), (run_with(None), "val")):
        found, near = starts(run, split, scores("joint"), [retrieval("joint")])
        assert set(found.values()) == {None}
        assert near == [None]
