"""The map on paper: every point in its panel, in its color, with what must be said of it."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from PIL import Image

from metric_face.pages import joint_colors, page_words, palette
from metric_face.pages.columns import Column, MapView, choose_view
from metric_face.visualization.faithfulness import Faithfulness
from metric_face.visualization.map_figures import map_figure, map_notes
from metric_face.visualization.map_words import banner
from metric_face.visualization.projection import Projection
from metric_face.visualization.saving import save_figure

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
    assert len(axes) == 7  # and the legend
    front = []
    for axis, (row, col) in zip(axes[:6], np.ndindex(2, 3), strict=True):
        behind, ahead = (scatter.get_offsets().data for scatter in axis.collections)
        inside = (columns[1].values == row) & (columns[0].values == col)
        assert sorted(map(tuple, ahead)) == sorted(map(tuple, points.coords[inside].astype(float)))
        assert len(ahead) + len(behind) == N
        assert axis.get_title().endswith(str(inside.sum()))
        front.append(len(ahead))
    assert sum(front) == N


def test_in_a_panel_whose_class_has_no_image_all_points_are_gray(points):
    from matplotlib.colors import to_hex

    mask = Column("mask", np.zeros(N, np.int64), ("worn", "none"))
    age = Column("age", np.arange(N) % 3, ("a", "b", "c"), ordered=True)
    axes = map_figure(points, MapView(age, cols=mask)).axes
    for axis, inside in zip(axes[:2], (N, 0), strict=True):
        behind, ahead = axis.collections
        assert (len(behind.get_offsets()), len(ahead.get_offsets())) == (N - inside, inside)
    empty = {to_hex(color) for color in axes[1].collections[0].get_facecolors()}
    assert empty == {palette.NEUTRAL.light[0]}


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
    line, banner = map_notes(points, {"age": _judged(0.91, 0.99)})
    assert "seed 5" in line
    assert "n 60" in line
    assert "Label-Trustworthiness (age) 0.91   Label-Continuity (age) 0.99" in line
    assert banner is None


def test_a_map_that_misleads_says_how(points):
    def warning(*numbers):
        return map_notes(points, {"age": _judged(*numbers)})[1]

    assert "presses classes together" in warning(0.4, 1)
    assert "parts classes" in warning(1, 0.4)
    assert warning(0.4, 0.4).count("classes") == 2
    assert warning(float("nan"), float("nan")) is None
    assert warning(0.4, 1) == banner({"age": _judged(0.4, 1)}, page_words("en"))  # the words of the page


def test_there_are_no_axes(points, columns):
    figure = map_figure(points, choose_view(columns), faithfulness={"age": _judged(0.4, 1)}, title="$t$")
    assert not [axis for axis in figure.axes if axis.axison]
    assert any("Read this map with care" in line for line in _lines(figure, "warning"))


def _lines(figure, kind):
    return [text.get_text() for text in figure.texts if text.get_gid() == kind]


def _told(figure, kind="legend"):
    return [text.get_text() for text in figure.axes[-1].texts if text.get_gid() == kind]


def _drawn(figure):
    figure.canvas.draw()
    axis = figure.axes[0]
    return axis, [text for text in axis.texts if text.get_gid() == "name"]


def _joint(points):
    codes = np.arange(N) % 6
    names = [f"{a} / {b}" for a in ("wear", "none") for b in ("<30", "30-59", ">=60")]
    classes = (("wear", "none"), ("<30", "30-59", ">=60"))
    joint = joint_colors([(k // 3, k % 3) for k in range(6)], classes, (False, True), 7)
    return Column("joint class", codes, tuple(names), joint=joint, links=((0, 4, 0.3), (1, 2, 0.2)))


def test_a_joint_class_is_one_map_with_names_links_and_a_legend(points):
    from matplotlib.colors import to_hex

    column = _joint(points)
    figure = map_figure(points, choose_view([column, Column("a", np.arange(N) % 2, ("x", "y"))]))
    assert len(figure.axes) == 2
    axis, names = _drawn(figure)
    assert {name.get_text() for name in names} <= set(column.classes)
    assert len(names) >= 4
    boxes = [name.get_window_extent() for name in names]
    assert not [(a, b) for k, a in enumerate(boxes) for b in boxes[:k] if a.overlaps(b)]
    assert len([line for line in axis.lines if line.get_gid() == "link"]) == 4  # each on a rim of white
    assert [text.get_text() for text in axis.texts if text.get_gid() == "share"] == ["30%", "20%"]
    assert _told(figure) == ["<30", "30-59", ">=60", "wear", "none"]
    assert _told(figure, "legend-title") == ["joint class"]
    colors = [to_hex(c) for c in axis.collections[1].get_facecolors()]
    assert set(colors) == set(palette.nested(2, 3).light)


def test_a_name_at_the_edge_stands_within_the_frame():
    codes = np.repeat(np.arange(4), 5)
    corners = np.array([[0, 0], [10, 0], [0, 10], [10, 10]], dtype=np.float32)
    spread = np.random.default_rng(0).normal(scale=0.05, size=(20, 2)).astype(np.float32)
    names = tuple(f"a class with a long name {k}" for k in range(4))
    near = Projection(corners[codes] + spread, 0, 3, 0.1)
    axis, drawn = _drawn(map_figure(near, choose_view([Column("who", codes, names)])))
    frame = axis.get_window_extent()
    assert {name.get_text() for name in drawn} == set(names)
    for box in (name.get_window_extent() for name in drawn):
        assert frame.x0 - 1 <= box.x0
        assert box.x1 <= frame.x1 + 1


def test_of_many_classes_those_that_mix_have_colors_and_names(points):
    codes = np.arange(N) % 20
    leading = tuple(range(19, -1, -1))
    column = Column.of("who", np.array([f"id {code}" for code in codes]))
    figure = map_figure(
        points, choose_view([replace(column, leading=leading, links=((19, 18, 0.4), (0, 1, 0.2)))])
    )
    axis, names = _drawn(figure)
    vivid = {f"id {code}" for code in range(13, 20)}
    assert {name.get_text() for name in names} <= vivid
    assert len([line for line in axis.lines if line.get_gid() == "link"]) == 2  # of the gray ones none
    assert _told(figure) == [*sorted(vivid), "the other 13 classes"]
    behind, ahead = axis.collections
    assert len(ahead.get_offsets()) == 7 * 3
    assert len(behind.get_offsets()) == 13 * 3


def test_a_single_map_fills_its_frame(points):
    figure = map_figure(
        points, choose_view([_joint(points)]), faithfulness={"x": _judged(0.4, 0.4)}, title="t " * 60
    )
    axis, _ = _drawn(figure)
    frame, whole = axis.get_window_extent(), figure.bbox
    places = axis.transData.transform(points.coords)
    assert np.ptp(places, axis=0).min() > 0.85 * min(frame.width, frame.height)
    assert frame.width * frame.height > 0.5 * whole.width * whole.height
    assert figure.texts
    for text in (*figure.texts, *figure.axes[-1].texts):
        box = text.get_window_extent()
        assert whole.x0 <= box.x0
        assert box.x1 <= whole.x1


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


def test_a_value_colors_the_picture_with_a_ramp_and_the_unknown_are_gray(points):
    from matplotlib.colors import to_hex

    values = np.linspace(0, 1, N).astype(np.float32)
    values[3] = np.nan
    figure = map_figure(points, MapView(Column("density", values)))
    colors = {
        tuple(xy): to_hex(c)
        for scatter in figure.axes[0].collections
        for xy, c in zip(scatter.get_offsets().data, scatter.get_facecolors(), strict=False)
    }
    ends = palette.ramp("value").light
    for row, color in ((0, ends[0]), (N - 1, ends[-1]), (3, palette.NEUTRAL.light[0])):
        assert colors[tuple(points.coords[row].astype(float))] == color
    assert _told(figure) == ["0", "1"]


def test_a_map_in_three_dimensions_is_drawn_with_its_legend(points, tmp_path):
    coords = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
    figure = map_figure(Projection(coords, 5, 15, 0.1), MapView(_joint(points)))
    assert figure.axes[0].name == "3d"
    assert _told(figure) == ["<30", "30-59", ">=60", "wear", "none"]
    save_figure(figure, tmp_path / "map3d.png", dpi=40)
