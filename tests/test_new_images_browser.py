"""New images on a map, in a real browser: ringed, told of, readable in each size, flat and turning."""

from dataclasses import replace

import numpy as np
import pytest
from browsing import (
    actions,
    complaints,
    in_sizes,
    module_browser,
    needs_chromium,
    offset_of,
    open_page,
    requests_made,
    wait_until,
)
from map_cases import OVERLAPS, label_columns
from PIL import Image

from metric_face.pages import Column
from metric_face.visualization.map_page import write_map
from metric_face.visualization.new_images import padded
from metric_face.visualization.projection import Projection

pytestmark = [pytest.mark.browser, needs_chromium]

OLD, NEW = 300, 20
RINGED = """
const {x, n, firstNew} = metricFace.block, canvas = document.querySelectorAll(".stage canvas")[1];
const ratio = canvas.width / canvas.getBoundingClientRect().width;
const {data, width} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
const inked = (px, py) => data[4 * (Math.round(py) * width + Math.round(px)) + 3] > 60;
return Array.from({ length: n }, (_, i) => {
  const [px, py] = metricFace.view.map.screen(i).map((place) => place * ratio);
  for (let reach = 3; reach < 14; reach += 0.5) {
    const near = (angle) => [-0.7, 0, 0.7].some(
      (more) => inked(px + (reach + more) * Math.cos(angle), py + (reach + more) * Math.sin(angle)));
    if (Array.from({ length: 16 }, (_, k) => k * Math.PI / 8).every(near)) return true;
  }
  return false;
});
"""
"""Of each point, whether a closed circle is drawn around it."""
CONTRAST = """
const canvas = document.querySelectorAll(".stage canvas")[1];
const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
let ink = -1;
for (let k = 3; k < data.length; k += 4) if (data[k] > 250) { ink = k - 3; break; }
const paper = document.querySelector(".stage canvas").getContext("2d").getImageData(2, 2, 1, 1).data;
const light = (color) => [...color].slice(0, 3).map((value) => value / 255)
  .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
  .reduce((sum, value, k) => sum + value * [0.2126, 0.7152, 0.0722][k], 0);
const [dark, bright] = [light(data.slice(ink, ink + 3)), light(paper)].sort((a, b) => a - b);
return (bright + 0.05) / (dark + 0.05);
"""


def _written(path, coords, columns, far=(), **settings):
    """A page whose last ``NEW`` points are new, those of ``far`` far from all, as `visualize --onto` has it."""
    old, new = len(coords) - NEW, np.arange(NEW)
    codes = np.concatenate([np.zeros(old, np.int64), 1 + np.isin(new, far)])
    who = Column("new images", codes, ("on the map", "new", "new, far from all"), group="Ways to look")
    known = [padded(replace(one, values=one.values[:old]), NEW) for one in columns]
    return write_map(path, Projection(coords, 0, 3, 0.1, new=NEW), [*known, who], **settings)


browser = module_browser("--force-prefers-reduced-motion")


@pytest.mark.parametrize(
    ("count", "dimensions"), [(0, 2), (1, 2), (2, 2), (7, 2), (18, 2), (100, 2), (500, 2), (0, 3), (18, 3)]
)
def test_the_page_is_readable_in_each_size(browser, tmp_path, count, dimensions):
    rng = np.random.default_rng(count)
    codes = np.arange(OLD + NEW) % max(count, 1)
    means = 3 * rng.normal(size=(max(count, 1), dimensions))
    coords = (means[codes] + rng.normal(size=(OLD + NEW, dimensions))).astype(np.float32)
    near = np.square(coords[:, None] - coords[None, :OLD]).sum(axis=2).argsort(axis=1)[:, 1:9]
    page = _written(tmp_path / "map-new.html", coords, label_columns(count, codes), [0], neighbors=near)
    open_page(browser, page)
    assert f"Ringed: {NEW} new images" in browser.find_element("css selector", ".lead").text
    for width, theme in in_sizes(browser):
        assert browser.execute_script(OVERLAPS) == [], (width, theme)
        tall, wide = browser.execute_script(
            "const {height, width} = document.querySelector('.stage').getBoundingClientRect();"
            "return [height, width]"
        )
        assert dimensions == 2 or tall <= max(wide, 320) + 1  # a ball is as tall as wide
    assert complaints(browser) == []
    assert requests_made(browser) == []


@pytest.fixture(scope="module")
def spread(tmp_path_factory):
    """A flat and a turning map whose points stand apart, and of whose points the last are new."""
    folder, side = tmp_path_factory.mktemp("spread"), 8
    place = np.arange(side * side)
    flat = np.stack([place % side, place // side], axis=1).astype(np.float32)
    images = []
    for row in place:
        images.append(folder / f"{row:02d}.png")
        Image.new("RGB", (16, 16), (int(3 * row), 90, 120)).save(images[-1])
    column = Column("side", (place % side >= 4).astype(np.int64), ("left", "right"))
    turning = np.concatenate([flat, np.zeros((len(flat), 1), np.float32)], axis=1)
    return {
        2: _written(folder / "map-new.html", flat, [column], [NEW - 1], images=images),
        3: _written(folder / "map3d-new.html", turning, [column], images=images),
    }


@pytest.mark.parametrize("dimensions", [2, 3])
def test_each_new_point_has_a_ring_and_no_other_has(browser, spread, dimensions):
    open_page(browser, spread[dimensions])
    browser.execute_script("document.querySelector('.show-names').click()")
    for theme in ("light", "dark"):
        browser.execute_script(
            "document.documentElement.dataset.theme = arguments[0]; metricFace.view.theme()", theme
        )
        browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        assert browser.execute_script(RINGED) == [False] * (64 - NEW) + [True] * NEW
        assert browser.execute_script(CONTRAST) >= 4.5
    browser.execute_script(
        "document.querySelectorAll('.class')[0].click()"
    )  # the left: of those no new one is known
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    assert browser.execute_script(RINGED) == [False] * 64
    assert complaints(browser) == []


def test_the_card_says_who_is_new_and_who_is_far(browser, spread):
    open_page(browser, spread[2])
    for point, wanted in ((5, "on the map"), (50, "new"), (63, "new, far from all")):
        stage = browser.find_element("css selector", ".stage")
        actions(browser).move_to_element_with_offset(stage, *offset_of(browser, point)).perform()
        wait_until(browser, "metricFace.view.look.hovered === arguments[0]", point)
        facts = browser.find_element("css selector", ".card .facts").text.splitlines()
        assert facts.count(wanted) == 1 or f"new images {wanted}" in facts, facts
