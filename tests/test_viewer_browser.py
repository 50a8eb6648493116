"""The page in a real browser: what a reader points at is what is shown."""

from itertools import pairwise

import numpy as np
import pytest
from browsing import (
    actions,
    complaints,
    module_browser,
    needs_chromium,
    offset_of,
    open_page,
    requests_made,
    wait_until,
)
from PIL import Image

from metric_face.pages.columns import Column
from metric_face.visualization.faithfulness import measure_faithfulness
from metric_face.visualization.map_page import write_map
from metric_face.visualization.matrices import MatrixChart
from metric_face.visualization.projection import Projection

pytestmark = [pytest.mark.browser, needs_chromium]

ROWS, COLS = 6, 8
N = ROWS * COLS
CELL = np.array([3, 11, 20])


def _color(row):
    return (row * 5, 250 - row * 5, 90 + (row % 3) * 70)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A map whose points stand in rows and columns, each with an image of one color of its own."""
    folder = tmp_path_factory.mktemp("page")
    images = []
    for row in range(N):
        images.append(folder / f"{row:02d}.png")
        Image.new("RGB", (32, 32), _color(row)).save(images[-1])
    rng = np.random.default_rng(0)
    place = np.arange(N)
    coords = np.stack([place % COLS, place // COLS], axis=1).astype(np.float32)
    columns = [
        Column("side", (place % COLS >= COLS // 2).astype(np.int64), ("left", "<script>alert(1)</script>")),
        Column("row", place // COLS, tuple(f"row {k}" for k in range(ROWS)), ordered=True),
    ]
    ids = (place[:, None] + np.arange(1, 4)) % N
    write_map(
        folder / "map.html",
        Projection(coords, 0, 3, 0.1),
        columns,
        images=images,
        neighbors=ids,
        faithfulness={"side": measure_faithfulness(coords, ids, columns[0].values, rng.normal(size=(N, 5)))},
        matrices=[MatrixChart("pairs", "Pairs", columns[0].classes, np.full((2, 2), 0.5), {(0, 1): CELL})],
    )
    return folder / "map.html"


browser = module_browser()


@pytest.fixture
def page(browser, written):
    open_page(browser, written)
    browser.execute_script(
        "const p = document.querySelector('.panels'); p.value = '-1'; p.dispatchEvent(new Event('change'));"
    )
    _settle(browser)
    yield browser
    assert complaints(browser) == []
    assert requests_made(browser) == []


def _settle(browser):
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def _find(browser, selector):
    from selenium.webdriver.common.by import By

    return browser.find_elements(By.CSS_SELECTOR, selector)


def _hover(browser, point):
    stage = _find(browser, ".stage")[0]
    actions(browser).move_to_element_with_offset(stage, *offset_of(browser, point)).perform()


def _pixel(browser, canvas_selector):
    return browser.execute_script(
        "const c = document.querySelector(arguments[0]);"
        "return [...c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data].slice(0, 3)",
        canvas_selector,
    )


@pytest.mark.parametrize("point", [0, 7, 29, N - 1])
def test_hover_shows_the_image_of_the_point_itself(page, point):
    _hover(page, point)
    wait_until(page, "document.querySelector('.card canvas').dataset.shown === String(arguments[0])", point)
    assert np.abs(np.subtract(_pixel(page, ".card canvas"), _color(point))).max() < 24
    assert _find(page, ".card .path")[0].text == f"{point:02d}.png"


def test_the_card_tells_the_class_and_a_hostile_one_is_text(page):
    _hover(page, 7)
    assert "<script>alert(1)</script>" in _find(page, ".card .facts")[0].text
    assert len(_find(page, "script:not([type])")) == 1


def test_the_card_goes_when_the_pointer_leaves(page):
    _hover(page, 7)
    wait_until(page, "!document.querySelector('.card').hidden")
    actions(page).move_to_element(_find(page, "h1")[0]).perform()
    wait_until(page, "document.querySelector('.card').hidden")


def test_lasso_gathers_the_points_inside_it_and_no_other(page):
    _find(page, ".lasso")[0].click()
    stage = _find(page, ".stage")[0]
    corners = [offset_of(page, point) for point in (9, 12, 28, 25)]  # columns 1-4 of rows 1-3
    middle = np.mean(corners, axis=0)
    corners = [tuple(np.round(middle + (np.array(c) - middle) * 1.25).astype(int).tolist()) for c in corners]
    steps = actions(page).move_to_element_with_offset(stage, *corners[0]).click_and_hold()
    for before, after in pairwise(corners):
        steps = steps.move_by_offset(after[0] - before[0], after[1] - before[1])
    steps.release().perform()
    expected = [row * COLS + col for row in (1, 2, 3) for col in (1, 2, 3, 4)]
    wait_until(page, "metricFace.view.look.selected !== null")
    assert page.execute_script("return [...metricFace.view.look.selected]") == expected
    assert _find(page, ".selection h2")[0].text == "12 selected"
    shown = [int(face.get_attribute("data-point")) for face in _find(page, ".selection .thumbnail")]
    assert shown == expected
    # The table beside it: 3 of 4 columns lie on the left side... counted by the class that colors the map.
    assert "row 1 4 33 % 17 %" in _find(page, ".composition")[0].text


def test_color_by_changes_the_color_of_the_points(page):
    x, y = page.execute_script("return metricFace.view.map.screen(0)")
    read = (
        "const c = document.querySelector('.stage canvas'), r = c.width / c.getBoundingClientRect().width;"
        "const [x, y] = [...arguments].map((place) => Math.round(place * r));"
        "return [...c.getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3)"
    )
    seen = {}
    for index, name in enumerate(["side", "row", "purity · side"]):
        page.execute_script(
            "const s = document.querySelector('.color'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
            str(index),
        )
        _settle(page)
        seen[name] = page.execute_script(read, x, y)
        column = page.execute_script(
            "const c = metricFace.view.look.column; return [c.name, c.colors.light, c.values[0]]"
        )
        assert column[0] == name
        if name != "purity · side":
            shade = column[1][column[2]]
            paper = np.array([255, 255, 255])
            wanted = paper + 0.85 * (np.array([int(shade[k : k + 2], 16) for k in (1, 3, 5)]) - paper)
            assert np.abs(wanted - seen[name]).max() < 6
    assert len({tuple(color) for color in seen.values()}) == 3


def test_a_matrix_cell_shows_its_faces_and_gathers_them_on_the_map(page):
    button = _find(page, 'button[data-cell="0,1"]')[0]
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    shown = [int(face.get_attribute("data-point")) for face in _find(page, ".cell-thumbnails .thumbnail")]
    assert shown == CELL.tolist()
    wait_until(
        page,
        "[...document.querySelectorAll('.cell-thumbnails canvas')].every((c) => c.dataset.shown === c.dataset.point)",
    )
    assert (
        np.abs(
            np.subtract(_pixel(page, ".cell-thumbnails .thumbnail:nth-child(2) canvas"), _color(CELL[1]))
        ).max()
        < 24
    )
    assert page.execute_script("return [...metricFace.view.look.selected]") == CELL.tolist()
    assert button.get_attribute("aria-pressed") == "true"


def test_a_click_keeps_a_point_and_shows_its_neighbors_in_the_embedding(page):
    _hover(page, 10)
    actions(page).click().perform()
    wait_until(page, "!document.querySelector('.selection').hidden")
    assert [int(f.get_attribute("data-point")) for f in _find(page, ".selection .thumbnail")] == [
        10,
        11,
        12,
        13,
    ]


def test_a_legend_class_brings_its_points_to_the_front(page):
    _find(page, ".class")[2].click()
    _settle(page)
    assert page.execute_script("return [15, 16, 23, 24].map(metricFace.view.look.front)") == [
        False,
        True,
        True,
        False,
    ]
    _hover(page, 3)
    assert page.execute_script("return metricFace.view.look.hovered") == -1  # not to be picked from behind


def test_panels_part_the_map_and_points_are_found_in_their_own(page):
    page.execute_script(
        "const p = document.querySelector('.panels'); p.value = '0'; p.dispatchEvent(new Event('change'));"
    )
    _settle(page)
    xs = page.execute_script("return [0, 7].map((i) => metricFace.view.map.screen(i)[0])")
    width = page.execute_script("return document.querySelector('.stage').getBoundingClientRect().width")
    height = page.execute_script("return document.querySelector('.stage').getBoundingClientRect().height")
    ys = page.execute_script("return [0, 7].map((i) => metricFace.view.map.screen(i)[1])")
    assert (xs[0] < width / 2 < xs[1]) or (ys[0] < height / 2 < ys[1])
    _hover(page, 7)
    assert page.execute_script("return metricFace.view.look.hovered") == 7


def test_the_map_can_be_used_by_keyboard_alone(page):
    from selenium.webdriver.common.keys import Keys

    stage = _find(page, ".stage")[0]
    page.execute_script("arguments[0].focus()", stage)
    before = page.execute_script("return metricFace.view.map.screen(0)")
    actions(page).send_keys("+", Keys.ARROW_RIGHT).perform()
    assert page.execute_script("return metricFace.view.map.view.zoom") == pytest.approx(1.4)
    actions(page).send_keys("0").perform()
    assert page.execute_script("return metricFace.view.map.screen(0)") == before
    actions(page).send_keys("0", ".").perform()
    first = page.execute_script("return metricFace.view.look.hovered")
    assert first >= 0
    assert f"{first:02d}.png" in page.execute_script("return document.querySelector('.spoken').textContent")
    actions(page).send_keys(Keys.ENTER).perform()
    assert page.execute_script("return metricFace.view.look.pinned") == first
    actions(page).send_keys(Keys.ESCAPE, "s").perform()
    assert page.execute_script("return metricFace.view.look.selected.size") == N


def test_wheel_zooms_about_the_pointer(page):
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    _hover(page, 20)
    before = page.execute_script("return metricFace.view.map.screen(20)")
    stage = _find(page, ".stage")[0]
    actions(page).scroll_from_origin(
        ScrollOrigin.from_element(stage, *offset_of(page, 20)), 0, -300
    ).perform()
    _settle(page)
    after = page.execute_script("return metricFace.view.map.screen(20)")
    assert page.execute_script("return metricFace.view.map.view.zoom") > 1.2
    assert np.abs(np.subtract(before, after)).max() < 2


def test_light_and_dark_repaint_the_map(page):
    corner = (
        "return [...document.querySelector('.stage canvas').getContext('2d').getImageData(2, 2, 1, 1).data]"
    )
    light = page.execute_script(corner)
    _find(page, ".theme")[0].click()
    _settle(page)
    dark = page.execute_script(corner)
    assert sum(light[:3]) > 700
    assert sum(dark[:3]) < 120


def test_tables_open_for_printing(page):
    closed = "return document.querySelectorAll('details:not([open])').length"
    assert page.execute_script(closed) > 0
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert page.execute_script(closed) == 0
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert page.execute_script(closed) > 0


def test_thumbnails_on_the_map_are_drawn_where_their_points_are(page):
    _find(page, ".show-thumbnails")[0].click()
    _find(page, ".show-names")[0].click()  # names are written over images
    wait_until(page, "metricFace.thumbnails.sheet(0).image !== null")
    _settle(page)
    _settle(page)
    read = (
        "const c = document.querySelectorAll('.stage canvas')[1], r = c.width / c.getBoundingClientRect().width;"
        "const [x, y] = metricFace.view.map.screen(arguments[0]);"
        "return [...c.getContext('2d').getImageData(Math.round(x * r), Math.round(y * r), 1, 1).data]"
    )
    drawn = [point for point in range(N) if page.execute_script(read, point)[3] == 255]
    assert len(drawn) > N // 2
    for point in drawn[:10]:
        assert np.abs(np.subtract(page.execute_script(read, point)[:3], _color(point))).max() < 24
