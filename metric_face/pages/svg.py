"""What charts on a page are made of: escaped elements, the plane of a chart, a figure with its table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike, NDArray

from metric_face.pages.languages import page_words

WIDTH, HEIGHT = 360, 230  # of the drawing; as narrow as a phone, so that its letters keep their size there
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 50, 38


def figure(
    title: str,
    chart: Markup,
    caption: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    lang: str = "en",
) -> Markup:
    """A chart with its title, caption and table."""
    head = Markup("").join(tag("th", text, scope="col") for text in heads)
    lines = Markup("").join(tag("tr", Markup("").join(tag("td", cell) for cell in row)) for row in rows)
    table = tag("table", tag("thead", tag("tr", head)) + tag("tbody", lines))
    more = tag("details", tag("summary", page_words(lang)["table"]) + tag("div", table, class_="scroll"))
    note = tag("figcaption", caption) if caption else Markup("")
    return tag("figure", tag("h3", title) + chart + note + more)


class Paper:
    """The plane of a chart: data to places."""

    def __init__(self, x_range: tuple[float, float], y_range: tuple[float, float]) -> None:
        self.x_range, self.y_range = x_range, y_range

    def x(self, value: float) -> float:
        low, high = self.x_range
        return float(LEFT + (value - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT))

    def y(self, value: float) -> float:
        low, high = self.y_range
        return float(HEIGHT - BOTTOM - (value - low) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM))

    def path(self, xs: ArrayLike, ys: ArrayLike) -> str:
        parts, pen = [], "M"
        for x, y in zip(np.asarray(xs, dtype=float), np.asarray(ys, dtype=float), strict=True):
            if not np.isfinite(y):
                pen = "M"  # a gap
                continue
            parts.append(f"{pen}{self.x(x):.1f} {self.y(y):.1f}")
            pen = "L"
        return "".join(parts)

    def steps(self, edges: NDArray[Any], heights: NDArray[Any]) -> str:
        xs, ys = np.repeat(edges, 2), np.concatenate([[0], np.repeat(heights, 2), [0]])
        return self.path(xs, ys)

    def band(self, xs: NDArray[Any], low: ArrayLike, high: ArrayLike, kind: str) -> Markup:
        bottom, top = (np.clip(np.asarray(end, dtype=float), *self.y_range) for end in (low, high))
        there = np.isfinite(bottom) & np.isfinite(top)
        around = (
            np.concatenate([xs[there], xs[there][::-1]]),
            np.concatenate([top[there], bottom[there][::-1]]),
        )
        return tag("path", d=self.path(*around) + "Z", class_=kind)

    def x_axis(self, name: str) -> list[Markup]:
        base = HEIGHT - BOTTOM
        ticks = [
            tag("text", f"{value:g}", x=self.x(value), y=base + 16, text_anchor="middle")
            for value in _ticks(*self.x_range)
        ]
        axis = tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=base, y2=base, class_="axis")
        return [
            axis,
            *ticks,
            tag("text", name, x=WIDTH - RIGHT, y=base + 33, text_anchor="end", class_="title"),
        ]

    def y_axis(self, name: str) -> list[Markup]:
        lines = []
        for value in _ticks(*self.y_range, count=4):
            y = self.y(value)
            lines += [
                tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="axis"),
                tag("text", f"{value:g}", x=LEFT - 8, y=y + 4, text_anchor="end"),
            ]
        return [*lines, tag("text", name, x=0, y=TOP - 9, class_="title")]

    def draw(self, body: Sequence[Markup], title: str) -> Markup:
        return svg(body, title, WIDTH, HEIGHT)


def _ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers that divide the range into about ``count`` parts."""
    rough = (high - low) / count
    if not rough > 0:
        return [low]
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [
        round(float(k * step), 10)
        for k in range(int(np.ceil(low / step)), int(np.floor(high / step + 1e-9)) + 1)
    ]


def svg(body: Sequence[Markup], title: str, width: int, height: int, kind: str = "") -> Markup:
    """A picture that a screen reader announces by its title."""
    inner = tag("title", title) + Markup("").join(body)
    return tag("svg", inner, viewBox=f"0 0 {width} {height}", role="img", class_=f"chart {kind}".strip())


def number(value: float) -> str:
    """A number as a table shows it."""
    return "–" if not np.isfinite(value) else f"{value:.4g}"


def tag(name: str, content: object = "", **attributes: object) -> Markup:
    """An element; its content and its attributes are escaped unless they are Markup already."""
    given = Markup("").join(
        Markup(' {}="{}"').format(
            key.rstrip("_").replace("_", "-"), f"{value:.2f}" if isinstance(value, float) else value
        )
        for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), given, content)


def anchor(direction: float) -> str:
    """The end of a text that stands at a place, for a text that goes on to the right (1), left (-1) or both (0)."""
    return "start" if direction > 0.3 else "end" if direction < -0.3 else "middle"
