"""The page behind an answer: what it shows, what it escapes, and that it needs nothing but itself."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from browsing import complaints, in_sizes, needs_chromium, open_browser, open_page, requests_made
from page_reading import assert_page_rules
from PIL import Image

from metric_face.errors import ArgumentError
from metric_face.inference.answers import Answer, Neighbor
from metric_face.inference.explain_page import MOST, write_answers
from metric_face.inference.shown_numbers import percent
from metric_face.inference.target_votes import TargetVote
from metric_face.metrics.calibration import Calibration
from metric_face.search.index import EmbeddingIndex

NASTY = "<script>alert(1)</script>"


def _votes() -> dict[str, TargetVote]:
    calibration = Calibration(2.0, 0.01, 0.25, 0.05, 6)
    return {
        "color": TargetVote(
            ("red", NASTY), 4, "uniform", 0.07, 0.8, calibration, 0.99, "false-accept rate 0.1"
        ),
        "shape": TargetVote(("disc", "square", "star", "dot"), 5, "softmax"),
    }


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> SimpleNamespace:
    """An index of five images, of which one is gone and one is broken, and an answer of each kind."""
    root = tmp_path_factory.mktemp("gallery")
    names = ["a.png", "b.png", 'c"><img src=x>.png', "gone.png", "broken.png"]
    for number, name in enumerate(names[:3]):
        Image.new("RGB", (60, 40), (80 * number, 90, 200)).save(root / name)
    (root / "broken.png").write_text("no image")
    asked = root / "asked & <b>bold.png"
    Image.new("RGB", (50, 50), (250, 120, 0)).save(asked)
    codes = {"color": np.array([0, 0, 1, 1, 0]), "shape": np.array([0, 0, 0, 1, 2])}
    votes = _votes()
    identities = ["p1", "p1", "p2", "p2", "p3"]
    index = EmbeddingIndex.build(
        np.eye(5, dtype=np.float32),
        {"path": names, "identity": identities},
        metadata={"split": "train"},
        fingerprint="f00",
    )
    rows, near = np.arange(5)[None], np.linspace(0.9, 0.5, 5)[None]
    targets = {name: vote.answers(rows, near, codes[name])[0] for name, vote in votes.items()}
    neighbors = tuple(
        Neighbor(
            name,
            float(near[0, row]),
            identities[row],
            {target: vote.classes[codes[target][row]] for target, vote in votes.items()},
            same_file=row == 0,
        )
        for row, name in enumerate(names)
    )
    answer = Answer(
        str(asked),
        neighbors,
        targets,
    )
    predictor = SimpleNamespace(
        root=root, where=root.joinpath, index=index, targets=votes, knows_identities=True
    )
    return SimpleNamespace(predictor=predictor, answer=answer, root=root)


def _page(case: SimpleNamespace, folder: Path, *answers: Answer, **options):
    file = write_answers(answers or [case.answer], case.predictor, folder / "page.html", **options)
    return assert_page_rules(file.read_text(encoding="utf-8"))


def _all(page, tag: str, **attributes: str):
    return [a for t, a in page.elements if t == tag and all(a.get(k) == v for k, v in attributes.items())]


def test_it_says_the_answer_its_votes_and_who_cast_them(case, tmp_path):
    page = _page(case, tmp_path)
    said = " ".join(page.text.split())
    verdict = case.answer.targets["color"]
    assert verdict.answer == "unknown"  # two of four voters, and one of them far away
    assert f"color unknown Likeliest is red with 50 %, but its certainty is {verdict.certainty:.2f}" in said
    assert "and an answer needs 0.99." in said
    assert "k = 4, uniform" in said
    assert "k = 5, softmax; not calibrated" in said
    share = case.answer.targets["shape"].classes[0]
    assert share.name == "disc"
    assert f"shape disc {percent(share.probability)}".replace("\xa0", " ") in said
    widths = [float(a["width"]) for a in _all(page, "rect")]
    assert widths[:2] == [50.0, 50.0]
    assert widths[2] == pytest.approx(100 * share.share, abs=0.06)
    for near in ("0.900", "0.800", "0.700", "0.600", "0.500"):
        assert near in said
    assert "the very file asked about" in said
    assert "✓ agrees: red ✓ agrees: disc" in said
    assert f"≠ differs: {NASTY}" in said
    assert "≠ differs: square" in said
    assert "✓ agrees: (red)" in said  # the fifth neighbor, where four vote
    assert "0.250 → 0.050" in said
    assert "5 indexed images of the split 'train', searched exactly; model f00" in said


def test_everything_is_escaped(case, tmp_path):
    page = _page(case, tmp_path)
    assert NASTY in page.text
    assert "asked & <b>bold.png" in page.text
    assert len(_all(page, "img")) == len(_all(page, "b")) == 0
    assert NASTY not in page.html
    odd = replace(case.answer, path="caf\udce9.png")  # a name that is not UTF-8
    assert "caf\\udce9.png" in _page(case, tmp_path, odd).text


def test_a_missing_or_broken_image_is_an_empty_tile_with_a_label(case, tmp_path):
    page = _page(case, tmp_path)
    assert page.text.count("file not found") == 1
    assert page.text.count("cannot be read") == 1
    assert len(_all(page, "canvas")) == 4  # asked about, a, b, c
    assert page.block["thumbnails"]["order"]["type"] == "u8"
    without = _page(
        case, tmp_path, replace(case.answer, path="nowhere.png", neighbors=case.answer.neighbors[3:4])
    )
    assert without.text.count("file not found") == 2
    assert without.sheets() == []


def test_without_thumbnails_no_image_leaves_the_disk(case, tmp_path):
    page = _page(case, tmp_path, thumbnails=False)
    assert page.sheets() == []
    assert not _all(page, "canvas")
    assert "file not found" not in page.text
    assert "0.900" in page.text


def test_it_says_whether_the_identitys_own_images_counted(case, tmp_path):
    assert "Every image of the index counted, also those of the identity" in _page(case, tmp_path).text
    page = _page(case, tmp_path, replace(case.answer, identity="p1", left_out=2))
    assert "Images of the identity asked about were left out" in page.text
    assert "2 images of p1 in the index did not count" in page.text
    case.predictor.knows_identities = False
    try:
        assert "it does not know which identities are on its images" in _page(case, tmp_path).text
    finally:
        case.predictor.knows_identities = True


def test_in_korean_nothing_is_reported_in_english(case, tmp_path):
    page = _page(case, tmp_path, replace(case.answer, identity="p1", left_out=1), lang="ko")
    assert page.elements[0][1] == {"lang": "ko"} or ("html", {"lang": "ko"}) in page.elements
    for text in (
        "읽는 방법",
        "알 수 없음",
        "물어본 바로 그 파일",
        "가까울수록 더 많이 셈",
        "색인 이미지 5장",
    ):
        assert text in page.text
    for text in ("image", "vote", "neighbor", "class", "cannot be read", "file not found", "agrees"):
        assert text not in page.text
    with pytest.raises(ArgumentError, match="lang must be one of en, ko, found 'fr'"):
        _page(case, tmp_path, lang="fr")


def test_it_is_bounded_and_says_so(case, tmp_path):
    page = _page(case, tmp_path, *[case.answer] * (MOST + 3))
    assert f"{MOST + 3} images asked about; this page shows the first {MOST}" in " ".join(page.text.split())
    assert len([a for a in _all(page, "section") if a.get("class") == "asked"]) == MOST
    assert len(page.sheets()) == 1  # each picture once
    assert "first" not in _page(case, tmp_path).text.split("How to read")[0]


def test_no_answers_and_no_neighbor_to_vote_are_pages_too(case, tmp_path):
    file = write_answers([], case.predictor, tmp_path / "none.html")
    assert "0 images asked about" in assert_page_rules(file.read_text(encoding="utf-8")).text
    targets = {
        name: vote.answers(np.full((1, 5), -1), np.zeros((1, 5)), np.zeros(5, np.int64))[0]
        for name, vote in _votes().items()
    }
    alone = replace(case.answer, neighbors=(), targets=targets)
    said = " ".join(_page(case, tmp_path, alone).text.split())
    assert said.count("No neighbor is left to vote.") == 2
    assert "No image is left to compare with." in said


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0\xa0%"), (0.004, "< 1\xa0%"), (0.126, "13\xa0%"), (0.996, "> 99\xa0%"), (1, "100\xa0%")],
)
def test_a_share_is_never_rounded_to_certainty(share, text):
    assert percent(share) == text


@pytest.mark.browser
@needs_chromium
def test_in_a_browser_every_thumbnail_is_its_own_and_nothing_is_fetched(case, tmp_path):
    from selenium.webdriver.support.ui import WebDriverWait

    file = write_answers([case.answer], case.predictor, tmp_path / "page.html")
    with open_browser(tmp_path / "profile") as browser:
        open_page(browser, file)
        drawn = "return document.querySelectorAll('canvas[data-shown]').length"
        WebDriverWait(browser, 30).until(lambda b: b.execute_script(drawn) == 4)
        middle = """return [...document.querySelectorAll("canvas[data-thumbnail]")].map((canvas) =>
            [...canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3))"""
        expected = [(250, 120, 0), (0, 90, 200), (80, 90, 200), (160, 90, 200)]
        np.testing.assert_allclose(browser.execute_script(middle), expected, atol=12)
        background = "return getComputedStyle(document.body).backgroundColor"
        light = browser.execute_script(background)
        browser.execute_script("document.querySelector('.theme').click()")
        assert browser.execute_script(background) != light
        browser.execute_script("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
        assert len(list(in_sizes(browser))) == 6
        focus = "document.querySelector('.asked').focus(); return document.activeElement.getAttribute('aria-label')"
        assert browser.execute_script(focus) == case.answer.path
        assert complaints(browser) == []
        assert requests_made(browser) == []
