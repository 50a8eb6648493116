"""Colors: in order where there is an order, apart where there is none, and seen on their background."""

import numpy as np
import pytest

from metric_face.pages import palette

PAPER = {"light": "#ffffff", "dark": "#181b20"}


def _luminance(color):
    channels = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _contrast(one, other):
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    "shades", [palette.ordered(3), palette.ordered(9), palette.ramp("value"), palette.ramp("alarm")]
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_order_is_still_there_in_gray(shades, theme):
    steps = np.diff([_luminance(color) for color in getattr(shades, theme)])
    assert (steps < 0).all() or (steps > 0).all()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_classes_stand_out_from_their_background(theme):
    for shades in (palette.categories(palette.MOST_CATEGORIES), palette.ordered(6)):
        assert min(_contrast(color, PAPER[theme]) for color in getattr(shades, theme)) > 1.8


def test_hues_are_the_same_in_both_themes():
    import colorsys

    for one, other in zip(palette.ordered(3).light, palette.ordered(3).dark, strict=True):
        hues = [
            colorsys.rgb_to_hls(*(int(c[k : k + 2], 16) / 255 for k in (1, 3, 5)))[0] for c in (one, other)
        ]
        assert min(abs(hues[0] - hues[1]), 1 - abs(hues[0] - hues[1])) < 0.08


def test_more_classes_than_can_be_told_apart_are_all_neutral():
    assert len(set(palette.categories(palette.MOST_CATEGORIES).light)) == palette.MOST_CATEGORIES
    assert set(palette.categories(18).dark) == set(palette.NEUTRAL.dark)


def test_a_single_class_has_one_color():
    assert len(palette.ordered(1).light) == 1
