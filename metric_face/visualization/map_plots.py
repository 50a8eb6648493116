"""plot_map: vectors, or a map of them, as points on a matplotlib axes, with names and a legend of their classes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError
from metric_face.pages import Column, palette
from metric_face.vectors import as_vectors
from metric_face.visualization.map_figures import draw_points
from metric_face.visualization.map_labels import draw_names
from metric_face.visualization.map_legend import listed
from metric_face.visualization.projection import Projection
from metric_face.visualization.umap_projection import project

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_map(
    X: Any, labels: Any = None, *, ax: "Axes | None" = None, title: str = "", seed: int = 0
) -> "Axes":
    """Draw a map of vectors, or one that is laid out already.

    Labels only color what was laid out without them.

    Args:
        X: (N, D) vectors, or an object with ``.vectors``, laid out here by :func:`metric_face.project`; or a
            :class:`Projection` of 2 or 3 dimensions, or (N, 2) coordinates, drawn as they are.
        labels: (N,) what colors the points: classes in any form, floating numbers as a value, None for nothing.
        ax: what to draw on, with ``projection="3d"`` where the map has three dimensions; None makes a figure of its
            own, found as ``.figure`` of what is returned.
        title: over the map.
        seed: of the layout.

    Returns:
        The axes.

    Raises:
        ArgumentError: not (N, D), labels of another length, or axes of other dimensions than the map.

    Example:
        >>> metric_face.plot_map(vectors, labels).figure.savefig("map.png")
    """
    coords = _coords(X, seed)
    column = None if labels is None else Column.of(getattr(labels, "name", None) or "label", labels)
    if column is not None and len(column.values) != len(coords):
        raise ArgumentError(
            f"labels must have one value for each of the {len(coords)} points, found {len(column.values)}"
        )
    kind = "3d" if coords.shape[1] == 3 else "rectilinear"
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(7, 6), layout="constrained").add_subplot(projection=kind)
    elif (ax.name == "3d") != (kind == "3d"):
        raise ArgumentError(
            f"ax: must have the {coords.shape[1]} dimensions of the map; found axes of the projection {ax.name!r}; "
            f"make them by figure.add_subplot(projection={kind!r})"
        )
    ax.set_axis_off()
    draw_points(ax, coords, column)
    if title:
        ax.set_title(title, parse_math=False)
    if column is not None:
        _explain(ax, column)
    if column is not None and column.classes is not None and len(coords) and kind != "3d":
        root: Any = ax.figure.figure  # of a figure within a figure, the outer one
        draw_names(root, ax, coords, column)
    return ax


def _coords(X: Any, seed: int) -> Floats:
    if isinstance(X, Projection):
        return X.coords
    points = as_vectors(X, "X")
    return points if points.shape[1] == 2 else project(np.asarray(points), seed=seed).coords


def _explain(ax: "Axes", column: Column) -> None:
    """A legend of the classes beside the axes, or a bar of the values."""
    if column.classes is None:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import LinearSegmentedColormap, Normalize

        ramp = LinearSegmentedColormap.from_list("ramp", palette.ramp(column.ramp).light)
        bar = ax.figure.colorbar(ScalarMappable(Normalize(*column.range), ramp), ax=ax)
        bar.set_label(_literal(column.name))
    elif column.num_classes > 1:
        from matplotlib.lines import Line2D

        colors, names = zip(*listed(column), strict=True)
        dots = [Line2D([], [], marker="o", linestyle="", color=color, markersize=7) for color in colors]
        ax.legend(
            dots,
            [_literal(name) for name in names],
            title=_literal(column.name),
            loc="center left",
            bbox_to_anchor=(1, 0.5),
            frameon=False,
        )


def _literal(text: str) -> str:
    return text.replace("$", r"\$")  # a legend takes no parse_math
