"""What the colors and shapes of a map on paper mean: a grid for a joint class, a list of classes, or a ramp."""

from typing import TYPE_CHECKING

from metric_face.pages import SHAPES, Column, page_words, palette
from metric_face.visualization.map_sheet import INK, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = {"disc": "o", "triangle": "^", "square": "s", "diamond": "D"}
GRAY = palette.NEUTRAL.light[0]
_MOST_LISTED = 42
"""Classes that a legend lists; of more, those with colors."""
_LETTERS = 36
_PER_LETTER = 0.08  # inches of a letter of 10 points
_ROW = 0.245
_TOP = 0.42
_DOT = 54.0


def legend_size(column: Column | None) -> tuple[float, float]:
    """Inches that a legend takes; (0, 0) for none."""
    if column is None or (column.is_class and column.num_classes < 2):
        return 0.0, 0.0
    title = _PER_LETTER * min(len(column.name), _LETTERS) * 1.1
    if column.classes is None:
        return max(title, 1.6), 0.9
    if column.joint is not None:
        labels, steps = _grid_labels(column), _grid_steps(column)
        across = _PER_LETTER * max(map(len, labels)) + 0.2 + sum(steps)
        return max(title, across), _TOP + _ROW * (len(labels) + 1)
    names = [name for _, name in listed(column)]
    return max(title, 0.3 + _PER_LETTER * max(map(len, names))), _TOP + _ROW * len(names)


def draw_legend(axis: "Axes", column: Column) -> None:
    """Draw the legend of a column into axes that count in inches from their upper left corner."""
    across, down = legend_size(column)
    low, high = sorted(axis.get_ylim())
    top = max((high - low - down) / 2, 0.0)  # beside the middle of the map
    axis.text(0, top + 0.12, _cut(column.name), fontsize=10, weight="bold", color=INK, va="center",
              parse_math=False, gid="legend-title")  # fmt: skip
    if column.classes is None:
        _ramp(axis, column, across, top + _TOP)
    elif column.joint is not None:
        _grid(axis, column, top + _TOP)
    else:
        _list(axis, column, top + _TOP)


def listed(column: Column) -> list[tuple[str, str]]:
    """The color and name of each class that a legend lists, in their order."""
    names, shades = column.classes or (), column.shades().light
    few = column.num_classes <= _MOST_LISTED and not column.neutral
    codes = list(range(column.num_classes)) if few else sorted(column.colored())[:_MOST_LISTED]
    rest = len(names) - len(codes)
    more = [(GRAY, page_words("en")["other_classes"].format(n=rest))] if rest else []
    return [*((shades[code], _cut(names[code])) for code in codes), *more]


def _list(axis: "Axes", column: Column, top: float) -> None:
    for place, (color, name) in enumerate(listed(column)):
        y = top + _ROW * place
        axis.scatter([0.08], [y], c=color, s=_DOT, linewidths=0)
        _text(axis, 0.26, y, name)


def _grid_labels(column: Column) -> list[str]:
    joint = column.joint
    assert joint is not None
    return [_cut(f"{hue} / {shape}" if shape else hue) for hue in joint.hues for shape in joint.shapes]


def _grid_steps(column: Column) -> list[float]:
    assert column.joint is not None
    return [max(0.5, _PER_LETTER * len(_cut(name)) + 0.15) for name in column.joint.shades]


def _grid(axis: "Axes", column: Column, top: float) -> None:
    """A row for each hue and shape, a column for each shade."""
    joint, colors = column.joint, column.shades().light
    assert joint is not None
    labels, steps = _grid_labels(column), _grid_steps(column)
    left = _PER_LETTER * max(map(len, labels)) + 0.2
    middles = [left + sum(steps[:place]) + step / 2 for place, step in enumerate(steps)]
    for middle, name in zip(middles, joint.shades, strict=True):
        _text(axis, middle, top, _cut(name), ha="center", color=SOFT)
    for place, label in enumerate(labels):
        _text(axis, 0, top + _ROW * (place + 1), label)
    for color, (hue, shade, shape) in zip(colors, joint.places, strict=True):
        y = top + _ROW * (hue * len(joint.shapes) + shape + 1)
        axis.scatter([middles[shade]], [y], c=color, s=_DOT, linewidths=0, marker=MARKERS[SHAPES[shape]])


def _ramp(axis: "Axes", column: Column, across: float, top: float) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("ramp", palette.ramp(column.ramp).light)
    ends = axis.get_xlim(), axis.get_ylim()
    axis.imshow([list(range(256))], cmap=colors, aspect="auto", extent=(0, across, top + 0.15, top))
    axis.set_xlim(ends[0])
    axis.set_ylim(ends[1])
    low, high = column.range
    _text(axis, 0, top + 0.3, f"{low:.3g}", color=SOFT)
    _text(axis, across, top + 0.3, f"{high:.3g}", ha="right", color=SOFT)


def _text(axis: "Axes", x: float, y: float, text: str, *, ha: str = "left", color: str = INK) -> None:
    axis.text(x, y, text, fontsize=10, color=color, ha=ha, va="center", parse_math=False, gid="legend")


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
