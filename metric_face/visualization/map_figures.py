"""Maps as matplotlib figures: one map with the names of its classes, or small multiples; nothing is computed here."""

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.arrays import Floats
from metric_face.pages import Column, MapView, page_words, palette
from metric_face.visualization.faithfulness import Faithfulness
from metric_face.visualization.map_labels import draw_links, draw_names
from metric_face.visualization.map_words import banner, trust
from metric_face.visualization.umap_projection import Projection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _SOFT = "#23262d", "#6d727d"
_ACCENT, _WARNING = palette.categories(2).light
_GRAY = palette.NEUTRAL.light[0]
_SIDE = 8.6
_LETTERS = 36
_MOST_LISTED = 42
"""Classes that a legend lists; of more, those with colors."""


def map_figure(
    projection: Projection,
    view: MapView,
    *,
    faithfulness: Mapping[str, Faithfulness] | None = None,
    title: str = "",
) -> "Figure":
    """Draw a map: one panel, or one for each pair of classes of ``view`` with the rest behind it in gray.

    Args:
        projection: the map of N points.
        view: the columns of color and panels, see ``choose_view``.
        faithfulness: by column, printed under the map; a low one adds a warning.
        title: over the map.
    """
    rows = range(view.rows.num_classes) if view.rows else [None]
    cols = range(view.cols.num_classes) if view.cols else [None]
    single = len(rows) * len(cols) == 1
    figure, axes = _map_grid(len(rows), len(cols), view.hue, projection, faithfulness or {}, title)
    for row in rows:
        for col in cols:
            axis = axes[row or 0][col or 0]
            inside = np.ones(projection.n, dtype=bool)
            for column, code in ((view.rows, row), (view.cols, col)):
                if column is not None:
                    inside &= column.values == code
            vivid = inside & _vivid(view.hue, projection.n)
            _points(axis, projection.coords[~vivid], _GRAY, projection.n, single, alpha=0.25)
            _points(axis, projection.coords[vivid], _hues(view.hue, vivid), projection.n, single)
            names = [
                c.classes[k]
                for c, k in ((view.cols, col), (view.rows, row))
                if c and c.classes and k is not None
            ]
            if names:
                legend = f"{' · '.join(names)}   {inside.sum():,}"
                axis.set_title(legend, fontsize=10, color=_INK, parse_math=False)
    if view.hue is not None and view.hue.classes is not None and view.hue.num_classes > 1:
        _legend(figure, view.hue)
        if single and projection.n:
            draw_links(axes[0][0], projection.coords, view.hue)
            draw_names(figure, axes[0][0], projection.coords, view.hue)
    return figure


def map_notes(projection: Projection, faithfulness: Mapping[str, Faithfulness]) -> tuple[str, str | None]:
    """The line that belongs under every map, and the warning over one that misleads: the words of the page."""
    words = page_words("en")
    line = "   ".join(f"{name} {value}" for name, value in trust(projection, faithfulness, words))
    return f"UMAP   {line}\n{words['no_axes']}", banner(faithfulness, words)


def _legend_width(column: Column | None) -> float:
    """Inches that a legend takes, so that the map fills the rest."""
    if column is None or column.num_classes < 2:
        return 0.2
    listed = [(column.classes or ())[code] for code in _listed(column)]
    return 0.7 + 0.085 * min(max(map(len, [column.name, *listed])), _LETTERS)


def _listed(column: Column) -> list[int]:
    """The classes that a legend names, in their order."""
    few = column.num_classes <= _MOST_LISTED and not column.neutral
    return list(range(column.num_classes)) if few else sorted(column.colored())[:_MOST_LISTED]


def _map_grid(
    rows: int,
    cols: int,
    hue: Column | None,
    projection: Projection,
    faithfulness: Mapping[str, Faithfulness],
    title: str,
) -> "tuple[Figure, Any]":
    from matplotlib.figure import Figure

    extent = np.ptp(projection.coords, axis=0) if projection.n else np.ones(2)
    tall = float(np.clip(extent[1] / max(extent[0], 1e-9), 0.5, 1.0))
    side = _SIDE if rows * cols == 1 else 2.9
    width = side * cols + _legend_width(hue)
    figure = Figure(figsize=(width, (side * tall + 0.3) * rows + 1.2), layout="constrained")
    axes = figure.subplots(rows, cols, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
        axis.set_aspect("equal", adjustable="datalim")
        axis.margins(0.03)
    line, warning = map_notes(projection, faithfulness)
    across = int(width * 12)  # letters of 12 points
    heading = "\n".join(
        wrapped for part in (title, warning) if part for wrapped in textwrap.wrap(part, across)
    )
    if heading:
        figure.suptitle(heading, fontsize=12, color=_WARNING if warning else _INK, parse_math=False)
    notes = "\n".join(
        wrapped for part in line.split("\n") for wrapped in textwrap.wrap(part, int(width * 14))
    )
    figure.supxlabel(notes, fontsize=9, color=_SOFT, parse_math=False)
    return figure, axes


def _points(axis: "Axes", coords: Floats, color: Any, n: int, single: bool, alpha: float = 0.8) -> None:
    order = np.random.default_rng(0).permutation(len(coords))  # or the last class would cover the others
    shades = color if isinstance(color, str) else np.asarray(color)[order]
    size = float(
        np.clip((30_000 if single else 9000) / max(n, 1), 1.5 if single else 1.2, 34 if single else 16)
    )
    axis.scatter(
        coords[order, 0], coords[order, 1], c=shades, s=size, alpha=alpha, linewidths=0, rasterized=True
    )


def _vivid(column: Column | None, n: int) -> Any:
    """(N,) the points that have a color of their own."""
    if column is None or not column.neutral:
        return np.ones(n, dtype=bool)
    return np.isin(column.values, column.colored())


def _hues(column: Column | None, rows: Any) -> Any:
    if column is None or column.classes is None:
        return _ACCENT
    return np.array([*column.shades().light, _GRAY])[column.values[rows]]


def _legend(figure: "Figure", column: Column) -> None:
    from matplotlib.lines import Line2D

    names, shades = column.classes or (), column.shades().light
    listed = _listed(column)
    dots = [Line2D([], [], marker="o", linestyle="", color=shades[code], markersize=7) for code in listed]
    entries = [
        textwrap.shorten(_literal(names[code]), _LETTERS, placeholder="…") or _literal(names[code])
        for code in listed
    ]
    rest = len(names) - len(dots)
    if rest:
        dots.append(Line2D([], [], marker="o", linestyle="", color=_GRAY, markersize=7))
        entries.append(page_words("en")["other_classes"].format(n=rest))
    legend = figure.legend(
        dots, entries, title=_literal(column.name), loc="outside right center", frameon=False, fontsize=10
    )
    legend.get_title().set_fontsize(10)


def _literal(text: str) -> str:
    return text.replace("$", r"\$")  # a legend takes no parse_math
