"""The map on paper: every point in its panel, in its color, with what must be said of it."""

import matplotlib
import numpy as np
import pytest
from PIL import Image

from metric_face.pages import palette
from metric_face.pages.columns import Column, choose_view
from metric_face.visualization.faithfulness import Faithfulness
from metric_face.visualization.map_figures import map_figure, map_notes
from metric_face.visualization.saving import save_figure
from metric_face.visualization.umap_projection import Projection

N = 60


@pytest.fixture(scope="module")
def points():
    return Projection(np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32), 5, 15, 0.1)


@pytest.fixture(scope="module")
def columns():
    place = np.arange(N)
    return [
        Column("mask", place % 3, ("wear", "$x$", "none")),
        Column("gender", place // 3 % 2, ("male", "female")),
        Column("age", np.where(place == 0, -1, place % 3), ("<30", "30-59", ">=60"), ordered=True),
    ]


def _judged(trust, continuity):
    nothing = np.zeros(N, np.float32)
    return Faithfulness(trust, continuity, nothing, nothing, np.zeros(N, bool))


def test_each_panel_shows_its_own_points_in_front_and_all_others_behind(points, columns):
    axes = map_figure(points, choose_view(columns)).axes
    assert len(axes) == 6
    front = []
    for axis, (row, col) in zip(axes, np.ndindex(2, 3), strict=True):
        behind, ahead = (scatter.get_offsets().data for scatter in axis.collections)
        inside = (columns[1].values == row) & (columns[0].values == col)
        assert sorted(map(tuple, ahead)) == sorted(map(tuple, points.coords[inside].astype(float)))
        assert len(ahead) + len(behind) == N
        assert axis.get_title().endswith(str(inside.sum()))
        front.append(len(ahead))
    assert sum(front) == N


def test_the_hue_of_a_point_is_its_class(points, columns):
    from matplotlib.colors import to_hex

    axis = map_figure(points, choose_view([columns[2]])).axes[0]
    scatter = axis.collections[1]
    known = {
        tuple(xy): to_hex(c)
        for xy, c in zip(scatter.get_offsets().data, scatter.get_facecolors(), strict=True)
    }
    shades = [*palette.ordered(3).light, palette.NEUTRAL.light[0]]
    for row in (0, 1, 2, 30):
        assert known[tuple(points.coords[row].astype(float))] == shades[columns[2].values[row]]


def test_seed_n_and_faithfulness_are_printed(points):
    line, banner = map_notes(points, _judged(0.91, 0.99))
    assert "seed 5" in line
    assert "n = 60" in line
    assert "Label-Trustworthiness 0.91, Label-Continuity 0.99" in line
    assert banner is None


def test_a_map_that_misleads_says_how(points):
    assert "presses classes together" in map_notes(points, _judged(0.4, 1))[1]
    assert "parts classes" in map_notes(points, _judged(1, 0.4))[1]
    assert map_notes(points, _judged(0.4, 0.4))[1].count("classes") == 2
    assert map_notes(points, _judged(float("nan"), float("nan")))[1] is None


def test_there_are_no_axes(points, columns):
    figure = map_figure(points, choose_view(columns), faithfulness=_judged(0.4, 1), title="$t$")
    assert not [axis for axis in figure.axes if axis.axison]
    assert "Read with care" in figure.get_suptitle()


def test_a_map_without_any_column_and_of_one_class_is_drawn(points, tmp_path):
    save_figure(map_figure(points, choose_view([])), tmp_path / "plain.png", dpi=40)


def test_figures_are_saved_whole_in_any_script_and_nothing_global_is_touched(points, tmp_path):
    before = {
        key: matplotlib.rcParams[key] for key in matplotlib.rcParams
    }  # reading settles the lazy backend
    figure = map_figure(points, choose_view([]), title="마스크 $x$ 𐍈 no font has this")
    path = save_figure(figure, tmp_path / "deep" / "map.png", dpi=50)
    with Image.open(path) as image:
        assert min(image.size) > 50
    assert [item.name for item in path.parent.iterdir()] == ["map.png"]
    assert {key: matplotlib.rcParams[key] for key in matplotlib.rcParams} == before
