"""Maps as matplotlib figures: small multiples of classes, and of values; nothing is computed here."""

from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.pages import Column, MapView, palette
from metric_face.visualization.faithfulness import LOW, Faithfulness
from metric_face.visualization.umap_projection import Projection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _SOFT = "#23262d", "#7b808a"
_ACCENT, _WARNING = palette.categories(2).light
_GRAY = palette.NEUTRAL.light[0]


def map_figure(
    projection: Projection, view: MapView, *, faithfulness: Faithfulness | None = None, title: str = ""
) -> "Figure":
    """Small multiples of a map: one panel for each pair of classes of ``view``, the rest behind it in gray.

    Args:
        projection: the map of N points.
        view: the columns of color and panels, see ``choose_view``.
        faithfulness: printed under the map; a low one adds a banner.
        title: over the map.
    """
    rows = range(view.rows.num_classes) if view.rows else [None]
    cols = range(view.cols.num_classes) if view.cols else [None]
    side = 6.0 if len(rows) * len(cols) == 1 else 2.9
    figure, axes = _map_grid(len(rows), len(cols), side, projection, faithfulness, title)
    for row in rows:
        for col in cols:
            axis = axes[row or 0][col or 0]
            inside = np.ones(projection.n, dtype=bool)
            for column, code in ((view.rows, row), (view.cols, col)):
                if column is not None:
                    inside &= column.values == code
            _points(axis, projection.coords[~inside], _GRAY, projection.n, alpha=0.25)
            _points(axis, projection.coords[inside], _hues(view.hue, inside), projection.n)
            names = [
                c.classes[k]
                for c, k in ((view.cols, col), (view.rows, row))
                if c and c.classes and k is not None
            ]
            axis.set_title(
                f"{' · '.join(names)}   {inside.sum():,}".strip(), fontsize=9, color=_INK, parse_math=False
            )
    if view.hue is not None and view.hue.classes is not None:
        _legend(figure, view.hue)
    return figure


def map_notes(projection: Projection, faithfulness: Faithfulness | None) -> tuple[str, str | None]:
    """The line that belongs under every map, and the banner over one that misleads."""
    line = f"UMAP, seed {projection.seed}, n = {projection.n:,}; axes and distances mean nothing"
    if faithfulness is None or not np.isfinite(faithfulness.label_trustworthiness):
        return line, None
    trust, continuity = faithfulness.label_trustworthiness, faithfulness.label_continuity
    line = f"{line}\nLabel-Trustworthiness {trust:.2f}, Label-Continuity {continuity:.2f}"
    if not faithfulness.is_low:
        return line, None
    fault = "presses classes together that the embedding keeps apart" if trust < LOW else ""
    if continuity < LOW:
        fault += (" and " if fault else "") + "parts classes that the embedding does not"
    return line, f"Read with care: this map {fault}."


def _map_grid(
    rows: int, cols: int, side: float, projection: Projection, faithfulness: Faithfulness | None, title: str
) -> "tuple[Figure, Any]":
    from matplotlib.figure import Figure

    extent = np.ptp(projection.coords, axis=0) if projection.n else np.ones(2)
    tall = float(np.clip(extent[1] / max(extent[0], 1e-9), 0.5, 1.4))
    figure = Figure(figsize=(side * cols + 0.2, (side * tall + 0.3) * rows + 1.1), layout="constrained")
    axes = figure.subplots(rows, cols, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
        axis.set_aspect("equal", adjustable="datalim")
    line, banner = map_notes(projection, faithfulness)
    heading = "\n".join(part for part in (title, banner) if part)
    if heading:
        figure.suptitle(heading, fontsize=12, color=_WARNING if banner else _INK, parse_math=False)
    figure.supxlabel(line, fontsize=8, color=_SOFT)
    return figure, axes


def _points(axis: "Axes", coords: Any, color: Any, n: int, alpha: float = 0.8) -> None:
    order = np.random.default_rng(0).permutation(len(coords))  # or the last class would cover the others
    shades = color if isinstance(color, str) else np.asarray(color)[order]
    size = float(np.clip(9000 / max(n, 1), 1.2, 16))
    axis.scatter(
        coords[order, 0], coords[order, 1], c=shades, s=size, alpha=alpha, linewidths=0, rasterized=True
    )


def _hues(column: Column | None, rows: Any) -> Any:
    if column is None or column.classes is None:
        return _ACCENT
    shades = palette.ordered(column.num_classes) if column.ordered else palette.categories(column.num_classes)
    return np.array([*shades.light, _GRAY])[column.values[rows]]


def _legend(figure: "Figure", column: Column) -> None:
    from matplotlib.lines import Line2D

    names = column.classes or ()
    if len(names) > palette.MOST_CATEGORIES and not column.ordered:
        return
    shades = palette.ordered(len(names)) if column.ordered else palette.categories(len(names))
    dots = [Line2D([], [], marker="o", linestyle="", color=shade, markersize=6) for shade in shades.light]
    legend = figure.legend(
        dots,
        [_literal(name) for name in names],
        title=_literal(column.name),
        loc="outside right center",
        frameon=False,
    )
    legend.get_title().set_fontsize(9)


def _literal(text: str) -> str:
    return text.replace("$", r"\$")  # a legend takes no parse_math
