"""matplotlib figures of arrays; nothing is computed here.

Figures are made without pyplot, so nothing global is touched and no window is needed. The maps are in
``metric_face.visualization.map_figures``.
"""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from metric_face.data import MARK
from metric_face.files import write_atomically
from metric_face.pages import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _SOFT = "#23262d", "#7b808a"
_ACCENT, _SECOND = palette.categories(2).light
_GRAY = palette.NEUTRAL.light[0]
_FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",
    "NanumGothic",
    "Malgun Gothic",
    "AppleGothic",
)


def pair_histogram_figure(
    edges: ArrayLike, first: ArrayLike, second: ArrayLike, names: tuple[str, str], *, overlap: float
) -> "Figure":
    """Two classes' densities (B,) over the B + 1 ``edges`` of a probe's score, and what they share."""
    figure, axis = _plain("probe score", "density", f"{names[0]} and {names[1]}: {overlap:.0%} in common")
    bounds, one, two = np.asarray(edges), np.asarray(first), np.asarray(second)
    for density, name, color in ((one, names[0], _ACCENT), (two, names[1], _SECOND)):
        axis.stairs(density, bounds, fill=True, alpha=0.35, color=color, label=_literal(name))
        axis.stairs(density, bounds, color=color, linewidth=1.2)
    axis.stairs(np.minimum(one, two), bounds, fill=True, color=_INK, alpha=0.25)
    axis.set_yticks([])
    axis.legend(frameon=False, fontsize=9)
    return figure


def boundary_figure(
    at: ArrayLike, error: ArrayLike, low: ArrayLike, high: ArrayLike, *, cuts: Sequence[float], name: str
) -> "Figure":
    """Error (M,) against a continuous attribute ``at`` (M,), with its band and a line at each cut."""
    figure, axis = _plain(name, "error", f"Where {name} is mistaken")
    axis.fill_between(
        np.asarray(at), np.asarray(low), np.asarray(high), color=_ACCENT, alpha=0.2, linewidth=0
    )
    axis.plot(np.asarray(at), np.asarray(error), color=_ACCENT, linewidth=1.8)
    for cut in cuts:
        axis.axvline(cut, color=_SECOND, linewidth=1, linestyle=(0, (4, 3)))
    axis.set_ylim(bottom=0)
    return figure


def matrix_figure(values: ArrayLike, names: Sequence[str], *, title: str = "", unit: str = ".2f") -> "Figure":
    """A matrix (C, C) as shaded cells with their numbers; NaN stays empty."""
    from matplotlib.colors import LinearSegmentedColormap

    cells = np.asarray(values, dtype=float)
    size = max(3.2, 0.55 * len(names) + 1.6)
    figure, axis = _plain("", "", title, size=(size, size))
    highest = float(np.nanmax(cells)) if np.isfinite(cells).any() else 1.0
    colors = LinearSegmentedColormap.from_list("alarm", palette.ramp("alarm").light)
    axis.imshow(cells, cmap=colors, vmin=0, vmax=highest or 1.0)
    for (row, col), value in np.ndenumerate(cells):
        if np.isfinite(value):
            ink = "white" if value > 0.75 * highest else _INK
            axis.text(col, row, format(value, unit), ha="center", va="center", fontsize=7, color=ink)
    ticks = range(len(names))
    axis.set_xticks(ticks, names, rotation=40, ha="right", fontsize=8, parse_math=False)
    axis.set_yticks(ticks, names, fontsize=8, parse_math=False)
    axis.spines[:].set_visible(False)
    return figure


def kappa_figure(
    step: ArrayLike, kappa: ArrayLike, low: ArrayLike, high: ArrayLike, *, noise: float | None = None
) -> "Figure":
    """The angle between two losses over training, kappa (M,) with its band, and the band of noise around 0."""
    figure, axis = _plain("epoch", "kappa", "Do the losses pull together?")
    if noise is not None:
        axis.axhspan(-noise, noise, color=_GRAY, alpha=0.35, linewidth=0)
    axis.axhline(0, color=_SOFT, linewidth=0.8)
    axis.fill_between(
        np.asarray(step), np.asarray(low), np.asarray(high), color=_ACCENT, alpha=0.2, linewidth=0
    )
    axis.plot(np.asarray(step), np.asarray(kappa), color=_ACCENT, linewidth=1.8)
    axis.set_ylim(-1.05, 1.05)
    return figure


def arrows_figure(kappa: float, norms: tuple[float, float], names: tuple[str, str]) -> "Figure":
    """Two losses' gradients as arrows at the angle ``arccos(kappa)``, as long as their norms."""
    figure, axis = _plain("", "", f"kappa = {kappa:+.2f}", size=(3.6, 3.2))
    half = np.arccos(np.clip(kappa, -1, 1)) / 2
    longest = max(*norms, 1e-12)
    for norm, angle, name, color in zip(norms, (half, -half), names, (_ACCENT, _SECOND), strict=True):
        tip = norm / longest * np.array([np.cos(angle), np.sin(angle)])
        axis.annotate(
            "", (tip[0], tip[1]), (0, 0), arrowprops={"arrowstyle": "-|>", "color": color, "lw": 2.2}
        )
        label, said = tip + 0.24 * np.array([np.cos(angle), np.sin(angle)]), f"{name}\n{norm:.2g}"
        axis.text(label[0], label[1], said, color=color, ha="center", va="center", parse_math=False)
    axis.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal")
    axis.set_axis_off()
    return figure


def strip_figure(values: ArrayLike, rows: Sequence[str], cols: Sequence[str], *, title: str = "") -> "Figure":
    """Layer x epoch: a matrix (R, T) of kappa from -1 to 1, orange where the losses conflict."""
    from matplotlib.colors import LinearSegmentedColormap

    figure, axis = _plain("epoch", "", title, size=(6.4, 0.32 * len(rows) + 1.5))
    colors = LinearSegmentedColormap.from_list("sides", [_SECOND, "#f2f2f2", _ACCENT])
    drawn = axis.imshow(np.asarray(values, dtype=float), cmap=colors, vmin=-1, vmax=1, aspect="auto")
    axis.set_yticks(range(len(rows)), rows, fontsize=8, parse_math=False)
    axis.set_xticks(range(len(cols)), cols, fontsize=8, parse_math=False)
    figure.colorbar(drawn, ax=axis, shrink=0.8)
    return figure


def save_figure(figure: "Figure", path: str | os.PathLike[str], *, dpi: int = 150) -> Path:
    """Write a figure whole, in the format of the path's suffix."""
    from matplotlib import font_manager, rc_context
    from matplotlib.text import Text

    # Names of classes come in any script, and only a list of real fonts is searched glyph by glyph.
    there = set(font_manager.get_font_names())
    fonts = [font for font in _FONTS if font in there] or ["sans-serif"]
    for text in figure.findobj(Text):
        text.set_fontfamily(fonts)

    def write(temporary: Path) -> None:
        with rc_context({"font.family": fonts}), warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message=".*missing from font", category=UserWarning
            )  # shown as a box
            mark = {"Software": MARK} if temporary.suffix.lower() == ".png" else None
            figure.savefig(temporary, dpi=dpi, facecolor="white", metadata=mark)

    return write_atomically(path, write)


def _literal(text: str) -> str:
    return text.replace("$", r"\$")  # a legend takes no parse_math


def _plain(x: str, y: str, title: str, *, size: tuple[float, float] = (6.0, 3.4)) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    axis.set_xlabel(x, color=_SOFT, parse_math=False)
    axis.set_ylabel(y, color=_SOFT, parse_math=False)
    axis.set_title(title, fontsize=11, loc="left", color=_INK, parse_math=False)
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_color(_GRAY)
    axis.tick_params(colors=_SOFT, labelsize=9, length=0)
    return figure, axis
