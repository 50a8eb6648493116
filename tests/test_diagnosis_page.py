"""The report's page: what it shows is what report.json says."""

import json
import re

import pytest
from diagnosis_cases import HOSTILE, faulty_faces, grid, small_run

from metric_face import diagnose, write_report
from metric_face.errors import ArgumentError


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory):
    return faulty_faces(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="module")
def projection():
    return grid()


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
    bare = write_report(diagnosed, tmp_path, thumbnails=False, projection=projection, lang="ko")
    html = bare.read_text("utf-8")
    assert "mf-sheet-0" not in html
    assert not re.search(r"<img|UklGR|/9j/|iVBOR", html)  # as WebP, JPEG and PNG begin in base64
    assert 'lang="ko"' in html
    assert "무엇이 막고 있는가" in html


def test_an_unknown_language_writes_nothing(diagnosed, tmp_path) -> None:
    with pytest.raises(ArgumentError, match="lang must be one of en, ko"):
        write_report(diagnosed, tmp_path / "new", lang="xx")
    assert not (tmp_path / "new").exists()


def test_without_map_or_faces_of_any_kind_a_clean_run_has_a_page(projection, tmp_path) -> None:
    result = diagnose(**small_run(2, identities=100), questions=["leak", "budget"])
    html = write_report(result, tmp_path, projection=projection).read_text("utf-8")
    assert "Nothing was found" in html
