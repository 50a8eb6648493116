"""Columns say what is known, and the choice of hue and panels follows its rule."""

import numpy as np
import pytest

from metric_face.errors import ArgumentError
from metric_face.pages import joint_colors
from metric_face.pages.columns import Column, as_columns, choose_view, crossed


def _classes(name, count, ordered=False):
    return Column(
        name,
        np.random.default_rng([*name.encode()]).integers(0, count, 300),
        tuple(f"{name}{k}" for k in range(count)),
        ordered=ordered,
    )


def test_floats_are_values_and_anything_else_names_classes():
    assert not Column.of("age", np.array([1.5, np.nan])).is_class
    made = Column.of("who", np.array(["b", None, "a", "b"], dtype=object))
    np.testing.assert_array_equal(made.values, [1, -1, 0, 1])
    assert made.classes == ("a", "b")
    assert Column.of("flag", [True, False]).classes == ("False", "True")


def test_a_cell_reads_as_a_reader_sees_it():
    assert [Column.of("v", np.array([0.123456, np.nan])).text(row) for row in (0, 1)] == ["0.123", ""]
    assert [Column("c", np.array([1, -1]), ("a", "b")).text(row) for row in (0, 1)] == ["b", ""]


def test_hue_is_the_ordered_attribute_and_panels_the_two_smallest_others():
    mask, gender, age, race = (
        _classes("mask", 3),
        _classes("gender", 2),
        _classes("age", 3, True),
        _classes("race", 5),
    )
    view = choose_view([mask, gender, age, race])
    assert (view.hue, view.rows, view.cols) == (age, gender, mask)


def test_without_an_order_the_largest_that_has_colors_is_the_hue():
    view = choose_view([_classes("joint", 12), _classes("gender", 2), _classes("race", 5)])
    assert view.hue is not None
    assert (view.hue.name, view.rows, view.cols.name) == ("race", None, "gender")


def test_a_joint_class_makes_no_panels_beside_its_own_parts():
    gender, age = _classes("gender", 2), _classes("age", 3, True)
    joint = crossed(gender, age)
    view = choose_view([gender, age, joint])
    assert (view.hue, view.rows, view.cols) == (age, None, gender)


def test_values_and_single_classes_make_no_panels():
    view = choose_view([Column.of("v", np.ones(300)), _classes("one", 1), _classes("age", 3, True)])
    assert (view.hue.name, view.rows, view.cols) == ("age", None, None)
    nothing = choose_view([Column.of("v", np.ones(300))])
    assert (nothing.hue, nothing.rows, nothing.cols) == (None, None, None)


def test_too_many_panels_become_one_row():
    view = choose_view([_classes("age", 3, True), _classes("a", 6), _classes("b", 5)])
    assert (view.rows, view.cols.name) == (None, "b")


def test_crossed_pairs_count_like_digits_and_an_unknown_half_is_unknown():
    first, second = (
        Column("a", np.array([0, 1, -1, 1]), ("x", "y")),
        Column("b", np.array([2, 0, 1, -1]), tuple("pqr")),
    )
    both = crossed(first, second)
    np.testing.assert_array_equal(both.values, [2, 3, -1, -1])
    assert both.classes == ("x · p", "x · q", "x · r", "y · p", "y · q", "y · r")


def test_a_code_without_a_name_is_refused():
    with pytest.raises(
        ArgumentError, match="column 'a': codes must be integers from -1 to 1, the last of its 2"
    ):
        Column("a", np.array([0, 2]), ("x", "y"))
    with pytest.raises(ArgumentError, match="found float64"):
        Column("a", np.array([0.0, 1.0]), ("x", "y"))


def test_columns_must_have_a_row_for_each_point_and_a_name_of_their_own():
    with pytest.raises(ArgumentError, match="'a' must have one value for each of the 4 points"):
        as_columns({"a": [1, 2]}, 4)
    with pytest.raises(ArgumentError, match="each name must stand once; found 'a' twice"):
        as_columns([Column.of("a", [1, 2]), Column.of("a", [1, 2])], 2)


def test_names_of_classes_stand_in_natural_order():
    raw = np.array(["10", "2", "1", "a10", "a9", "0", "1"])
    made = Column.of("v", raw)
    assert made.classes == ("0", "1", "2", "10", "a9", "a10")
    assert [made.text(row) for row in range(7)] == raw.tolist()
    assert Column.of("n", [10, 2, 1]).classes == ("1", "2", "10")


def test_a_joint_class_with_hue_and_shade_is_the_view():
    looks = joint_colors([(k // 3, k % 3) for k in range(6)], ("ab", "xyz"), (False, False), 7)
    joint = Column("joint", np.arange(300) % 6, tuple("abcdef"), joint=looks)
    view = choose_view([_classes("gender", 2), joint, _classes("age", 3, True)])
    assert (view.hue, view.rows, view.cols) == (joint, None, None)
    assert len(set(joint.shades().light)) == 6
    assert not joint.neutral


def test_of_too_many_classes_the_leading_ones_have_colors_else_the_largest():
    codes = np.repeat(np.arange(12), np.arange(12, 0, -1))
    many = Column("who", codes, tuple(f"{k}" for k in range(12)))
    assert many.neutral
    assert many.colored() == tuple(range(7))
    led = Column("who", codes, many.classes, leading=(11, 3, 5, 7, 9, 1, 0, 2))
    assert led.colored() == (11, 3, 5, 7, 9, 1, 0)
    shades = led.shades()
    assert len(set(shades.light)) == 8
    assert shades.light[2] == shades.light[4]
    assert _classes("few", 7).colored() == tuple(range(7))
