"""Every page at the widths of a phone, a tablet and a desk, light and dark, with no, few and many classes."""

import numpy as np
import pytest
from browsing import (
    complaints,
    in_sizes,
    module_browser,
    needs_chromium,
    open_page,
    requests_made,
    wait_until,
)
from map_cases import OVERLAPS, label_columns

from metric_face.pages import (
    Series,
    arrows_chart,
    bar_chart,
    histogram_chart,
    line_chart,
)
from metric_face.visualization.map_page import write_map
from metric_face.visualization.projection import Projection

pytestmark = [pytest.mark.browser, needs_chromium]

N = 400


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A map of each number of classes, the one of 7 with a chart of each kind."""
    folder, made = tmp_path_factory.mktemp("sizes"), {}
    for count in (0, 1, 2, 7, 18, 100, 500):
        rng = np.random.default_rng(count)
        codes = np.arange(N) % max(count, 1)
        means = 3 * rng.normal(size=(max(count, 1), 2))
        coords = (means[codes] + rng.normal(size=(N, 2))).astype(np.float32)
        near = np.square(coords[:, None] - coords[None]).sum(axis=2).argsort(axis=1)[:, 1:9]
        charts = []
        if count == 7:
            edges, shares = np.linspace(0, 1, 11), rng.random(10)
            charts = [
                histogram_chart(
                    edges, shares, shares[::-1], ("a long name of one", "another"), title="Shares"
                ),
                line_chart(
                    edges,
                    [Series("one", edges), Series("two", 1 - edges)],
                    title="Lines",
                    x_name="x",
                    y_name="y",
                    cuts=[0.0, 1.0, 2.0],
                ),
                bar_chart(["a bar with a name that is far too long for it", "b"], [1.0, 0.5], title="Bars"),
                arrows_chart(-0.5, (1.0, 0.5), ("metric loss", "head"), title="Arrows"),
            ]
        made[count] = write_map(
            folder / f"{count}.html",
            Projection(coords, 0, 3, 0.1),
            label_columns(count, codes),
            neighbors=near,
            charts=charts,
        )
    return made


browser = module_browser()


@pytest.mark.parametrize("count", [0, 1, 2, 7, 18, 100, 500])
def test_nothing_overflows_collides_or_is_too_small_to_read(browser, written, count):
    open_page(browser, written[count])
    for _ in in_sizes(browser):
        assert browser.execute_script(OVERLAPS) == []
        drawn = browser.execute_script("return metricFace.view.look.placed.length")
        assert drawn >= {0: 0, 1: 0, 2: 2, 7: 4, 18: 6}.get(count, 3)
    assert complaints(browser) == []
    assert requests_made(browser) == []


def test_of_many_classes_those_chosen_have_colors_instead(browser, written):
    open_page(browser, written[100])
    names = "return [...document.querySelectorAll('.class .name')].map((name) => name.textContent)"
    look = "metricFace.view.look"
    leading = browser.execute_script(f"return {look}.column.leading")
    classes = browser.execute_script(f"return {look}.column.classes")
    assert browser.execute_script(names)[:7] == [classes[code] for code in leading]
    assert classes[:3] == ["class 0", "class 1", "class 2"]
    vivid = f"return {look}.column.values.reduce((count, _, i) => count + {look}.vivid(i), 0)"
    assert browser.execute_script(vivid) == 7 * 4
    browser.execute_script("document.querySelectorAll('.class')[9].click()")
    wait_until(browser, f"{look}.focus.length === 1")
    assert browser.execute_script(vivid) == 4


def test_names_and_links_can_be_taken_away(browser, written):
    open_page(browser, written[7])
    painted = (
        "const c = document.querySelectorAll('.stage canvas')[1];"
        "return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((value) => value)"
    )
    wait_until(browser, "metricFace.view.look.placed.length > 0")
    assert browser.execute_script(painted)
    browser.execute_script("document.querySelector('.show-names').click()")
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    assert not browser.execute_script(painted)
