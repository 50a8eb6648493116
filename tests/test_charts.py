"""Charts: the path on the paper says what the arrays say, the table repeats it, and every text is a text."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from metric_face.pages.charts import Series, bar_chart, histogram_chart, line_chart
from metric_face.pages.gradient_arrows import arrows_chart
from metric_face.pages.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH

EVIL = '<script>alert("1")</script>'


def _parts(markup):
    figure = ElementTree.fromstring(str(markup))
    rows = [[cell.text for cell in row] for row in figure.iter("tr")]
    return figure, rows


def _points(path):
    return np.array([[float(x), float(y)] for x, y in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", path)])


def _path(figure, kind):
    return next(path.get("d") for path in figure.iter("path") if path.get("class") == kind)


def test_a_line_goes_through_its_values_and_breaks_at_a_gap():
    at, values = np.array([10.0, 20, 30, 40]), np.array([0.1, np.nan, 0.4, 0.2])
    figure, rows = _parts(
        line_chart(at, [Series("error", values)], title="t", x_name="age", y_name="error", y_range=(0, 0.5))
    )
    path = _path(figure, "a")
    assert path.count("M") == 2
    points = _points(path)
    np.testing.assert_allclose(
        points[:, 0], LEFT + (at[[0, 2, 3]] - 10) / 30 * (WIDTH - LEFT - RIGHT), atol=0.06
    )
    height = HEIGHT - TOP - BOTTOM
    np.testing.assert_allclose(points[:, 1], HEIGHT - BOTTOM - values[[0, 2, 3]] / 0.5 * height, atol=0.06)
    assert rows == [["age", "error"], ["10", "0.1"], ["20", "–"], ["30", "0.4"], ["40", "0.2"]]


def test_a_band_a_cut_and_the_noise_are_where_they_belong():
    figure, rows = _parts(
        line_chart(
            [0, 10],
            [Series("kappa", [-0.2, -0.4], [-0.3, -0.5], [-0.1, -0.3])],
            title="t",
            x_name="epoch",
            y_name="kappa",
            cuts=[5],
            noise=0.1,
            y_range=(-1, 1),
        )
    )
    band = _points(_path(figure, "a area"))
    assert len(band) == 4
    zero = HEIGHT - BOTTOM - 0.5 * (HEIGHT - TOP - BOTTOM)
    noise = _points(_path(figure, "noise"))[:, 1]
    assert noise.min() < zero < noise.max()
    assert band[:, 1].min() > zero  # all of the band lies below 0
    cut = next(line for line in figure.iter("line") if line.get("class") == "cut")
    assert float(cut.get("x1")) == pytest.approx((LEFT + WIDTH - RIGHT) / 2, abs=0.01)
    assert rows[0] == ["epoch", "kappa", "kappa: low", "kappa: high"]


def test_a_histogram_shows_both_densities_and_what_they_share():
    figure, rows = _parts(histogram_chart([0, 1, 2], [0.8, 0.2], [0.1, 0.9], ("old", "young"), title="t"))
    heights = {kind: HEIGHT - BOTTOM - _points(_path(figure, kind))[1:-1, 1] for kind in ("a", "b", "both")}
    np.testing.assert_allclose(heights["both"], np.minimum(heights["a"], heights["b"]), atol=0.06)
    assert heights["a"][0] / heights["a"][2] == pytest.approx(4, rel=0.01)
    assert rows[1] == ["0", "1", "0.8", "0.1"]


def test_bars_are_as_long_as_their_values():
    figure, rows = _parts(
        bar_chart(["majority", "linear"], [0.2, 0.8], title="t", quiet=[0], low=[0.1, 0.7], high=[0.3, 0.9])
    )
    bars = list(figure.iter("rect"))
    assert float(bars[1].get("width")) / float(bars[0].get("width")) == pytest.approx(4, rel=1e-3)
    assert [bar.get("class") for bar in bars] == ["bar quiet", "bar"]
    assert rows[2] == ["linear", "0.8", "0.7", "0.9"]


@pytest.mark.parametrize("kappa", [-1.0, -0.4, 0.0, 0.7, 1.0])
def test_the_angle_between_the_arrows_is_the_arc_cosine_of_kappa(kappa):
    figure, _ = _parts(arrows_chart(kappa, (2.0, 1.0), ("triplet", "head"), title="t"))
    arrows = [[float(line.get(key)) for key in ("x1", "y1", "x2", "y2")] for line in figure.iter("line")]
    one, two = (np.array([x2 - x1, y1 - y2]) for x1, y1, x2, y2 in arrows)
    assert one @ two / np.linalg.norm(one) / np.linalg.norm(two) == pytest.approx(kappa, abs=0.01)
    assert np.linalg.norm(one) / np.linalg.norm(two) == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize(
    "chart",
    [
        lambda: line_chart(
            [0, 1], [Series(EVIL, [0, 1])], title=EVIL, caption=EVIL, x_name=EVIL, y_name=EVIL
        ),
        lambda: bar_chart([EVIL], [1.0], title=EVIL),
        lambda: histogram_chart([0, 1], [1], [1], (EVIL, EVIL), title=EVIL),
        lambda: arrows_chart(0.1, (1, 1), (EVIL, EVIL), title=EVIL),
    ],
)
def test_hostile_names_are_text_and_no_style_is_inline(chart):
    html = str(chart())
    assert "<script" not in html
    assert EVIL in "".join(ElementTree.fromstring(html).itertext())
    assert " style=" not in html


def test_flat_and_empty_values_do_not_divide_by_zero():
    line_chart([1, 1], [Series("a", [0, 0])], title="t", x_name="x", y_name="y")
    line_chart([0, 1], [Series("a", [np.nan, np.nan])], title="t", x_name="x", y_name="y")
    histogram_chart([0, 1], [0], [0], ("a", "b"), title="t")
    bar_chart(["a"], [0.0], title="t")
    arrows_chart(0.0, (0.0, 0.0), ("a", "b"), title="t")


def test_the_words_follow_the_language():
    assert "표" in str(bar_chart(["a"], [1.0], title="t", lang="ko"))


def test_cuts_stand_within_the_frame_and_their_numbers_too():
    chart = line_chart(
        [20, 40, 50], [Series("e", [0.1, 0.2, 0.3])], title="t", x_name="age", y_name="e", cuts=[10, 30, 60]
    )
    lines = re.findall(r'<line x1="([\d.]+)"[^>]*class="cut"', str(chart))
    assert len(lines) == 3
    assert pytest.approx([float(lines[0]), float(lines[2])]) == [LEFT, WIDTH - RIGHT]
    numbers = re.findall(
        r'<text x="([\d.]+)" y="[\d.]+" class="label-b" text-anchor="(\w+)">(\d+)<', str(chart)
    )
    assert [(end, name) for _, end, name in numbers] == [("start", "10"), ("start", "30"), ("end", "60")]
    assert max(float(x) for x, _, _ in numbers) < WIDTH - RIGHT


def test_a_legend_stands_above_what_is_drawn():
    chart = histogram_chart([0, 1, 2], [1, 2], [2, 1], ("one", "two"), title="t")
    legend = [
        float(y)
        for y in re.findall(r'<text x="[\d.]+" y="([\d.]+)" text-anchor="end" class="label-', str(chart))
    ]
    drawn = [
        float(y)
        for path in re.findall(r' d="([^"]+)"', str(chart))
        for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path)
    ]
    assert len(legend) == 2
    assert max(legend) < min(drawn)
