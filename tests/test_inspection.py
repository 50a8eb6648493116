"""The look at the data before training: every finding on data made to have it, and none on clean data."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browsing import complaints, in_sizes, needs_chromium, open_browser, open_page, wait_until
from page_reading import assert_page_rules, unpack
from PIL import Image

from metric_face.auditing.copy_checks import check_copies
from metric_face.auditing.duplicates import exact_groups, near_pairs
from metric_face.auditing.inspection import inspect_data
from metric_face.auditing.page import write_page
from metric_face.auditing.sentences import batch_sentences
from metric_face.data.fingerprints import take_fingerprints
from metric_face.data.labels import LabelSpace
from metric_face.data.table import ImageTable
from metric_face.errors import ArgumentError
from metric_face.metrics.minimum_detectable import assumed_predictions, assumed_resolution, resolution
from metric_face.samplers import RandomIdentitySampler, audit_batches
from metric_face.synthetic_faces.faces import make_faces

PEOPLE, EACH = 12, 4


def picture(seed, size=64):
    """A soft random picture, unlike any other."""
    rough = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return Image.fromarray(rough).resize((size, size), Image.Resampling.BICUBIC)


@pytest.fixture
def table(tmp_path):
    """12 identities of 4 photographs, split by identity, with a gender that is fixed and a mask that is not."""
    rows = []
    for identity in range(PEOPLE):
        for shot in range(EACH):
            name = f"{identity}_{shot}.png"
            picture(identity * EACH + shot).save(tmp_path / name)
            rows.append(
                {
                    "path": name,
                    "identity": f"identity {identity}",
                    "gender": "male" if identity % 2 else "female",
                    "mask": "on" if shot % 2 else "off",
                    "split": "val" if identity % 4 in (0, 1) else "train",
                }
            )
    return ImageTable(pd.DataFrame(rows), tmp_path)


def change(table, row, column, value):
    frame = table.frame.copy()
    frame.loc[row, column] = value
    return ImageTable(frame, table.root)


def copy_file(table, source, target, **saving):
    if saving:
        with Image.open(table.paths[source]) as image:
            image.resize((48, 48)).save(table.root / "copy.jpg", **saving)
        return change(table, target, "path", "copy.jpg")
    table.paths[target].write_bytes(table.paths[source].read_bytes())
    return table


def found(table, space=None, **options):
    report = inspect_data(table, space, workers=2, **options)
    return {finding.id: finding for finding in report.findings}, report


def both(table):
    return LabelSpace.of(table, ["mask", "gender"])


def test_clean_data_has_nothing_to_answer_for(table):
    findings, report = found(table, both(table))
    assert set(findings) == {"smallest-difference"}
    assert not report.certain
    assert report.images == 48
    assert report.identities == 12
    assert report.splits == {"val": 24, "train": 24}
    assert report.counts["gender"] == {"female": {"val": 12, "train": 12}, "male": {"val": 12, "train": 12}}


def test_broken_images(table):
    table.paths[3].write_bytes(table.paths[3].read_bytes()[:200])
    table.paths[5].write_text("no image")
    table.paths[7].unlink()
    findings, report = found(table)
    assert report.certain
    assert findings["broken-images"].rows == ((3,), (5,), (7,))
    assert "3 of 48 images cannot be used; the first:" in findings["broken-images"].sentence


def test_exact_copies_with_different_labels_identities_and_parts(table):
    findings, report = found(copy_file(table, 0, 9), both(table))  # a woman of val, a woman of train
    assert findings["exact-copies-disagree"].severity == "certain"
    assert findings["exact-copies-disagree"].rows == ((0, 9),)
    assert "1 of 1 groups of files with the same content have different labels (mask)" in (
        findings["exact-copies-disagree"].sentence
    )
    assert "In 1 of them the classes to be learned differ" in findings["exact-copies-disagree"].sentence
    assert findings["exact-copies-of-two-identities"].severity == "certain"
    assert findings["exact-copies-across-splits"].severity == "certain"
    assert report.certain
    assert report.paths == {0: "0_0.png", 9: "2_1.png"}


def test_exact_copies_whose_labels_agree_are_a_warning(table):
    findings, report = found(copy_file(table, 0, 2), both(table))
    assert findings["exact-copies"].severity == "warning"
    assert findings["exact-copies"].sentence.startswith(
        "1 group of files with the same content: a copy counts"
    )
    assert "exact-copies-disagree" not in findings
    assert not report.certain


def test_copies_that_differ_only_within_a_class_are_a_warning(table):
    aged = table.with_column("age", [20 + (row % 2) for row in range(48)])
    space = LabelSpace.of(aged, ["gender", "age"], {"age": [30]})
    findings, _ = found(copy_file(aged, 0, 1), space)
    assert findings["exact-copies-disagree"].severity == "warning"
    assert "In 0 of them the classes to be learned differ" in findings["exact-copies-disagree"].sentence


def test_copies_saved_again_are_found_by_their_looks(table):
    findings, report = found(copy_file(table, 0, 9, quality=70))
    assert findings["near-copies"].rows == ((0, 9),)
    assert findings["near-copies-across-splits"].severity == "warning"
    assert "exact-copies" not in findings
    assert not report.certain


def test_bare_and_masked_pictures_of_one_identity_are_no_copies(tmp_path):
    make_faces(tmp_path, identities=40, seed=3, label_errors=False, workers=1)
    faces = ImageTable.read(tmp_path)
    assert [f.id for f in inspect_data(faces).findings if f.id.startswith("near")] == []
    assert [f.id for f in inspect_data(faces.without("identity")).findings if f.id.startswith("near")] == []


def test_what_varies_within_people_is_not_held_against_nearly_equal_pictures():
    identities = np.repeat(np.arange(20), 3)
    frame = pd.DataFrame({"path": [f"{i}.png" for i in range(60)], "identity": [f"p{p}" for p in identities]})
    frame["mask"] = np.tile(["worn", "bare", "worn"], 20)
    frame["gender"] = np.where(identities % 2, "male", "female")
    frame.loc[3, "gender"] = "female"  # of a man: this one is wrong

    def said(near, exact=()):
        made = ImageTable(frame, Path())
        found = check_copies(made, frame[["mask", "gender"]], None, list(exact), near)
        return {one.id: one for one in found}

    assert "near-copies-disagree" not in said([(0, 1), (6, 7)])
    wrong = said([(0, 1), (3, 4)])["near-copies-disagree"]
    assert wrong.sentence == (
        "1 of 2 pairs of nearly equal pictures have different labels (gender): where both are the same photograph, "
        "at most one is right."
    )
    assert wrong.remedy == "Look at them; where it is the same photograph, keep the right one."
    assert wrong.rows == ((3, 4),)
    assert said([(0, 4)])["near-copies-disagree"].rows == ((0, 4),)  # of two identities nothing may differ
    assert said([], [(0, 1)])["exact-copies-disagree"].rows == ((0, 1),)  # equal bytes have one label


def test_near_pairs_against_brute_force():
    rng = np.random.default_rng(0)
    pictures = np.stack([np.asarray(picture(i, 32).convert("L")) for i in range(60)])
    noisy = np.clip(pictures[:30].astype(int) + rng.integers(-4, 5, (30, 32, 32)), 0, 255).astype(np.uint8)
    blank = np.full((3, 32, 32), 128, dtype=np.uint8)
    everything = np.concatenate((pictures, noisy, blank))
    flat = everything[:90].reshape(90, -1).astype(float)
    alike = np.corrcoef(flat) > 0.99
    expected = [(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(alike, 1)), strict=True)]
    assert near_pairs(everything) == expected == [(i, 60 + i) for i in range(30)]
    assert near_pairs(blank) == []


def test_a_file_that_is_there_many_times_is_compared_once():
    """500 copies of one file took the 400 places of their band, and the cost grew with the square of the copies."""
    original = np.asarray(picture(0, 32).convert("L"))
    saved_again = np.clip(original.astype(int) + np.tile([[0, 2], [2, 0]], (16, 16)), 0, 255).astype(np.uint8)
    pictures = np.concatenate([np.repeat(original[None], 500, axis=0), saved_again[None]])
    digests = ["one"] * 500 + ["other"]
    assert near_pairs(pictures, digests) == [(0, 500)]
    assert near_pairs(pictures[:3], ["", "", ""]) == [(0, 1), (0, 2), (1, 2)]  # unread files are not one file


def test_exact_groups():
    assert exact_groups(["a", "b", "a", "", "", "b", "a"]) == [(0, 2, 6), (1, 5)]


def test_fingerprints_report_progress(table):
    seen = []
    prints = take_fingerprints(table.paths, workers=2, progress=lambda *counts: seen.append(counts))
    assert seen == [(done, 48) for done in range(1, 49)]
    assert prints.pictures.shape == (48, 32, 32)
    assert len(set(prints.digests)) == 48


def test_an_identity_in_two_parts(table):
    findings, report = found(change(table, 0, "split", "train"))
    assert report.certain
    assert findings["identity-across-splits"].rows == ((0, 1, 2, 3),)
    assert "1 of 12 identities have images in two splits" in findings["identity-across-splits"].sentence


def test_two_values_of_what_is_fixed(table):
    many = pd.concat([table.frame.assign(identity=table.frame.identity + f" {i}") for i in range(3)])
    wide = ImageTable(many.reset_index(drop=True), table.root)
    wrong = change(wide, 0, "gender", "male")
    findings, report = found(wrong, images=False)
    assert findings["two-values-gender"].severity == "warning"
    assert (
        "1 of 36 identities with several images have two values of gender"
        in findings["two-values-gender"].sentence
    )
    assert findings["two-values-gender"].rows == ((0, 1, 2, 3),)
    assert "two-values-mask" not in findings  # it varies within everybody: not meant to be fixed
    assert not report.certain
    findings, report = found(wrong, images=False, fixed=["gender", "mask"])
    assert findings["two-values-gender"].severity == findings["two-values-mask"].severity == "certain"
    assert report.certain
    with pytest.raises(ArgumentError, match=r"fixed must name labels of the table .*found 'sex'"):
        found(wrong, images=False, fixed=["sex"])


def test_a_class_that_a_part_lacks(table):
    space = both(table)
    frame = table.frame.copy()
    frame.loc[(frame.split == "val") & (frame.gender == "male"), "mask"] = "off"
    findings, report = found(ImageTable(frame, table.root), space, images=False)
    assert report.certain
    assert findings["class-missing-joint-class"].severity == "certain"
    assert "1 of 4 classes of joint class have no image in the split 'val': on / male" in (
        findings["class-missing-joint-class"].sentence
    )
    assert "class-missing-mask" not in findings


def test_missing_labels_do_not_stop_the_rest(table):
    findings, report = found(change(table, 5, "gender", None), both(table), images=False)
    assert findings["missing-gender"].rows == ((5,),)
    assert report.counts["gender"]["(missing)"] == {"val": 1, "train": 0}
    assert report.smallest_difference["num_images"] == 23


def test_uneven_classes_single_images_and_no_identities(table):
    frame = table.frame.assign(rare=["a"] * 45 + ["b"] * 3, identity=[f"p{i}" for i in range(48)])
    findings, _ = found(ImageTable(frame, table.root), images=False)
    assert "has 15 times as many images as the smallest" in findings["uneven-rare"].sentence
    assert "48 of 48 identities have one image" in findings["single-images"].sentence
    findings, report = found(ImageTable(frame.drop(columns="identity"), table.root), images=False)
    assert "no-identities" in findings
    assert report.identities is None


def test_the_sampler_is_part_of_the_look(table):
    train = table.in_split("train")
    sampler = RandomIdentitySampler(train.identities, 3, 2)
    findings, report = found(table, both(table), sampler=sampler, images=False)
    assert report.sampler["images_seen"] == 24
    assert not any(key.startswith("sampler-") and key != "sampler-report" for key in findings)
    said = " ".join(f.sentence for f in report.findings)
    assert "mask varies within 6 labels" in said  # said before training
    assert sampler.epoch == 0
    findings, report = found(change(table, 8, "gender", None), both(table), sampler=sampler, images=False)
    assert "missing-gender" in findings
    assert report.sampler["images_seen"] == 24
    bad = [[0, 1, 4, 5]] * 3
    findings, report = found(table, sampler=bad, images=False)
    assert findings["sampler-unseen-images"].severity == "warning"
    findings, report = found(table, sampler=[], images=False)
    assert findings["sampler-empty"].severity == "certain"
    with pytest.raises(ArgumentError, match=r"sampler_labels must have one label an image .*\(24\), found 2"):
        found(table, sampler=bad, sampler_labels=[1, 2], images=False)


def test_the_smallest_difference_of_a_case_that_can_be_worked_out():
    labels = np.tile([0, 1], 1000)  # two equal classes: macro F1 is nearly the accuracy
    found = assumed_resolution(labels, within_identity=0.0)
    # Two models whose hardness correlates by a half err together with a correlation of 0.32
    sigma = np.sqrt(0.8 * 0.2 / 2000) * np.sqrt(2 * (1 - 0.32))
    assert found.standard_error == pytest.approx(sigma, rel=0.1)
    assert found.difference == pytest.approx(1.96 * sigma, rel=0.1)
    assert found.assumed_accuracy == 0.8


def test_before_and_after_a_training_one_estimator_gives_one_number():
    labels, identities = np.repeat([0, 1, 2], [80, 40, 20]), np.arange(140) // 4
    pred, other = assumed_predictions(labels, identities, seed=3)
    after = resolution(labels, pred, identities, other=other, resamples=300, seed=3)
    before = assumed_resolution(labels, identities, pairs=1, resamples=300, seed=3)
    assert after.assumed_accuracy is None
    assert replace(before, assumed_accuracy=None) == after
    # of many pairs the audit gives the mean variance
    errors = []
    for seed in range(20):
        pred, other = assumed_predictions(labels, identities, seed=seed)
        errors.append(
            resolution(labels, pred, identities, other=other, resamples=200, seed=seed).standard_error
        )
    mean = float(np.sqrt(np.mean(np.square(errors))))
    assert assumed_resolution(labels, identities).standard_error == pytest.approx(mean)


def test_the_audit_says_what_it_assumes(table):
    findings, report = found(table, both(table), images=False)
    sentence = findings["smallest-difference"].sentence
    rows = table.frame["split"].to_numpy() == "val"
    joint, _ = both(table).labels(table.take(np.flatnonzero(rows)), "joint")
    expected = assumed_resolution(joint, table.frame["identity"].to_numpy()[rows])
    assert report.smallest_difference["difference"] == pytest.approx(expected.difference, rel=0.3)
    assert "has 24 images of 6 identities" in sentence
    assert (
        f"assumed to be right on 80% of the images, differ by up to {report.smallest_difference['difference']:.3f}"
        in (sentence)
    )


def test_identities_are_not_samples():
    labels = np.tile([0, 1, 2], 400)
    identities = np.arange(1200) // 3 // 10 * 3 + np.arange(1200) % 3  # ten images of one class each
    alone, together = assumed_resolution(labels), assumed_resolution(labels, identities)
    assert together.num_identities == 120
    assert together.difference > 1.5 * alone.difference
    assert assumed_resolution(labels, identities) == together  # the seed decides
    larger = assumed_resolution(np.tile(labels, 4))
    assert larger.difference == pytest.approx(alone.difference / 2, rel=0.25)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([],), {}, "y_true must be one class an image, found shape"),
        (([0, 1], [1]), {}, "one per item"),
        (([0, 1],), {"accuracy": 1.0}, r"accuracy must be in \(0, 1\)"),
        (([0, 1],), {"pairs": 0}, "pairs must be at least 1, found 0"),
    ],
)
def test_nonsense_is_refused(arguments, options, message):
    with pytest.raises(ArgumentError, match=message):
        assumed_resolution(*arguments, **options)


def test_the_page_is_plain_offline_and_escaped(table, tmp_path):
    nasty = "<script>alert(1)</script>"
    frame = table.frame.copy()
    frame.loc[frame.identity == "identity 0", "identity"] = nasty
    frame.loc[0, "split"] = "train"
    frame["mask"] = frame["mask"].replace("on", nasty)
    report = inspect_data(ImageTable(frame, table.root), sampler=[[0, 1]], images=False)
    page = write_page(report, tmp_path / "page.html")
    html = page.read_text()
    assert nasty not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "1 thing" not in html
    assert "One thing is certain to spoil a result" in html
    assert "Certain to spoil a result" in html
    assert "identities have images in two splits" in html
    assert "row 0" in html
    assert "What the batches hold" in html
    assert 'src="http' not in html
    assert 'href="http' not in html
    assert [p.name for p in tmp_path.glob(".page*")] == []


@pytest.mark.parametrize("sampler", ["faulty", "ours"])
def test_the_page_says_of_batches_what_the_samplers_say(table, sampler):
    labels = table.frame["identity"].to_numpy()[24:]
    batches = [[0, 0, 1]] if sampler == "faulty" else RandomIdentitySampler(labels, 2, 3)
    report = inspect_data(table, both(table), sampler=batches, images=False)
    assert batch_sentences(report.sampler, "en") == [
        one.replace("DEFECT ", "Defect, ") for one in report.sampler["sentences"]
    ]
    own = audit_batches(batches, labels, classes=table.frame["mask"].to_numpy()[24:])
    told = [one.sentence for one in report.findings if one.id.startswith("sampler")]
    defects = [f"The sampler: {defect.sentence}" for defect in own.defects]
    assert set(defects) <= set(told)
    if sampler == "ours":
        notes = batches.report(
            {"mask": table.frame["mask"][24:], "gender": table.frame["gender"][24:]}
        ).sentences()
        assert [one for one in told if one not in defects] == [f"The sampler: {note}" for note in notes]
        assert any("varies within" in note for note in notes)
    else:
        assert defects


def test_the_page_of_every_finding_in_korean(table, tmp_path):
    table.paths[7].unlink()
    frame = copy_file(table, 0, 9).frame.copy()
    frame.loc[3, "gender"] = "Female"
    frame.loc[[5, 6], "split"] = "train"
    table = ImageTable(frame, table.root)
    report = inspect_data(table, both(table), sampler=[[0, 0]], fixed=["gender"])
    assert len(report.findings) > 9
    page = assert_page_rules(write_page(report, tmp_path / "page.html", lang="ko").read_text("utf-8"))
    for finding in report.findings:
        sentence, remedy = finding.say("ko")
        assert re.search("[가-힣]", sentence), finding.id
        assert finding.sentence not in page.text
        assert " ".join(sentence.split()) in " ".join(page.text.split())
        assert not finding.remedy or re.search("[가-힣]", remedy), finding.id
    for text in ("images of", "What ", "Worth", "row ", "Use "):  # a defect keeps its fixed name
        assert text not in page.text


def test_the_page_shows_the_images_that_a_finding_names(table, tmp_path):
    report = inspect_data(copy_file(table, 0, 9), both(table))
    page = assert_page_rules(write_page(report, tmp_path / "page.html").read_text("utf-8"))
    shown = [a for tag, a in page.elements if tag == "canvas"]
    first = next(f for f in report.findings if f.id == "exact-copies-disagree")
    assert (
        [a["title"] for a in shown[:2]]
        == [report.paths[row] for row in first.rows[0]]
        == ["0_0.png", "2_1.png"]
    )
    order = unpack(page.block["thumbnails"]["order"])
    sheet = np.asarray(Image.open(io.BytesIO(page.sheets()[0])).convert("RGB"), dtype=float)
    side = page.block["thumbnails"]["side"]
    tiles = {int(row): sheet[:side, place * side : (place + 1) * side] for place, row in enumerate(order)}
    copies = [tiles[int(a["data-thumbnail"])] for a in shown[:2]]
    with Image.open(table.paths[0]) as image:
        own = np.asarray(image.convert("RGB").resize((side, side)), dtype=float)
    for tile in copies:
        assert np.abs(tile - own).mean() < 12
    assert str(tmp_path) not in page.html
    bare = assert_page_rules(write_page(report, tmp_path / "bare.html", thumbnails=False).read_text("utf-8"))
    assert bare.sheets() == []
    assert not [a for tag, a in bare.elements if tag == "canvas"]
    assert "files" not in report.to_dict()


def test_what_cannot_be_read_has_no_picture(table, tmp_path):
    table.paths[3].write_bytes(table.paths[3].read_bytes()[:200])
    table.paths[7].unlink()
    report = inspect_data(table)
    page = assert_page_rules(write_page(report, tmp_path / "page.html").read_text("utf-8"))
    assert {row for f in report.findings for group in f.rows for row in group} >= {3, 7}
    assert not [
        a for tag, a in page.elements if tag == "canvas" and a["title"] in (report.paths[3], report.paths[7])
    ]


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_page_fits_a_phone_a_tablet_and_a_desk(table, tmp_path, lang):
    report = inspect_data(copy_file(table, 0, 9), both(table), sampler=[[0, 1]])
    page = write_page(report, tmp_path / "page.html", lang=lang)
    with open_browser(tmp_path / "profile") as browser:
        open_page(browser, page)
        wait_until(browser, "document.querySelectorAll('canvas[data-shown]').length > 1")
        browser.execute_script("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
        assert len(list(in_sizes(browser))) == 6
        assert complaints(browser) == []


def test_the_report_is_plain_data(table):
    _, report = found(change(table, 0, "split", "train"), both(table))
    again = json.loads(json.dumps(report.to_dict()))
    assert again["certain"] is True
    assert again["findings"][0]["id"] == "identity-across-splits"
    assert again["findings"][0]["rows"] == [[0, 1, 2, 3]]
    assert again["paths"]["0"] == "0_0.png"


UTKFACE = Path(__file__).parents[2] / "shared" / "data" / "utkface"


@pytest.mark.slow
@pytest.mark.skipif(not UTKFACE.exists(), reason="needs the UTKFace images in ../shared/data")
def test_real_copies_whose_labels_disagree():
    findings, report = found(ImageTable.read(UTKFACE))
    assert report.certain
    sentence = findings["exact-copies-disagree"].sentence
    assert (
        "103 of 141 groups of files with the same content have different labels (age, gender, race)"
        in sentence
    )


def test_an_image_without_an_identity_is_counted_as_an_image(table):
    anonymous = ImageTable(table.frame.drop(columns="identity"), table.root)
    findings, _ = found(anonymous, both(anonymous), images=False)
    sentence = findings["smallest-difference"].sentence
    assert re.search(r"with \d+ images\. ", sentence), sentence
    assert not re.search(r"with \d+ identities", sentence)
