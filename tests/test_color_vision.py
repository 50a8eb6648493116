"""Colors of classes as people with a color-vision deficiency see them: simulated, then told apart."""

from itertools import combinations

import numpy as np
import pytest

from metric_face.pages import palette

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SEEN = {
    "all": np.eye(3),
    "without red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "without green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "without blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
PAPER = {"light": "#ffffff", "dark": "#181b20"}


def _linear(color):
    encoded = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _lab(linear):
    """CIE L*a*b* of linear sRGB, D65: in its units, 2.3 is what can just be noticed."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    x, y, z = np.cbrt(to_xyz @ np.clip(linear, 0, 1) / [0.95047, 1, 1.08883])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _least_distance(colors, eyes):
    labs = [_lab(SEEN[eyes] @ _linear(color)) for color in colors]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(labs, 2))


def test_the_conversion_knows_white_and_a_published_pair():
    np.testing.assert_allclose(_lab(_linear("#ffffff")), [100, 0, 0], atol=0.02)
    np.testing.assert_allclose(_lab(_linear("#ff0000")), [53.24, 80.09, 67.2], atol=0.05)
    assert _least_distance(["#ff0000", "#008000"], "all") > 3 * _least_distance(
        ["#c04000", "#708000"], "without green"
    )


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_categories_are_told_apart_by_everybody(theme, eyes):
    assert _least_distance(getattr(palette.categories(palette.MOST_CATEGORIES), theme), eyes) > 12


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("hues", [2, 6])
def test_shades_of_one_hue_are_told_apart_by_everybody(theme, eyes, hues):
    colors = getattr(palette.nested(hues, 3), theme)
    for hue in range(hues):
        assert _least_distance(colors[3 * hue : 3 * hue + 3], eyes) > 18


@pytest.mark.parametrize("eyes", ["all", "without red", "without green"])  # without blue, some fall together
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hues_of_one_shade_are_told_apart(theme, eyes):
    colors = getattr(palette.nested(6, 3), theme)
    for shade in range(3):
        assert _least_distance(colors[shade::3], eyes) > 12
    assert len(set(colors)) == 18


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_shade_stands_out_from_its_background(theme):
    paper = _lab(_linear(PAPER[theme]))
    for color in getattr(palette.nested(palette.MOST_CATEGORIES, 4), theme):
        assert np.linalg.norm(_lab(_linear(color)) - paper) > 25


def _gray(color):
    """L* of a color printed without its hue."""
    return _lab(np.full(3, _linear(color) @ [0.2126, 0.7152, 0.0722]))[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("hues", [2, 3, 6])
def test_in_grayscale_the_shades_of_a_hue_keep_their_order_and_their_distance(theme, hues):
    colors = getattr(palette.nested(hues, 3), theme)
    for hue in range(hues):
        falling = -np.diff([_gray(color) for color in colors[3 * hue : 3 * hue + 3]])
        assert falling.min() > 12


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("made", [palette.ordered(4), palette.ramp("value"), palette.ramp("alarm")])
def test_in_grayscale_an_order_is_still_an_order(theme, made):
    steps = np.diff([_gray(color) for color in getattr(made, theme)])
    assert (steps > 0).all() or (steps < 0).all()
