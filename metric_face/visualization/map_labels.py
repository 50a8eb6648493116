"""What is written on a map that is drawn on paper: lines between classes that mix, and names that do not collide."""

from typing import TYPE_CHECKING

import numpy as np

from metric_face.arrays import Floats
from metric_face.pages import Column
from metric_face.visualization.map_sheet import INK
from metric_face.visualization.mixing import class_centers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

_LETTERS = 32


def draw_links(axis: "Axes", coords: Floats, column: Column) -> None:
    """A line between each pair of classes that mix, thicker where they mix more, with its number."""
    from matplotlib.patheffects import withStroke

    centers, vivid = class_centers(coords, column), set(column.colored())
    for first, second, share in column.links:
        one, other = centers[first], centers[second]
        if one is None or other is None or not {first, second} <= vivid:
            continue
        (x0, y0), (x1, y1) = one[:2], other[:2]
        axis.plot(
            [x0, x1], [y0, y1], color="white", linewidth=2.4 + 6 * share, alpha=0.8, zorder=3, gid="link"
        )
        axis.plot([x0, x1], [y0, y1], color=INK, linewidth=0.8 + 5 * share, alpha=0.65, zorder=4, gid="link")
        axis.text(
            (x0 + x1) / 2,
            (y0 + y1) / 2,
            f"{share:.0%}",
            fontsize=9,
            color=INK,
            ha="center",
            va="center",
            zorder=6,
            gid="share",
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )


def draw_names(figure: "Figure", axis: "Axes", coords: Floats, column: Column) -> None:
    """The name of each class near its center; one that finds no free place is left to the legend."""
    from matplotlib.patheffects import withStroke

    figure.draw_without_rendering()  # places the axes: before, nothing has a size
    placed: list[Bbox] = []
    for text in list(axis.texts):  # the shares of links that are nearly in one place: the first stays
        box = text.get_window_extent()
        if any(box.overlaps(other) for other in placed):
            text.remove()
        else:
            placed.append(box)
    frame = axis.get_window_extent()
    centers = class_centers(coords, column)
    for code in _by_size(column):
        center = centers[code]
        if center is None:
            continue
        x, y = axis.transData.transform(center[:2])
        name = (column.classes or ())[code]
        label = axis.text(
            center[0],
            center[1],
            name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…",
            fontsize=10,
            color=INK,
            ha="center",
            va="center",
            zorder=7,
            gid="name",
            parse_math=False,
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
        size = label.get_window_extent()
        aside = max(frame.x0 + 1 - size.x0, 0.0) - max(size.x1 - frame.x1 + 1, 0.0)  # into the frame
        for up in (0.0, 1.1, -1.1, 2.2, -2.2):
            box = size.translated(aside, up * size.height)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if inside and not any(box.overlaps(other) for other in placed):
                left, low = axis.transData.inverted().transform((x + aside, y + up * size.height))
                label.set_position((float(left), float(low)))
                placed.append(box)
                break
        else:
            label.remove()


def _by_size(column: Column) -> list[int]:
    """The classes with colors, the largest first."""
    counts = np.bincount(column.values[column.values >= 0], minlength=column.num_classes)
    return sorted(column.colored(), key=lambda code: (-int(counts[code]), code))
