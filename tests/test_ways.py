"""Ways to look at a map: each column against a count by hand, and what color_by may name."""

import numpy as np
import pytest

from metric_face.errors import ArgumentError
from metric_face.pages import Column
from metric_face.visualization.faithfulness import measure_faithfulness
from metric_face.visualization.map_page import build_map
from metric_face.visualization.projection import Projection
from metric_face.visualization.ways import check_color_by, column_of_way, ways_to_look

IDS = np.array([[1, 2], [0, 2], [3, -1], [2, 1], [-1, -1]])
SIMILARITIES = np.array([[0.9, 0.5], [0.9, 0.7], [0.4, -np.inf], [0.4, 0.2], [-np.inf, -np.inf]], np.float32)
LABELS = np.array([0, 0, 1, 1, -1])


def _ways(**known):
    return ways_to_look(IDS, SIMILARITIES, {"age": LABELS}, **known)


def test_density_is_the_mean_similarity_to_the_neighbors_there_are():
    found = _ways()["density"].values
    np.testing.assert_allclose(found[:4], [0.7, 0.8, 0.4, 0.3], atol=1e-6)
    assert np.isnan(found[4])


def test_purity_is_that_of_the_joint_class_where_there_is_one():
    assert _ways()["purity"].values[0] == pytest.approx(
        0.5
    )  # one of each class, of two classes alike in size
    joint = ways_to_look(IDS, SIMILARITIES, {"age": LABELS, "joint": np.zeros(5, np.int64)})["purity"]
    assert (joint.values[:4] == 1).all()
    assert "joint class" in joint.name


def test_mistakes_are_where_the_prediction_differs_and_the_label_is_known():
    column = _ways(predicted={"age": np.array([0, 1, 1, 0, 0])})["mistakes"]
    assert column.classes == ("right", "wrong")
    assert column.values.tolist() == [0, 1, 0, 1, -1]
    both = ways_to_look(
        IDS, SIMILARITIES, {"age": LABELS, "joint": LABELS}, predicted={"age": LABELS, "joint": LABELS}
    )
    assert {"mistakes", "mistakes:age"} <= both.keys()


def test_the_split_is_a_way_to_look_where_there_is_more_than_one():
    assert "split" not in _ways(split=["val"] * 5)
    column = _ways(split=["val", "train", "train", "val", "odd"])["split"]
    assert column.classes == ("train", "val")
    assert column.values.tolist() == [1, 0, 0, 1, -1]


def test_without_labels_density_is_left():
    assert list(ways_to_look(IDS, SIMILARITIES, {})) == ["density"]


def test_in_a_run_of_identities_alone_there_is_no_purity_whose_neighbors_are_all_of_others():
    assert list(ways_to_look(IDS, SIMILARITIES, {"identity": np.array([0, 1, 2, 3, -1])})) == ["density"]


@pytest.mark.parametrize(("lang", "name"), [("en", "density"), ("ko", "밀도")])
def test_a_label_column_may_be_called_as_what_is_measured(lang, name):
    label = Column(name, LABELS, ("low", "high"))
    measured = ways_to_look(IDS, SIMILARITIES, {name: LABELS}, lang=lang).values()
    map_of_five = Projection(np.eye(5, 2, dtype=np.float32), 0, 2, 0.1)
    names = [one["name"] for one in build_map(map_of_five, [label, *measured], lang=lang).block["columns"]]
    assert names[0] == name
    assert len(set(names)) == 3


def test_color_by_names_a_label_a_way_or_a_measure_of_an_attribute():
    labels = [Column("age", LABELS, ("old", "young")), Column("joint class", LABELS, ("a", "b"))]
    coords = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    measured = {"age": measure_faithfulness(coords, IDS, LABELS, coords)}
    ways = _ways()

    def named(key):
        return column_of_way(key, labels, ways, measured, "en")

    assert named("age") is labels[0]
    assert named("joint") is labels[1]
    assert named("density") is ways["density"]
    assert named("mismatch:age").name == "mismatch · age"
    asked = "color_by='ages': must be one of age, joint, purity, density, purity:age, .*choose one"
    with pytest.raises(ArgumentError, match=asked):
        check_color_by("ages", labels, ways, measured, "en")
    check_color_by("distortion:age", labels, ways, measured, "en")
