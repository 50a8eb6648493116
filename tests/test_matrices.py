"""A matrix shows its numbers, and a cell knows the points behind it."""

import numpy as np
import pytest
from page_reading import unpack

from metric_face.errors import ArgumentError
from metric_face.pages.columns import Column
from metric_face.visualization.faithfulness import neighbor_confusion
from metric_face.visualization.matrices import MatrixChart, confusion_chart


def test_the_numbers_are_those_of_the_neighbor_confusion():
    rng = np.random.default_rng(0)
    column = Column("mask", rng.integers(-1, 3, 80), ("a", "b", "c"))
    ids = rng.integers(-1, 80, (80, 6))
    chart = confusion_chart(ids, column, id="m")
    clean = np.where(ids == np.arange(80)[:, None], -1, ids)
    expected = neighbor_confusion(clean, column.values, 3)
    np.testing.assert_allclose(chart.values, expected)
    html = chart.html()
    for value in expected.ravel():
        assert f">{value:.2f}<" in html


def test_a_cell_holds_its_row_class_most_surrounded_by_its_column_first():
    # Points 0-3 are of class a; 0 has one neighbor of class b, 1 has two, 2 has none.
    column = Column("x", np.array([0, 0, 0, 0, 1, 1]), ("a", "b"))
    ids = np.array([[4, 1, 2], [4, 5, 0], [0, 1, 3], [0, 1, 2], [5, -1, -1], [4, 3, -1]])
    chart = confusion_chart(ids, column, id="m")
    assert chart.points[0, 1].tolist() == [1, 0]
    assert chart.points[1, 0].tolist() == [5]
    block = chart.block(6)
    assert unpack(block["0,1"]).tolist() == [1, 0]


def test_a_cell_shows_one_image_of_each_identity():
    column = Column("x", np.array([0, 0, 0, 1]), ("a", "b"))
    ids = np.full((4, 1), 3)
    ids[3] = 0
    assert confusion_chart(ids, column, id="m").points[0, 1].tolist() == [0, 1, 2]
    one_each = confusion_chart(ids, column, id="m", identities=["p", "p", "q", "r"])
    assert one_each.points[0, 1].tolist() == [0, 2]
    assert confusion_chart(ids, column, id="m", per_cell=1).points[0, 1].tolist() == [0]


def test_cells_without_points_cannot_be_chosen_and_names_are_escaped():
    chart = MatrixChart("m", "T", ("<b>", '"q"'), np.array([[1, 0.5], [np.nan, 1]]), {(0, 1): np.array([3])})
    html = str(chart.html())
    assert html.count("<button") == 1
    assert "<b>" not in html
    assert "&lt;b&gt; beside &#34;q&#34;: 0.50" in html


def test_the_deepest_color_is_the_largest_confusion_not_the_diagonal():
    html = str(
        MatrixChart(
            "m", "T", ("a", "b"), np.array([[0.9, 0.1], [0.02, 0.98]]), {(0, 1): np.array([0])}
        ).html()
    )
    assert 'class="h10"' in html


def test_a_matrix_of_the_wrong_shape_is_refused():
    with pytest.raises(
        ArgumentError, match=r"values: must have the shape \(2, 2\) of its names; found \(3, 3\)"
    ):
        MatrixChart("m", "T", ("a", "b"), np.eye(3))
