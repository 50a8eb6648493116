"""Maps as matplotlib figures: one map with the names of its classes, or small multiples; nothing is computed here."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.arrays import Bools, Floats
from metric_face.pages import SHAPES, Column, MapView, page_words, palette
from metric_face.visualization.faithfulness import Faithfulness
from metric_face.visualization.map_labels import draw_links, draw_names
from metric_face.visualization.map_legend import GRAY, MARKERS, draw_legend, legend_size
from metric_face.visualization.map_sheet import INK, make_sheet
from metric_face.visualization.map_words import banner, trust
from metric_face.visualization.projection import Projection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACCENT = palette.categories(1).light[0]
_SIDE, _SMALL = 8.6, 2.9  # inches of a map, and of one of several
_LAYERS = 8


def map_figure(
    projection: Projection,
    view: MapView,
    *,
    faithfulness: Mapping[str, Faithfulness] | None = None,
    title: str = "",
    subtitle: str = "",
) -> "Figure":
    """Draw a map: one panel, or one for each pair of classes of ``view`` with the rest behind it in gray.

    Args:
        projection: the map of N points.
        view: the columns of color and panels, see ``choose_view``.
        faithfulness: by column, printed under the map; a low one adds a warning.
        title: over the map.
        subtitle: under the title.
    """
    rows = range(view.rows.num_classes) if view.rows else [None]
    cols = range(view.cols.num_classes) if view.cols else [None]
    single = len(rows) * len(cols) == 1
    line, warning = map_notes(projection, faithfulness or {})
    texts = [("title", title, 15), ("subtitle", subtitle, 10), ("warning", warning, 10)]
    side = _SIDE if single else _SMALL
    panel = (side, side * _shape(projection.coords))
    space = projection.coords.shape[1] == 3
    sheet = make_sheet(len(rows), len(cols), panel, legend_size(view.hue), texts, line, turned=space)
    for row in rows:
        for col in cols:
            axis = sheet.panels[row or 0][col or 0]
            inside = np.ones(projection.n, dtype=bool)
            for column, code in ((view.rows, row), (view.cols, col)):
                if column is not None:
                    inside &= column.values == code
            vivid = inside & _vivid(view.hue, projection.n)
            _frame(axis, projection.coords)
            _points(axis, projection.coords, ~vivid, None, single, behind=True)
            _points(axis, projection.coords, vivid, view.hue, single)
            _rings(axis, projection, single)
            names = [
                c.classes[k]
                for c, k in ((view.cols, col), (view.rows, row))
                if c and c.classes and k is not None
            ]
            if names:
                legend = f"{' · '.join(names)}   {inside.sum():,}"
                axis.set_title(legend, fontsize=10, color=INK, parse_math=False)
    if view.hue is not None and sheet.legend is not None:
        draw_legend(sheet.legend, view.hue)
        if single and projection.n and view.hue.is_class and not view.hue.group and not space:
            draw_links(sheet.panels[0][0], projection.coords, view.hue)
            draw_names(sheet.figure, sheet.panels[0][0], projection.coords, view.hue)
    return sheet.figure


def draw_points(axis: "Axes", coords: Floats, column: Column | None) -> None:
    """Draw the points of a map on any axes, those without a color of their own behind the others."""
    vivid = _vivid(column, len(coords))
    _frame(axis, coords)
    _points(axis, coords, ~vivid, None, True, behind=True)
    _points(axis, coords, vivid, column, True)


def map_notes(projection: Projection, faithfulness: Mapping[str, Faithfulness]) -> tuple[str, str | None]:
    """The line that belongs under every map, and the warning over one that misleads: the words of the page."""
    words = page_words("en")
    line = "   ".join(f"{name} {value}" for name, value in trust(projection, faithfulness, words))
    return f"UMAP   {line}\n{words['no_axes']}", banner(faithfulness, words)


def _shape(coords: Floats) -> float:
    """How tall a map is beside its width, within what a sheet can be."""
    extent = np.ptp(coords, axis=0) if len(coords) and coords.shape[1] == 2 else np.ones(2)
    return float(np.clip(extent[1] / max(extent[0], 1e-9), 0.5, 1.05))


def _frame(axis: "Axes", coords: Floats) -> None:
    if coords.shape[1] == 3:
        axis.set_aspect("equal")
        return
    axis.set_aspect("equal", adjustable="datalim")
    axis.margins(0.03)
    if len(coords):
        axis.update_datalim(coords)


def _points(
    axis: "Axes", coords: Floats, shown: Bools, column: Column | None, single: bool, *, behind: bool = False
) -> None:
    """Draw the points shown, in gray those behind; in a random order, or the last class would cover the others."""
    n, rows = len(coords), np.random.default_rng(0).permutation(np.flatnonzero(shown))
    size = _size(n, single)
    edge: dict[str, Any] = {"linewidths": 0.4, "edgecolors": "white"} if size > 20 else {"linewidths": 0}
    colors, shapes = _looks(column)
    layers = 1 if len(set(shapes)) == 1 else _LAYERS  # shapes take turns to be in front
    for part in np.array_split(rows, layers):
        codes = np.zeros(len(part), np.intp) if column is None else column.values[part]
        for shape in dict.fromkeys(shapes):
            kept = part if layers == 1 else part[np.take(shapes, codes) == shape]
            shades: Any = GRAY if behind else _shades(column, colors, kept)
            scatter: Any = (
                axis.scatter
            )  # in three dimensions it takes a third place, which its type does not know
            scatter(*coords[kept].T, c=shades, s=size, marker=MARKERS[SHAPES[shape]],
                    alpha=0.25 if behind else 0.85, rasterized=True, **edge)  # fmt: skip


def _rings(axis: "Axes", projection: Projection, single: bool) -> None:
    """A ring around each point that was placed afterwards."""
    if projection.new:
        rings: Any = axis.scatter
        size = 2.2 * _size(projection.n, single) + 12
        rings(*projection.coords[-projection.new :].T, s=size, facecolors="none", edgecolors=INK, linewidths=1.1,
              zorder=5, gid="new")  # fmt: skip


def _size(n: int, single: bool) -> float:
    """Square points of a dot: the more of them the smaller."""
    most, least = (64, 1.5) if single else (18, 1.2)
    return float(np.clip((30_000 if single else 9000) / max(n, 1), least, most))


def _looks(column: Column | None) -> tuple[list[str], list[int]]:
    """Colors and shapes by code; the last is of what is unknown."""
    if column is None or column.classes is None:
        return [_ACCENT], [0]
    return [*column.shades().light, GRAY], [*column.shapes(), 0]


def _shades(column: Column | None, colors: list[str], rows: Any) -> Any:
    if column is None:
        return colors[0]
    if column.is_class:
        return np.array(colors)[column.values[rows]]
    from matplotlib.colors import LinearSegmentedColormap

    low, high = column.range
    ramp = LinearSegmentedColormap.from_list("ramp", palette.ramp(column.ramp).light, bad=GRAY)
    return ramp(np.ma.masked_invalid((column.values[rows] - low) / ((high - low) or 1)))


def _vivid(column: Column | None, n: int) -> Any:
    """(N,) the points that have a color of their own."""
    if column is None or not column.neutral:
        return np.ones(n, dtype=bool)
    return np.isin(column.values, column.colored())
