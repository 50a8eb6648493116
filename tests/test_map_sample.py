"""The map of a page shows a sample of very many images: every class in its share, and what the page refers to."""

import base64
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from diagnosis_cases import grid, small_run

from metric_face import diagnose, write_report
from metric_face.diagnosis.report import map_sample
from metric_face.diagnosis.report.map_sample import num_shown, sample_text, shown_images


def images(classes, seed: int = 0):
    return SimpleNamespace(num_images=len(classes), attributes=("a",), joint=np.asarray(classes), seed=seed)


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(map_sample, "MOST_POINTS", 100)


def test_all_images_are_points_where_a_page_can_hold_them(few) -> None:
    shown = shown_images(images(np.arange(100) % 7), [np.array([3])])
    np.testing.assert_array_equal(shown.rows, np.arange(100))
    assert not shown.is_sample
    assert sample_text(images(np.arange(100))) == ""


@pytest.mark.parametrize("seed", [0, 1])
def test_each_class_has_its_share_and_a_rare_one_an_image(few, seed: int) -> None:
    classes = np.random.default_rng(seed).permutation(np.repeat([0, 1, 2, 3], [6000, 3000, 999, 1]))
    shown = shown_images(images(classes, seed), [])
    assert len(shown.rows) == len(np.unique(shown.rows)) == 100 == num_shown(images(classes))
    assert (np.diff(shown.rows) > 0).all()
    counts = np.bincount(classes[shown.rows], minlength=4)
    assert (np.abs(counts - 1 - 96 * np.array([0.6, 0.3, 0.1, 0.0])) <= 1).all()  # one of each, and a share
    np.testing.assert_array_equal(shown.rows, shown_images(images(classes, seed), []).rows)
    assert not np.array_equal(shown.rows, shown_images(images(classes, seed + 7), []).rows)


def test_what_the_page_refers_to_is_a_point_and_keeps_its_order(few) -> None:
    needed = np.array([4321, 7, 7, 999])
    shown = shown_images(images(np.arange(5000) % 3), [needed, np.array([12])])
    np.testing.assert_array_equal(shown.rows[shown.places(needed)], needed)
    assert 12 in shown.rows
    left_out = int(np.setdiff1d(np.arange(5000), shown.rows)[0])
    assert shown.places(np.array([left_out])).size == 0
    assert shown.places(np.array([4999 + 1])).size == 0  # no such row


def test_more_than_the_page_can_hold_is_cut_the_most_important_first(few) -> None:
    shown = shown_images(images(np.zeros(5000, int)), [np.arange(50), np.arange(1000, 1400)])
    assert len(shown.rows) == 100
    assert set(range(50)) <= set(shown.rows.tolist())


def test_images_without_a_class_are_drawn_alike(few) -> None:
    context = images(np.zeros(1000, int))
    context.attributes = ()
    assert len(shown_images(context, []).rows) == 100


def test_a_page_says_that_it_shows_a_sample_and_its_galleries_show_the_images_of_the_findings(
    monkeypatch, tmp_path
) -> None:
    run = small_run(1, identities=100)
    wrong = np.random.default_rng(1).random(600) < 0.05
    run["labels"]["gender"] = np.where(wrong, 1 - run["labels"]["gender"], run["labels"]["gender"])
    result = diagnose(**run, questions=["label_errors"], images=[f"{row}.png" for row in range(600)])
    monkeypatch.setattr(map_sample, "MOST_POINTS", 500)
    page = write_report(result, tmp_path, projection=grid(), thumbnails=False)
    html, report = page.read_text("utf-8"), json.loads((tmp_path / "report.json").read_text("utf-8"))
    sentence = report["map"]["sentence"]
    assert sentence.startswith("The map shows 500 of 600 images: ")
    assert "drawn with seed 1" in sentence
    assert sentence in html
    assert report["map"]["images"] == 500
    assert report["images"] == 600
    block = json.loads(re.search(r'id="mf-data"[^>]*>(.*?)</script>', html, re.DOTALL).group(1))
    assert block["n"] == 500
    finding = next(f for f in result.findings if f.id == "label_errors.wrong")
    place = result.findings.index(finding) + 1
    paths = block["paths"]
    names = [paths["names"][name] for name in numbers(paths["name"])]
    for kind, rows in (("evidence", finding.evidence), ("controls", finding.controls)):
        shown = numbers(block["evidence"][f"f{place}-{kind}"])
        assert [names[point] for point in shown] == [f"{row}.png" for row in rows]
    cells = [numbers(points) for matrix in block["matrices"].values() for points in matrix.values()]
    assert cells
    assert max(int(points.max()) for points in cells if len(points)) < 500


def numbers(column):
    kinds = {"u8": np.uint8, "u16": np.uint16, "u32": np.uint32}
    return np.frombuffer(base64.b64decode(column["data"]), kinds[column["type"]])
