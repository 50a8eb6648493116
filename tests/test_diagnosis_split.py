"""The split and the cut: leaks, near copies, boundaries that moved."""

import numpy as np
import pytest
from diagnosis_cases import found, small_run
from PIL import Image

from metric_face import diagnose
from metric_face.diagnosis.finding import Confidence, Tier
from metric_face.diagnosis.questions.boundary import best_cuts


def test_a_clean_split_leaks_nothing() -> None:
    result = diagnose(**small_run(0), questions=["leak", "boundary"])
    assert found(result) == []
    assert [row[1] for row in result.tables["leak.counts"].rows] == [0, 0, 0]


def test_people_on_both_sides_are_counted() -> None:
    run = small_run(1)
    held = np.flatnonzero(run["split"] == "val")
    moved = held[np.isin(run["identities"][held], np.unique(run["identities"][held])[:20])][::6]
    run["split"][moved] = "train"
    result = diagnose(**run, questions=["leak"])
    assert found(result) == ["leak.identity"]
    finding = result.findings[0]
    assert (finding.tier, finding.confidence) == (Tier.SPOILER, Confidence.CERTAIN)
    assert finding.values["identities"] == 20
    assert finding.measure.images == 100
    picture = finding.picture
    identities = run["identities"]
    assert (identities[picture["left"]] == identities[picture["right"]]).all()


def test_near_copies_under_another_name_are_found() -> None:
    run = small_run(2)
    rng = np.random.default_rng(2)
    held, train = (np.flatnonzero(run["split"] == part) for part in ("val", "train"))
    copies, originals = held[:40], rng.choice(train, 40, replace=False)
    run["embeddings"][copies] = run["embeddings"][originals] + 1e-3 * rng.normal(size=(40, 24))
    result = diagnose(**run, questions=["leak"])
    assert found(result) == ["leak.near"]
    assert set(result.findings[0].rows) == set(copies)


def test_exact_copies_are_found_in_the_files(tmp_path) -> None:
    run = small_run(3, identities=60)
    rng = np.random.default_rng(3)
    paths = []
    for row in range(len(run["identities"])):
        path = tmp_path / f"{row}.png"
        Image.fromarray(rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)).save(path)
        paths.append(path)
    held, train = (np.flatnonzero(run["split"] == part) for part in ("val", "train"))
    for a, b in zip(held[:5], train[:5], strict=True):
        paths[a].write_bytes(paths[b].read_bytes())
    result = diagnose(**run, images=paths, questions=["leak"])
    assert found(result) == ["leak.exact"]
    assert set(result.findings[0].rows) == set(held[:5])


def test_without_a_split_or_identities_it_says_so() -> None:
    run = small_run(4, identities=60)
    del run["split"]
    assert diagnose(**run, questions=["leak"]).abstentions[0].reason == "no_split"
    run = small_run(4, identities=60) | {"identities": None}
    assert "no_identities" in [a.reason for a in diagnose(**run, questions=["leak"]).abstentions]


def test_a_cut_moved_on_validation_is_found() -> None:
    run = small_run(5)
    ages, held = run["raw_values"]["age"], run["split"] == "val"
    run["labels"]["age"] = np.where(held, (ages >= 25).astype(int) + (ages >= 55), run["labels"]["age"])
    result = diagnose(**run, questions=["boundary"])
    assert found(result) == ["boundary.moved"]
    finding = result.findings[0]
    assert finding.confidence is Confidence.CERTAIN
    moved = held & (((ages >= 25) & (ages < 30)) | ((ages >= 55) & (ages < 60)))
    assert set(finding.rows) == set(np.flatnonzero(moved))
    assert (finding.values["train"], finding.values["validation"]) == ("30, 60", "25, 55")


def test_ages_that_no_identity_has_do_not_look_like_a_moved_cut() -> None:
    run = small_run(6)
    ages, held = run["raw_values"]["age"], run["split"] == "val"
    run["raw_values"]["age"] = np.where(held & (ages > 62) & (ages < 66), 66, ages)
    assert found(diagnose(**run, questions=["boundary"])) == []


def test_best_cuts_by_hand() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert best_cuts(values, np.array([0, 0, 1, 1, 2, 2])) == ((2.0, 3.0), (4.0, 5.0))
    assert best_cuts(values, np.array([0, 1, 0, 0, 1, 1])) == ((4.0, 5.0),)
    assert best_cuts(np.array([1.0, 1.0, 9.0]), np.array([0, 0, 1])) == ((1.0, 9.0),)


def test_the_curve_counts_errors_by_raw_value() -> None:
    run = small_run(7)
    guess = {name: values.copy() for name, values in run["labels"].items()}
    near = np.abs(run["raw_values"]["age"] - 60) <= 4
    guess["age"][near] = 1
    result = diagnose(**run, predictions=guess, questions=["boundary", "budget"])
    curve = result.tables["boundary.curve.age"]
    held = run["split"] == "val"
    wrong = guess["age"] != run["labels"]["age"]
    assert sum(row[-1] for row in curve.rows) == held.sum()
    for value, start, stop, error, low, high, identities, images in curve.rows:
        mine = held & (run["raw_values"]["age"] >= start) & (run["raw_values"]["age"] <= stop)
        assert value == pytest.approx(run["raw_values"]["age"][mine].mean())
        assert identities >= 5
        assert (images, identities) == (mine.sum(), len(np.unique(run["identities"][mine])))
        assert error == pytest.approx(wrong[mine].mean())
        assert low <= error + 1e-9
        assert high >= error - 1e-9
    budget = result.tables["budget.attributes"]
    assert budget.rows[0][0] == "age"
    assert budget.rows[0][budget.columns.index("only_this_wrong")] == 1.0
    assert budget.rows[0][budget.columns.index("f1_if_perfect")] == 1.0
