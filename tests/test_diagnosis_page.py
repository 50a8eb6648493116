"""The report's page: what it shows is what report.json says, in a real browser."""

import json
import re

import numpy as np
import pytest
from browsing import complaints, needs_chromium, open_browser, open_page, requests_made
from diagnosis_cases import CLASSES, small_run
from PIL import Image

from metric_face import diagnose, write_report
from metric_face.errors import ArgumentError
from metric_face.projection import Projection

HOSTILE = "<script>alert(1)</script>"


def _colour(row):
    return ((row * 7) % 250, (row * 13) % 250, (row * 29) % 250)


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory):
    """A training with swapped genders, a class with a hostile name, and an image of its own colour for each row."""
    folder = tmp_path_factory.mktemp("faces")
    run = small_run(1, people=100)
    rng = np.random.default_rng(1)
    wrong = rng.random(600) < 0.05
    run["labels"]["gender"] = np.where(wrong, 1 - run["labels"]["gender"], run["labels"]["gender"])
    paths = []
    for row in range(len(wrong)):
        paths.append(folder / f"{row}.png")
        Image.new("RGB", (24, 24), _colour(row)).save(paths[-1])
    classes = CLASSES | {"gender": (HOSTILE, "female")}
    result = diagnose(**(run | {"classes": classes}), images=paths)
    assert any(f.id == "label_errors.wrong" for f in result.findings)
    return result


@pytest.fixture(scope="module")
def projection():
    rng = np.random.default_rng(0)
    return Projection(rng.normal(size=(600, 2)).astype(np.float32), 0, 15, 0.1)


@pytest.fixture(scope="module")
def written(diagnosed, projection, tmp_path_factory):
    return write_report(diagnosed, tmp_path_factory.mktemp("report"), projection=projection)


def _report(written):
    return json.loads((written.parent / "report.json").read_text("utf-8"))


def test_the_page_has_the_findings_answers_and_tables_of_the_json(written) -> None:
    html, report = written.read_text("utf-8"), _report(written)
    assert re.findall(r'data-finding="([^"]+)"', html) == [f["id"] for f in report["findings"]]
    values = [float(v) for v in re.findall(r'data-value="([^"]+)"', html)]
    assert values == [f["measure"]["value"] for f in report["findings"]]
    assert re.findall(r'data-hypothesis="([^"]+)"', html) == ["A", "B"]
    assert set(re.findall(r'data-table="([^"]+)"', html)) == {
        n for n, t in report["tables"].items() if t["rows"]
    }


def test_a_hostile_class_name_is_text(written) -> None:
    html = written.read_text("utf-8")
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "default-src 'none'" in html


def test_the_matrix_shows_the_numbers_of_the_table(written) -> None:
    html, table = written.read_text("utf-8"), _report(written)["tables"]["information.confusion.mask"]
    figure = html[html.index('id="matrix-1"') :]
    shown = re.findall(r">(\d\.\d\d)</", figure[: figure.index("</table>")])
    assert shown == [f"{value:.2f}" for row in table["rows"] for value in row[1:]]


def test_faces_can_be_left_out(diagnosed, projection, tmp_path) -> None:
    bare = write_report(diagnosed, tmp_path, faces=False, projection=projection, lang="ko")
    html = bare.read_text("utf-8")
    assert "mf-sheet-0" not in html
    assert 'lang="ko"' in html
    assert "무엇이 막고 있는가" in html


def test_an_unknown_language_writes_nothing(diagnosed, tmp_path) -> None:
    with pytest.raises(ArgumentError, match="lang must be one of en, ko"):
        write_report(diagnosed, tmp_path / "new", lang="xx")
    assert not (tmp_path / "new").exists()


def test_without_map_or_faces_of_any_kind_a_clean_run_has_a_page(projection, tmp_path) -> None:
    result = diagnose(**small_run(2, people=100), questions=["leak", "budget"])
    html = write_report(result, tmp_path, projection=projection).read_text("utf-8")
    assert "Nothing was found" in html


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def page(browser, written):
    open_page(browser, written)
    yield browser
    assert complaints(browser) == []
    assert requests_made(browser) == []


def _all(page, selector):
    return page.find_elements("css selector", selector)


def _wait(page, script, *arguments):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(page, 20).until(lambda b: b.execute_script(f"return {script}", *arguments))


def _pixel(page, canvas):
    return page.execute_script(
        "const c = arguments[0], ink = c.getContext('2d');"
        "return [...ink.getImageData(c.width / 2, c.height / 2, 1, 1).data].slice(0, 3)",
        canvas,
    )


@pytest.mark.browser
@needs_chromium
def test_evidence_faces_are_those_of_their_rows(page, written) -> None:
    finding = next(f for f in _report(written)["findings"] if f["id"] == "label_errors.wrong")
    box = _all(page, '[data-finding="label_errors.wrong"] [data-evidence$="evidence"]')[0]
    faces = box.find_elements("css selector", ".face")
    assert [int(face.get_attribute("data-point")) for face in faces] == finding["evidence"]
    _wait(page, "[...arguments[0].querySelectorAll('canvas')].every((c) => c.dataset.shown)", box)
    for face, row in zip(faces, finding["evidence"], strict=True):
        colour = _pixel(page, face.find_element("css selector", "canvas"))
        assert np.abs(np.array(colour) - _colour(row)).max() < 30


@pytest.mark.browser
@needs_chromium
def test_a_face_of_the_evidence_is_gathered_on_the_map(page) -> None:
    box = _all(page, '[data-evidence$="evidence"]')[0]
    face = box.find_element("css selector", ".face")
    page.execute_script("arguments[0].click()", face)
    assert page.execute_script("return metricFace.view.look.pinned") == int(face.get_attribute("data-point"))
    assert not page.execute_script("return document.querySelector('.selection').hidden")


@pytest.mark.browser
@needs_chromium
def test_every_chart_has_its_table_and_the_page_prints_with_them_open(page) -> None:
    assert page.execute_script("return document.querySelectorAll('svg.chart').length") > 5
    figures = "[...document.querySelectorAll('figure')].filter((f) => f.querySelector('svg.chart'))"
    assert page.execute_script(f"return {figures}.filter((f) => !f.querySelector('table')).length") == 0
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert page.execute_script("return document.querySelectorAll('details:not([open])').length") == 0


@pytest.mark.browser
@needs_chromium
def test_light_and_dark_both_have_ink_on_paper(page) -> None:
    def brightness(name):
        colour = page.execute_script(f"return getComputedStyle(document.body).{name}")
        return sum(int(v) for v in re.findall(r"\d+", colour)[:3]) / 3

    gaps = []
    for _ in range(2):
        gaps.append(brightness("color") - brightness("backgroundColor"))
        page.find_element("css selector", ".theme").click()
    assert min(gaps) < -120
    assert max(gaps) > 120
