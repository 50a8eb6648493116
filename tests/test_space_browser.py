"""The map in three dimensions in a real browser: it turns, and what a reader points at is what is shown."""

import numpy as np
import pytest
from browsing import complaints, in_sizes, module_browser, needs_chromium, open_page, requests_made

from metric_face.pages import Column
from metric_face.visualization.map_page import write_map
from metric_face.visualization.projection import Projection

pytestmark = [pytest.mark.browser, needs_chromium]

N = 60
MAP = "metricFace.view.map"
TURNED = """
const {x, y, z, width, height, depth} = metricFace.block, v = metricFace.view.map.view, out = [];
const box = document.querySelector('.stage'), r = Math.hypot(width, height, depth) / 2;
const s = v.zoom * (Math.min(box.clientWidth, box.clientHeight) - 32) / (2 * r);
for (let i = 0; i < x.length; i++) {
  const [a, b, c] = [x[i] - width / 2, y[i] - height / 2, z[i] - depth / 2];
  const away = Math.cos(v.yaw) * c - Math.sin(v.yaw) * a;
  out.push([box.clientWidth / 2 + s * (Math.cos(v.yaw) * a + Math.sin(v.yaw) * c),
            box.clientHeight / 2 + s * (Math.cos(v.pitch) * b - Math.sin(v.pitch) * away)]);
}
return out;
"""


browser = module_browser("--force-prefers-reduced-motion")


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    rng = np.random.default_rng(0)
    codes = np.arange(N) % 3
    coords = (4 * np.eye(3)[codes] + 0.3 * rng.normal(size=(N, 3))).astype(np.float32)
    column = Column("kind", codes, ("one", "<b>two</b>", "three"))
    path = tmp_path_factory.mktemp("space") / "map3d.html"
    write_map(path, Projection(coords, 0, 5, 0.1), [column])
    open_page(browser, path)
    return browser


def _settle(browser):
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def test_points_are_where_the_rotation_puts_them_and_are_picked_there(page):
    for drag in ((0, 0), (150, -60), (-400, 900)):
        page.execute_script(f"{MAP}.pan(...arguments)", *drag)
        _settle(page)
        wanted = np.array(page.execute_script(TURNED))
        places = np.array(
            [page.execute_script(f"return {MAP}.screen(arguments[0])", k) for k in range(0, N, 7)]
        )
        np.testing.assert_allclose(places, wanted[::7], atol=0.5)
        size = page.execute_script(
            "const b = document.querySelector('.stage'); return [b.clientWidth, b.clientHeight]"
        )
        assert (wanted > 0).all()
        assert (wanted < size).all()
        for k in range(0, N, 7):
            found = page.execute_script(f"return {MAP}.pick(...arguments)", *map(float, wanted[k]))
            assert np.linalg.norm(wanted[found] - wanted[k]) < 1
    page.execute_script(f"{MAP}.whole()")
    assert page.execute_script(f"return {MAP}.view.pitch") == pytest.approx(0.35)


def test_a_lasso_around_all_gathers_all(page):
    around = [[0, 0], [5000, 0], [5000, 5000], [0, 5000]]
    assert page.execute_script(f"return [...{MAP}.caught(arguments[0])]", around) == list(range(N))
    assert page.execute_script(f"return {MAP}.caught([[0, 0], [1, 0], [0, 1]]).length") == 0


def test_it_is_readable_in_each_size_and_asks_for_nothing(page):
    for _ in in_sizes(page):
        _settle(page)
        assert page.execute_script("return metricFace.view.look.placed.length") > 0
    assert page.execute_script("return document.querySelector('.panels').hidden")
    assert complaints(page) == []
    assert requests_made(page) == []
