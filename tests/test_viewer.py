"""The page holds the very numbers it was given, shows nothing it was not given, and runs nothing of the data."""

import io

import numpy as np
import pytest
from page_reading import PageText, assert_page_rules, unpack
from PIL import Image

from metric_face.errors import ArgumentError
from metric_face.pages.columns import Column
from metric_face.visualization.faithfulness import Faithfulness, measure_faithfulness
from metric_face.visualization.map_page import build_map, write_map
from metric_face.visualization.matrices import MatrixChart, confusion_chart
from metric_face.visualization.projection import Projection

N = 60
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    coords = rng.normal(size=(N, 2)).astype(np.float32) * [3, 1]
    return Projection(coords.astype(np.float32), seed=7, n_neighbors=15, min_dist=0.1)


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(1)
    return [
        Column("age", rng.integers(-1, 3, N), ("<30", "30-59", ">=60"), ordered=True),
        Column("mask", rng.integers(0, 3, N), ("wear", EVIL, "none")),
        Column("gender", rng.integers(0, 2, N), ("male", "female")),
        Column.of("score", np.where(np.arange(N) == 5, np.nan, rng.normal(size=N))),
        Column.of("identity", np.arange(N) // 2),
    ]


@pytest.fixture(scope="module")
def judged(points, columns):
    rng = np.random.default_rng(2)
    ids = rng.integers(0, N, (N, 5))
    return {"age": measure_faithfulness(points.coords, ids, columns[0].values, rng.normal(size=(N, 8)))}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    paths = []
    for row in range(N):
        path = folder / f"identity{row // 2}" / f"{row}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (40, 60), (row * 4, 255 - row * 4, 128)).save(path)
        paths.append(path)
    return paths


@pytest.fixture(scope="module")
def page(points, columns, judged, images, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "map.html"
    ids = np.random.default_rng(3).integers(-1, N, (N, 5))
    write_map(
        path,
        points,
        columns,
        title=f"Map {EVIL}",
        images=images,
        faithfulness=judged,
        neighbors=ids,
        matrices=[confusion_chart(ids, columns[1], id="confusion")],
    )
    return assert_page_rules(path.read_text(encoding="utf-8"))


def test_class_codes_and_values_come_back_exactly(page, columns):
    for column in columns:
        packed = page.column(column.name)
        raw = unpack(packed["data"])
        if column.classes is None:
            np.testing.assert_array_equal(raw, column.values)
        else:
            unknown = np.iinfo(raw.dtype).max
            np.testing.assert_array_equal(np.where(raw == unknown, -1, raw.astype(int)), column.values)
            assert packed["classes"] == list(column.classes)


def test_measures_are_columns_with_the_measured_numbers(page, judged):
    np.testing.assert_array_equal(unpack(page.column("purity · age")["data"]), judged["age"].purity_D)
    np.testing.assert_array_equal(unpack(page.column("distortion · age")["data"]), judged["age"].distortion)
    mismatch = unpack(page.column("mismatch · age")["data"])
    known = np.isfinite(judged["age"].purity_D)
    np.testing.assert_array_equal(mismatch[known], judged["age"].mismatch[known])
    assert np.isnan(mismatch[~known]).all()


def test_the_places_keep_their_shape_and_the_screen_counts_downwards(page, points):
    x, y = (unpack(page.block[axis]) / 65535 for axis in "xy")
    span = np.ptp(points.coords, axis=0).max()
    np.testing.assert_allclose(x, (points.coords[:, 0] - points.coords[:, 0].min()) / span, atol=2e-5)
    np.testing.assert_allclose(y, (points.coords[:, 1].max() - points.coords[:, 1]) / span, atol=2e-5)
    assert (page.block["width"], page.block["height"]) == pytest.approx((x.max(), y.max()), abs=2e-5)


def test_every_tile_is_the_image_of_its_point(page, images):
    faces, sheets = page.block["thumbnails"], page.sheets()
    order = unpack(faces["order"])
    assert sorted(order) == list(range(N))
    side, across = faces["side"], faces["across"]
    sheet = np.asarray(Image.open(io.BytesIO(sheets[0])).convert("RGB"), dtype=int)
    for tile, row in enumerate(order):
        middle = sheet[tile // across * side + side // 2, tile % across * side + side // 2]
        assert np.abs(middle - [row * 4, 255 - row * 4, 128]).max() < 16, images[row]


def test_the_hue_is_the_ordered_attribute_and_the_panels_the_two_others(page, columns):
    assert page.block["columns"][page.block["color"]]["name"] == "age"
    panels = page.block["columns"][page.block["panels"]]
    assert panels["name"] == "gender × mask"
    assert (panels["across"], len(panels["classes"])) == (3, 6)
    np.testing.assert_array_equal(unpack(panels["data"]), columns[2].values * 3 + columns[1].values)


def test_too_many_classes_have_no_colors_of_their_own(page):
    assert page.column("identity")["neutral"]
    assert not page.column("age")["neutral"]
    assert len(page.column("age")["colors"]["dark"]) == 3


def test_seed_n_and_faithfulness_are_printed(page, judged):
    text = " ".join(page.text.split())
    assert f"n {N}" in text
    assert "seed 7" in text
    assert f"Label-Trustworthiness (age) {judged['age'].label_trustworthiness:.2f}" in text
    assert f"Label-Continuity (age) {judged['age'].label_continuity:.2f}" in text


def test_the_table_under_the_map_agrees_with_the_measures(page, columns, judged):
    rows = judged["age"].purity_D[columns[0].values == 2]
    expected = f">=60 {(columns[0].values == 2).sum()} {np.nanmean(rows):.2f}"
    assert expected in " ".join(page.text.split())


def test_neighbors_are_kept_and_absent_ones_marked(page):
    ids = np.random.default_rng(3).integers(-1, N, (N, 5))
    near = unpack(page.block["near"]).reshape(N, page.block["nearCount"])
    expected = np.where((ids < 0) | (ids == np.arange(N)[:, None]), N, ids)
    np.testing.assert_array_equal(near, expected)


def test_a_hostile_name_is_text_everywhere(page):
    assert EVIL in page.text
    assert EVIL in page.column("mask")["classes"]
    assert "<img" not in page.html
    assert page.html.count("<script>") == 1


def test_paths_come_back_whatever_they_are(points, columns, tmp_path):
    odd = [
        "",
        "/",
        "a/b/",
        "plain.png",
        "./x",
        "\u30da/\n.png",
        *(f"p{row}/normal.jpg" for row in range(N - 6)),
    ]
    page = PageText(write_map(tmp_path / "m.html", points, columns, paths=odd).read_text(encoding="utf-8"))
    assert page.paths() == odd
    assert page.block["paths"]["names"].count("normal.jpg") == 1


def test_paths_do_not_tell_whose_machine_it_was(page, images):
    assert page.paths()[3] == "identity1/3.png"
    assert str(images[0].parent.parent) not in page.html


def test_without_faces_no_image_is_in_the_file(points, columns, images, tmp_path):
    html = write_map(tmp_path / "m.html", points, columns, images=images, thumbnails=False).read_text()
    page = assert_page_rules(html)
    assert page.sheets() == []
    assert page.block["thumbnails"] is None
    assert "show-thumbnails" not in " ".join(attrs.get("class") or "" for _, attrs in page.elements)


@pytest.mark.parametrize(
    ("trust", "continuity", "words"),
    [(0.5, 1, "presses classes together"), (1, 0.5, "parts classes"), (1, 1, None)],
)
def test_a_misleading_map_carries_a_banner(points, columns, trust, continuity, words):
    nothing = np.zeros(N, np.float32)
    one = Faithfulness(trust, continuity, nothing, nothing, np.zeros(N, bool))
    banner = build_map(points, columns, faithfulness={"age": one}).banner
    assert banner is None if words is None else words in banner


def test_an_unreadable_image_is_counted_and_the_map_is_still_written(points, columns, images, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_text("no image")
    part = build_map(points, columns, images=[bad, *images[1:]])
    assert part.remark == "1 could not be read."


def test_korean_words_fill_the_page(points, columns, tmp_path):
    page = PageText(write_map(tmp_path / "m.html", points, columns, lang="ko").read_text(encoding="utf-8"))
    assert "전체 지도" in page.text
    assert page.elements[0] == ("html", {"lang": "ko"}) or ("html", {"lang": "ko"}) in page.elements


def test_a_map_of_nothing_is_a_page_all_the_same(tmp_path):
    empty = Projection(np.zeros((0, 2), np.float32), 0, 1, 0.1)
    page = assert_page_rules(write_map(tmp_path / "m.html", empty, {"a": np.zeros(0, int)}).read_text())
    assert page.block["n"] == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"images": ["a"]}, "images: must have one entry for each of the 60 points; found 1"),
        ({"paths": ["a"]}, "paths: must have one entry"),
        ({"neighbors": [[1]]}, "neighbors: must have one entry"),
        ({"faithfulness": {"hue": None}}, "faithfulness: 'hue' must be the name of a column of classes"),
        ({"lang": "xx"}, "lang must be one of en, ko, found 'xx'"),
    ],
)
def test_errors_name_parameter_rule_value_and_remedy(points, columns, settings, message):
    with pytest.raises(ArgumentError, match=message):
        build_map(points, columns, **settings)


def test_columns_of_other_points_are_refused(points):
    with pytest.raises(
        ArgumentError, match=r"'a' must have one value for each of the 60 points; found shape \(3,\)"
    ):
        build_map(points, {"a": [1, 2, 3]})


def test_faces_behind_matrix_cells_have_thumbnails_even_in_a_small_budget(points, columns, images):
    matrix = MatrixChart("m", "m", ("a", "b"), np.eye(2), {(0, 1): np.array([41, 17])})
    part = build_map(points, columns, images=images, matrices=[matrix], evidence=[50], thumbnail_bytes=600)
    order = unpack(part.block["thumbnails"]["order"])
    assert len(order) < N
    assert {41, 17, 50} <= set(order.tolist())
    assert part.remark.startswith(f"Of {N} images, {len(order)} have a thumbnail")
