"""The paper of a map: its head and foot, the frames of its panels and the place of its legend, laid out in inches."""

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metric_face.pages import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT = "#23262d", "#636873"
_WARNING = palette.categories(2).light[1]
_EDGE = 0.25
_LINE = {15: 0.28, 10: 0.19, 9: 0.17}  # inches of a line, by its size in points
_LETTERS = {15: 8.2, 10: 12.5, 9: 14.0}  # of an inch
_MOST_LINES = 4
_PANEL_HEAD = 0.3


@dataclass(frozen=True)
class Sheet:
    """A figure without axes, its panels and its legend.

    Attributes:
        figure: it.
        panels: (rows, cols) axes.
        legend: axes in inches from its upper left corner, or None.
    """

    figure: "Figure"
    panels: Any
    legend: "Axes | None"


def make_sheet(
    rows: int,
    cols: int,
    panel: tuple[float, float],
    legend: tuple[float, float],
    texts: list[tuple[str, str | None, int]],
    notes: str,
    *,
    turned: bool = False,
) -> Sheet:
    """Lay a sheet out: texts over the panels, the legend to their right, notes under them; nothing is cut.

    Args:
        rows, cols: of panels.
        panel: inches of one, across and down.
        legend: inches that it needs; none where it is 0 across.
        texts: (gid, text, points) over the panels, from the top.
        notes: under them.
        turned: whether the panels have a third axis.
    """
    from matplotlib.figure import Figure

    head = 0.0 if rows * cols == 1 else _PANEL_HEAD
    tall = max(rows * (panel[1] + head), legend[1])
    width = _EDGE + cols * panel[0] + (legend[0] + _EDGE if legend[0] else 0) + _EDGE
    lines = [(gid, line, size) for gid, text, size in texts if text for line in _wrapped(text, width, size)]
    foot = [line for note in notes.split("\n") for line in _wrapped(note, width, 9)]
    above = _EDGE + sum(_LINE[size] for _, _, size in lines) + (0.1 if lines else 0)
    below = _EDGE + _LINE[9] * len(foot) + 0.1
    height = above + tall + below
    figure = Figure(figsize=(width, height))
    y = height - _EDGE
    for gid, line, size in lines:
        color = {"warning": _WARNING, "title": INK}.get(gid, SOFT)
        weight = "bold" if gid == "title" else "normal"
        figure.text(_EDGE / width, y / height, line, fontsize=size, color=color, va="top", gid=gid,
                    weight=weight, parse_math=False)  # fmt: skip
        y -= _LINE[size]
    for place, line in enumerate(foot):
        y = below - 0.1 - _LINE[9] * place
        figure.text(_EDGE / width, y / height, line, fontsize=9, color=SOFT, va="top", gid="notes",
                    parse_math=False)  # fmt: skip

    def frame(left: float, top: float, across: float, down: float, kind: str | None = None) -> "Axes":
        place = (left / width, (height - above - top - down) / height, across / width, down / height)
        axis = figure.add_axes(place, projection=kind)
        axis.set_axis_off()
        return axis

    step = panel[1] + head
    panels = [
        [
            frame(_EDGE + col * panel[0], row * step + head, *panel, "3d" if turned else None)
            for col in range(cols)
        ]
        for row in range(rows)
    ]
    side = None
    if legend[0]:
        side = frame(2 * _EDGE + cols * panel[0], 0, legend[0], tall)
        side.set_xlim(0, legend[0])
        side.set_ylim(tall, 0)
    return Sheet(figure, panels, side)


def _wrapped(text: str, width: float, size: int) -> list[str]:
    lines = textwrap.wrap(text, max(int((width - 2 * _EDGE) * _LETTERS[size]), 12))
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1]} …"]
