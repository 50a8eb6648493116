"""How a joint class gets its hues, shades and shapes: no two classes look alike."""

import numpy as np
import pytest

from metric_face.pages import Column, joint_colors


def _joint(sizes, ordered=None, most_hues=7):
    codes = np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1).tolist()
    classes = [tuple(f"{'abcdef'[at]}{k}" for k in range(size)) for at, size in enumerate(sizes)]
    return joint_colors(codes, classes, ordered or [False] * len(sizes), most_hues), codes


def test_hue_shade_and_shape_are_one_attribute_each():
    joint, codes = _joint((3, 2, 3), (False, False, True))
    assert [hue for hue, _, _ in joint.places] == [row[0] for row in codes]
    assert [shape for *_, shape in joint.places] == [row[1] for row in codes]
    assert [shade for _, shade, _ in joint.places] == [row[2] for row in codes]
    assert (joint.hues, joint.shades, joint.shapes) == (("a0", "a1", "a2"), ("c0", "c1", "c2"), ("b0", "b1"))


def test_of_two_attributes_the_shade_is_the_ordered_or_largest_small_one_and_all_are_discs():
    joint, codes = _joint((2, 4))
    assert joint.places == tuple((row[0], row[1], 0) for row in codes)
    assert joint.shapes == ("",)
    assert _joint((3, 2), (False, True))[0].shades == ("b0", "b1")


@pytest.mark.parametrize("sizes", [(2, 2), (3, 2, 3), (7, 4), (7, 4, 4), (2, 2, 2, 2), (2, 2, 2, 2, 1)])
def test_no_two_classes_look_alike(sizes):
    joint, codes = _joint(sizes)
    count = len(codes)
    column = Column("joint", np.arange(count), tuple(f"c{k}" for k in range(count)), joint=joint)
    for theme in (column.shades().light, column.shades().dark):
        assert len(set(zip(theme, column.shapes(), strict=True))) == count
    assert not column.neutral


@pytest.mark.parametrize("sizes", [(5,), (9, 2), (5, 5), (2, 2, 2, 2, 2, 2)])
def test_what_too_many_hues_would_show_is_left_to_the_colors_of_those_that_mix(sizes):
    assert _joint(sizes)[0] is None
