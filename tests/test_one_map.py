"""The map of the report and the one of ``visualize`` are one map, with one warning; and what can be asked of it."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from metric_face import diagnose, visualize, write_report
from metric_face.cli.app import app
from metric_face.visualization import seen


def _block(page):
    return json.loads(re.search(r'id="mf-data">(.*?)</script>', page.read_text("utf-8"), re.S)[1])


def _warnings(page):
    return re.findall(r'class="banner" role="note">(.*?)<', page.read_text("utf-8"))


@pytest.fixture(scope="module")
def drawn(indexed, tmp_path_factory):
    return visualize(indexed, split="all", folder=tmp_path_factory.mktemp("map"), thumbnails=False)


def test_the_report_shows_the_map_of_visualize_with_its_numbers_and_its_warning(drawn, indexed, tmp_path):
    found = diagnose(indexed, questions=["overlap"])
    report = write_report(found, tmp_path, thumbnails=False)
    theirs, ours = _block(report), _block(drawn.page)
    for key in ("n", "x", "y", "width", "height"):
        assert theirs[key] == ours[key]
    assert _warnings(report) == _warnings(drawn.page)
    trust = r'class="trust">(.*?)</div>'
    assert re.findall(trust, report.read_text("utf-8")) == re.findall(trust, drawn.page.read_text("utf-8"))
    first, second = theirs["columns"][theirs["color"]], ours["columns"][ours["color"]]
    for key in ("name", "classes", "colors", "shapes", "links", "data", "centers"):
        assert first[key] == second[key], key


def test_the_ways_to_look_are_choices_of_the_page(drawn):
    block = _block(drawn.page)
    ways = [column["name"] for column in block["columns"] if column["group"] == "Ways to look"]
    assert {"split", "density · neighbors"} <= set(ways)
    assert any(name.startswith("purity of neighbors") for name in ways)
    assert any(name.startswith("mistakes") for name in ways)


def test_color_by_colors_the_page_and_the_picture_and_may_be_asked_again(indexed, tmp_path):
    words = [
        "visualize",
        str(indexed.folder),
        "--out",
        str(tmp_path),
        "--no-thumbnails",
        "--color-by",
        "density",
    ]
    for _ in range(2):  # the second call replaces what the first one wrote
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    block = _block(tmp_path / "map.html")
    assert block["columns"][block["color"]]["name"] == "density · neighbors"
    assert block["panels"] == -1
    assert np.isfinite(block["columns"][block["color"]]["range"]).all()


def test_three_dimensions_and_the_projector_are_asked_for_by_the_command(indexed, tmp_path):
    places = ["--out", str(tmp_path), "--projector", str(tmp_path / "tb")]
    words = ["visualize", str(indexed.folder), *places, "--dimensions", "3", "--no-thumbnails", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["page"] == str(tmp_path / "map3d.html")
    assert (tmp_path / "map3d.png").stat().st_size > 10_000
    block = _block(tmp_path / "map3d.html")
    assert {"x", "y", "z", "depth"} <= block.keys()
    assert block["panels"] == -1
    rows = (tmp_path / "tb" / "metadata.tsv").read_text("utf-8").splitlines()
    assert rows[0].split("\t")[:2] == ["path", "color"]
    assert len(rows) == block["n"] + 1
    assert "sprite" not in (tmp_path / "tb" / "projector_config.pbtxt").read_text()


@pytest.mark.parametrize(("lang", "times"), [("en", ["en"]), ("ko", ["en", "ko"])])
def test_the_columns_are_computed_once_for_each_language(indexed, tmp_path, monkeypatch, lang, times):
    asked, made = [], seen.ways_to_look

    def counted(*given, **named):
        asked.append(named["lang"])
        return made(*given, **named)

    monkeypatch.setattr(seen, "ways_to_look", counted)
    visualize(indexed, folder=tmp_path, color_by="density", lang=lang, thumbnails=False)
    assert asked == times
