"""The report's page in a real browser: what a reader points at, encloses or clicks is what is shown."""

import json
import re
from itertools import pairwise

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
from diagnosis_cases import COLUMNS, HOSTILE, color_of, faulty_faces, grid

from metric_face import write_report

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory):
    return faulty_faces(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="module")
def written(diagnosed, tmp_path_factory):
    return write_report(diagnosed, tmp_path_factory.mktemp("report"), projection=grid())


browser = module_browser()


@pytest.fixture
def page(browser, written):
    open_page(browser, written)
    _choose(browser, ".panels", "-1")
    yield browser
    assert complaints(browser) == []
    assert requests_made(browser) == []


def _all(page, selector):
    return page.find_elements("css selector", selector)


def _settle(page):
    page.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def _choose(page, selector, value):
    """Set a select box of the map."""
    page.execute_script(
        "const box = document.querySelector(arguments[0]); box.value = arguments[1];"
        "box.dispatchEvent(new Event('change'));",
        selector,
        value,
    )
    _settle(page)


def _stage(page):
    stage = _all(page, ".stage")[0]
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", stage)
    return stage


def _hover(page, point):
    actions(page).move_to_element_with_offset(_stage(page), *offset_of(page, point)).perform()


def _pixel(page, canvas):
    return page.execute_script(
        "const c = arguments[0], ink = c.getContext('2d');"
        "return [...ink.getImageData(c.width / 2, c.height / 2, 1, 1).data].slice(0, 3)",
        canvas,
    )


def _shows(page, canvas, row):
    return np.abs(np.subtract(_pixel(page, canvas), color_of(row))).max() < 30


@pytest.mark.parametrize("point", [0, 311, 599])
def test_hover_shows_the_image_of_the_point_and_its_class_as_text(page, diagnosed, point) -> None:
    _hover(page, point)
    wait_until(page, "document.querySelector('.card canvas').dataset.shown === String(arguments[0])", point)
    assert _shows(page, _all(page, ".card canvas")[0], point)
    assert f"{point}.png" in _all(page, ".card")[0].text
    gender = diagnosed.context.classes["gender"][diagnosed.context.labels["gender"][point]]
    assert gender in _all(page, ".card .facts")[0].text


def test_a_hostile_class_name_runs_nothing(page) -> None:
    assert HOSTILE in _all(page, "body")[0].get_attribute("textContent")
    assert len(_all(page, "script:not([type])")) == 1


def test_lasso_gathers_the_points_inside_it_and_no_other(page) -> None:
    _stage(page)
    _all(page, ".lasso")[0].click()
    columns, rows = range(12, 18), range(8, 12)
    at = [(rows[0], columns[0]), (rows[0], columns[-1]), (rows[-1], columns[-1]), (rows[-1], columns[0])]
    corners = np.array([offset_of(page, row * COLUMNS + column) for row, column in at])
    middle = corners.mean(axis=0)
    corners = np.round(middle + (corners - middle) * 1.12).astype(int).tolist()
    steps = actions(page).move_to_element_with_offset(_all(page, ".stage")[0], *corners[0]).click_and_hold()
    for before, after in pairwise(corners):
        steps = steps.move_by_offset(after[0] - before[0], after[1] - before[1])
    steps.release().perform()
    wait_until(page, "metricFace.view.look.selected !== null")
    expected = [row * COLUMNS + column for row in rows for column in columns]
    assert page.execute_script("return [...metricFace.view.look.selected]") == expected
    faces = _all(page, ".selection .thumbnail")
    assert [int(face.get_attribute("data-point")) for face in faces] == expected[: len(faces)]


def test_a_cell_of_the_overlap_matrix_opens_its_faces(page, diagnosed) -> None:
    figure = _all(page, "#matrix-1")[0]  # 0 is the joint class, 1 the mask
    button = figure.find_element("css selector", 'button[data-cell="0,1"]')
    page.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].click()", button)
    faces = figure.find_elements("css selector", ".cell-thumbnails .thumbnail")
    rows = [int(face.get_attribute("data-point")) for face in faces]
    masks, judged = diagnosed.context.labels["mask"], diagnosed.context.evaluated
    assert rows
    assert set(masks[rows]) == {0}
    assert np.isin(rows, judged).all()
    near = diagnosed.context.graph.ids[rows]
    assert (masks[near] == 1).any(axis=1).all()
    wait_until(
        page,
        "[...arguments[0].querySelectorAll('.cell-thumbnails canvas')].every((c) => c.dataset.shown)",
        figure,
    )
    assert _shows(page, faces[0].find_element("css selector", "canvas"), rows[0])


def test_color_by_repaints_the_points(page) -> None:
    names = page.execute_script("return [...document.querySelector('.color').options].map((o) => o.text)")
    assert {"mask", "gender", "age"} <= set(names)
    assert any("purity" in name for name in names)
    assert any("distortion" in name for name in names)
    seen = set()
    for name in ("mask", "gender"):
        value = page.execute_script(
            "return [...document.querySelector('.color').options].find((o) => o.text === arguments[0]).value",
            name,
        )
        _choose(page, ".color", value)
        assert page.execute_script("return metricFace.view.look.column.name") == name
        seen.add(page.execute_script("return document.querySelector('.stage canvas').toDataURL()"))
    assert len(seen) == 2


def test_everything_that_can_be_clicked_is_reached_by_tab(page) -> None:
    unreached = page.execute_script(
        "return [...document.querySelectorAll('button, select, input, summary, a[href], .stage, .thumbnail')]"
        ".filter((e) => e.offsetParent && !e.disabled && e.tabIndex < 0 && !e.closest('[tabindex]'))"
        ".map((e) => e.outerHTML.slice(0, 90))"
    )
    assert unreached == []
    nameless = page.execute_script(
        "return [...document.querySelectorAll('button, select, input')].filter((e) => e.offsetParent"
        " && !(e.textContent.trim() || e.ariaLabel || e.title || (e.labels && e.labels.length)))"
        ".map((e) => e.outerHTML.slice(0, 90))"
    )
    assert nameless == []


def test_a_cell_and_a_table_open_by_the_keyboard(page) -> None:
    from selenium.webdriver.common.keys import Keys

    button = _all(page, '#matrix-1 button[data-cell="0,1"]')[0]
    page.execute_script("arguments[0].focus()", button)
    actions(page).send_keys(Keys.ENTER).perform()
    assert button.get_attribute("aria-pressed") == "true"
    assert _all(page, "#matrix-1 .cell-thumbnails .thumbnail")
    summary = _all(page, "details[data-table] summary")[0]
    page.execute_script("arguments[0].focus()", summary)
    actions(page).send_keys(Keys.ENTER).perform()
    assert page.execute_script("return arguments[0].parentElement.open", summary)


def test_evidence_faces_are_those_of_their_rows(page, written) -> None:
    report = json.loads((written.parent / "report.json").read_text("utf-8"))
    finding = next(f for f in report["findings"] if f["id"] == "label_errors.wrong")
    box = _all(page, '[data-finding="label_errors.wrong"] [data-evidence$="evidence"]')[0]
    faces = box.find_elements("css selector", ".thumbnail")
    assert [int(face.get_attribute("data-point")) for face in faces] == finding["evidence"]
    wait_until(page, "[...arguments[0].querySelectorAll('canvas')].every((c) => c.dataset.shown)", box)
    for face, row in zip(faces, finding["evidence"], strict=True):
        assert _shows(page, face.find_element("css selector", "canvas"), row)


def test_a_thumbnail_of_the_evidence_is_selected_on_the_map(page) -> None:
    box = _all(page, '[data-evidence$="evidence"]')[0]
    face = box.find_element("css selector", ".thumbnail")
    page.execute_script("arguments[0].click()", face)
    assert page.execute_script("return metricFace.view.look.pinned") == int(face.get_attribute("data-point"))
    assert not page.execute_script("return document.querySelector('.selection').hidden")


def test_every_chart_has_its_table_and_the_page_prints_with_them_open(page) -> None:
    assert page.execute_script("return document.querySelectorAll('svg.chart').length") > 5
    figures = "[...document.querySelectorAll('figure')].filter((f) => f.querySelector('svg.chart'))"
    assert page.execute_script(f"return {figures}.filter((f) => !f.querySelector('table')).length") == 0
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert page.execute_script("return document.querySelectorAll('details:not([open])').length") == 0


def test_light_and_dark_both_have_ink_on_paper(page) -> None:
    def brightness(name):
        color = page.execute_script(f"return getComputedStyle(document.body).{name}")
        return sum(int(v) for v in re.findall(r"\d+", color)[:3]) / 3

    gaps = []
    for _ in range(2):
        gaps.append(brightness("color") - brightness("backgroundColor"))
        page.find_element("css selector", ".theme").click()
    assert min(gaps) < -120
    assert max(gaps) > 120


@pytest.mark.parametrize("width", [360, 768])
def test_a_narrow_page_does_not_scroll_sideways(page, width) -> None:
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True},
    )
    try:
        wide = page.execute_script(
            "return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right >"
            " innerWidth + 1 && !e.closest('.scroll, svg, .stage, .card')).map((e) => e.outerHTML.slice(0, 80))"
        )
        assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth"), wide
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_report_fits_a_phone_a_tablet_and_a_desk(browser, diagnosed, tmp_path, lang) -> None:
    open_page(browser, write_report(diagnosed, tmp_path, projection=grid(), lang=lang))
    browser.execute_script("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
    assert len(list(in_sizes(browser))) == 6
    assert complaints(browser) == []


def test_the_images_of_a_chosen_cell_come_into_sight(page) -> None:
    cell = _all(page, "#matrix-0 button[data-cell]")[-1]
    page.execute_script("window.scrollTo(0, 0); arguments[0].scrollIntoView({block: 'end'})", cell)
    page.execute_script("arguments[0].click()", cell)
    shown = (
        "const box = document.querySelector('#matrix-0 .cell-thumbnails').getBoundingClientRect();"
        "return box.top >= -1 && box.top < innerHeight"
    )
    assert page.execute_script(shown)


def test_without_faces_the_page_works_and_holds_no_image(browser, diagnosed, tmp_path) -> None:
    open_page(browser, write_report(diagnosed, tmp_path, thumbnails=False, projection=grid()))
    _choose(browser, ".panels", "-1")
    _hover(browser, 311)
    wait_until(browser, "!document.querySelector('.card').hidden")
    assert "311" in _all(browser, ".card")[0].text
    assert browser.execute_script("return document.images.length") == 0
    assert (
        browser.execute_script("return document.querySelectorAll('.thumbnail canvas, [data-shown]').length")
        == 0
    )
    assert complaints(browser) == []
    assert requests_made(browser) == []
