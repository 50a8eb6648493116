"""Charts of a page as inline SVG, each with its table; they follow the page's theme and need no script.

The functions take arrays and compute nothing but places on the paper. Every text is escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

from metric_face.pages.languages import page_words
from metric_face.pages.svg import BOTTOM, HEIGHT, RIGHT, TOP, WIDTH, Paper, anchor, figure, number, svg, tag


@dataclass(frozen=True)
class Series:
    """A line of a chart: M values over the chart's ``at``, with an optional band.

    Attributes:
        name: as it is shown.
        values: (M,).
        low, high: (M,) the band, or None.
    """

    name: str
    values: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None


def histogram_chart(
    edges: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    names: tuple[str, str],
    *,
    title: str,
    caption: str = "",
    x_name: str | None = None,
    lang: str = "en",
) -> Markup:
    """Two densities (B,) over B + 1 ``edges``, and what they share."""
    words = page_words(lang)
    bounds, one, two = (np.asarray(array, dtype=float) for array in (edges, first, second))
    top = max(one.max(initial=0), two.max(initial=0)) or 1.0
    paper = Paper((bounds[0], bounds[-1]), (0, top * 1.1))
    steps = [paper.steps(bounds, density) for density in (one, two, np.minimum(one, two))]
    body = [
        tag("path", d=steps[0], class_="a area"),
        tag("path", d=steps[1], class_="b area"),
        tag("path", d=steps[2], class_="both"),
        tag("path", d=steps[0], class_="a"),
        tag("path", d=steps[1], class_="b"),
        *paper.x_axis(x_name or words["score"]),
        *_legend(names),
    ]
    rows = [
        [number(a), number(b), number(p), number(q)]
        for a, b, p, q in zip(bounds[:-1], bounds[1:], one, two, strict=True)
    ]
    return figure(
        title, paper.draw(body, title), caption, [words["from"], words["to"], *names], rows, lang=lang
    )


def line_chart(
    at: ArrayLike,
    series: Sequence[Series],
    *,
    title: str,
    caption: str = "",
    x_name: str,
    y_name: str,
    cuts: Sequence[float] = (),
    noise: float | None = None,
    y_range: tuple[float, float] | None = None,
    lang: str = "en",
) -> Markup:
    """One or two lines over ``at`` (M,): a boundary curve with its cuts, or kappa with its band of noise.

    Args:
        cuts: places of upright dashed lines.
        noise: half the height of a gray band around 0.
        y_range: of the upright axis; by default from 0, or the lowest value, to the highest.
    """
    words = page_words(lang)
    places = np.asarray(at, dtype=float)
    ends = [*places, *cuts]  # a cut beside the values is drawn too
    paper = Paper((min(ends), max(ends)), y_range or _y_range(series))
    body: list[Markup] = []
    if noise is not None:
        body.append(paper.band(np.array(paper.x_range), [-noise] * 2, [noise] * 2, "noise"))
    body += [*paper.x_axis(x_name), *paper.y_axis(y_name)]
    heads, table = [x_name], [places]
    for name, line in zip("ab", series, strict=False):
        heads.append(line.name)
        table.append(np.asarray(line.values, dtype=float))
        if line.low is not None and line.high is not None:
            body.append(paper.band(places, line.low, line.high, f"{name} area"))
            heads += [f"{line.name}: {words['low']}", f"{line.name}: {words['high']}"]
            table += [np.asarray(line.low, dtype=float), np.asarray(line.high, dtype=float)]
        body.append(tag("path", d=paper.path(places, line.values), class_=name))
    for cut in cuts:
        x = paper.x(cut)
        side = 1 if x < WIDTH - 60 else -1  # its number stands where there is room
        body += [
            tag("line", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, class_="cut"),
            tag("text", f"{cut:g}", x=x + 4 * side, y=TOP + 11, class_="label-b", text_anchor=anchor(side)),
        ]
    if len(series) > 1:
        body += _legend([line.name for line in series])
    rows = [[number(value) for value in row] for row in zip(*table, strict=True)]
    return figure(title, paper.draw(body, title), caption, heads, rows, lang=lang)


def bar_chart(
    names: Sequence[str],
    values: ArrayLike,
    *,
    title: str,
    caption: str = "",
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    quiet: Sequence[int] = (),
    lang: str = "en",
) -> Markup:
    """Lying bars with their numbers, such as the rungs of a probe ladder.

    Args:
        low, high: (M,) intervals, or None.
        quiet: bars to draw in gray, such as a baseline.
    """
    words = page_words(lang)
    lengths = np.asarray(values, dtype=float)
    ends = lengths if high is None else np.asarray(high, dtype=float)
    scale = (WIDTH - 70) / max(float(np.nanmax(ends, initial=0)), 1e-9)
    body = []
    for place, (name, value) in enumerate(zip(names, lengths, strict=True)):
        y = 4 + 42 * place
        body += [
            tag("text", name, x=0, y=y + 12, class_="title"),
            tag(
                "rect",
                x=0,
                y=y + 18,
                width=max(value * scale, 0),
                height=16,
                rx=3,
                class_="bar quiet" if place in quiet else "bar",
            ),
        ]
        if low is not None and high is not None:
            a, b = (float(np.asarray(end)[place]) * scale for end in (low, high))
            body.append(tag("line", x1=a, x2=b, y1=y + 26, y2=y + 26, class_="whisker"))
        body.append(tag("text", number(value), x=6 + max(ends[place] * scale, 0), y=y + 31, class_="strong"))
    heads, table = ["", words["value"]], [list(names), [number(value) for value in lengths]]
    if low is not None and high is not None:
        heads += [words["low"], words["high"]]
        table += [[number(value) for value in np.asarray(end, dtype=float)] for end in (low, high)]
    drawn = svg(body, title, WIDTH, 8 + 42 * len(names))
    return figure(title, drawn, caption, heads, list(zip(*table, strict=True)), lang=lang)


def _y_range(series: Sequence[Series]) -> tuple[float, float]:
    ends = [
        np.asarray(part, dtype=float)
        for line in series
        for part in (line.values, line.low, line.high)
        if part is not None
    ]
    known = np.concatenate([end[np.isfinite(end)] for end in ends])
    low, high = min(0.0, known.min(initial=0)), known.max(initial=0)
    return float(low), float(high * 1.08 if high > low else low + 1)


def _legend(names: Sequence[str]) -> list[Markup]:
    return [
        tag(
            "text",
            name,
            x=WIDTH - RIGHT,
            y=13 + 16 * place,
            text_anchor="end",
            class_=f"label-{side}",
        )
        for place, (side, name) in enumerate(zip("ab", names, strict=False))
    ]
