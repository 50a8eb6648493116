"""Synthetic faces: the competition's format with its traps, the planted errors, and the signal in the pixels."""

import csv
import hashlib
import os
import re
import subprocess
import sys
import warnings
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.model_selection import GroupKFold, cross_val_predict

from metric_face.errors import ArgumentError
from metric_face.synthetic_faces.draw import photographs
from metric_face.synthetic_faces.faces import FacesReport, contact_sheet, make_faces
from metric_face.synthetic_faces.files import MASK_OF_STEM, joint_class
from metric_face.synthetic_faces.population import (
    MEN_BY_AGE,
    STEMS,
    WOMEN_BY_AGE,
    age_group,
    ages_and_genders,
    draw_identities,
    error_counts,
    shares,
)

SIZE = (48, 64)
PEOPLE = 64


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> FacesReport:
    root = tmp_path_factory.mktemp("faces") / "drawn"
    return make_faces(root, identities=PEOPLE, size=SIZE, evaluation_identities=8, seed=3, workers=1)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def digests(root: Path) -> dict[str, str]:
    files = (p for p in sorted(root.rglob("*")) if p.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


# --- the population -------------------------------------------------------------------------------------


def test_full_size_has_the_competitions_ages_genders_and_traps_exactly() -> None:
    identities = draw_identities(2700, error_counts(2700, True), seed=0)
    by_age = Counter((p.gender, p.age) for p in identities)
    assert tuple(by_age["male", a] for a in range(18, 61)) == MEN_BY_AGE
    assert tuple(by_age["female", a] for a in range(18, 61)) == WOMEN_BY_AGE
    classes = Counter(joint_class(MASK_OF_STEM[s], p.gender, p.age) for p in identities for s in STEMS)
    assert [classes[c] for c in range(18)] == [
        *(2745, 2050, 415, 3660, 4085, 545),
        *(549, 410, 83, 732, 817, 109),
        *(549, 410, 83, 732, 817, 109),
    ]
    assert Counter(e for p in identities for e in p.extensions) == {"jpg": 18035, "png": 511, "jpeg": 354}
    mixed = [set(p.extensions) for p in identities if len(set(p.extensions)) > 1]
    assert mixed == [{"jpg", "jpeg"}] * 7
    assert sum(p.id.endswith("-1") for p in identities) == 41
    assert sorted(p.age for p in identities if p.id == "003397") == [19, 20]
    assert (identities[0].id, identities[-1].id) == ("000001", "006959")
    assert len({p.id for p in identities}) == 2699
    assert len({p.folder for p in identities}) == 2700
    assert sum(p.age == 59 for p in identities) == 85
    assert sum(min(abs(p.age - 30), abs(p.age - 60)) <= 2 for p in identities) == 504


def test_full_size_plants_the_known_label_errors() -> None:
    identities = draw_identities(2700, error_counts(2700, True), seed=0)
    assert sum(p.swapped for p in identities) == 3
    assert sum(p.gender != p.true_gender for p in identities) == 8
    wrong_age = [p for p in identities if p.age != p.true_age]
    assert len(wrong_age) == 18
    assert all(age_group(p.age) != age_group(p.true_age) for p in wrong_age)


@pytest.mark.parametrize("identities", [12, 13, 50, 333, 2699, 5000])
def test_any_size_keeps_every_class_and_trap(identities: int) -> None:
    attributes = ages_and_genders(identities)
    assert len(attributes) == identities
    assert len({(g, age_group(a)) for g, a in attributes}) == 6
    drawn = draw_identities(identities, error_counts(identities, True), seed=1)
    assert {e for p in drawn for e in p.extensions} == {"jpg", "jpeg", "png"}
    assert any(len(set(p.extensions)) == 2 for p in drawn)
    assert any("-" in p.id for p in drawn)
    assert len([p for p in drawn if p.id == "003397"]) == 2
    assert len({p.folder for p in drawn}) == identities


def test_shares_are_the_largest_remainders() -> None:
    assert shares([1, 1, 1], 4).tolist() == [2, 1, 1]
    assert shares([50, 30, 20], 10).tolist() == [5, 3, 2]
    assert shares([98, 1, 1], 10, least=1).tolist() == [8, 1, 1]
    assert shares([5, 0, 5], 3, least=1).tolist()[1] == 0


# --- what lies on disk ----------------------------------------------------------------------------------


def test_training_folder_has_the_format(drawn: FacesReport) -> None:
    table = rows(drawn.root / "train/train.csv")
    assert list(table[0]) == ["id", "gender", "race", "age", "path"]
    assert len(table) == drawn.identities == PEOPLE
    kinds: Counter[str] = Counter()
    for row in table:
        assert row["path"] == f"{row['id']}_{row['gender']}_{row['race']}_{row['age']}"
        files = sorted(p.name for p in (drawn.root / "train/images" / row["path"]).iterdir())
        images = [f for f in files if not f.startswith(".")]
        assert [Path(f).stem for f in images] == sorted(STEMS)
        assert [f for f in files if f.startswith(".")] == [f"._{f}" for f in images]
        kinds.update(Path(f).suffix[1:] for f in images)
    assert kinds == {k: drawn.files[k] for k in ("jpg", "jpeg", "png")}
    assert (kinds["png"], kinds["jpeg"]) == (14, 8)  # two folders; one folder and one file of a mixed folder
    assert (drawn.files["mixed_folders"], drawn.files["litter"]) == (1, PEOPLE * 7)
    assert drawn.images == sum(drawn.classes) == PEOPLE * 7
    assert min(drawn.classes) > 0


def test_images_have_the_size_and_the_litter_is_no_image(drawn: FacesReport) -> None:
    folder = next((drawn.root / "train/images").iterdir())
    for path in folder.iterdir():
        if path.name.startswith("._"):
            with pytest.raises(OSError, match="cannot identify"):
                Image.open(path)
        else:
            with Image.open(path) as image:
                image.load()
                assert (image.size, image.mode) == (SIZE, "RGB")


def test_evaluation_folder_tells_nothing(drawn: FacesReport) -> None:
    info = rows(drawn.root / "eval/info.csv")
    truth = rows(drawn.root / "eval_truth.csv")
    assert len(info) == drawn.evaluation_images == 8 * 7
    assert {row["ans"] for row in info} == {"0"}
    assert all(re.fullmatch(r"[0-9a-f]{40}\.jpg", row["ImageID"]) for row in info)
    on_disk = {p.name for p in (drawn.root / "eval/images").iterdir() if not p.name.startswith(".")}
    assert on_disk == {row["ImageID"] for row in info}
    assert [row["ImageID"] for row in truth] == [row["ImageID"] for row in info]
    for row in truth:
        assert int(row["ans"]) == joint_class(row["mask"], row["gender"], int(row["age"]))
    assert {int(row["ans"]) % 6 for row in truth} == set(range(6))


def test_planted_errors_are_what_lies_on_disk(drawn: FacesReport) -> None:
    listed = [tuple(row.values()) for row in rows(drawn.root / "planted_errors.csv")]
    assert listed == [(e.folder, e.file, e.attribute, e.true, e.written) for e in drawn.errors]
    assert Counter(e.attribute for e in drawn.errors) == {"mask": 2, "gender": 7, "age": 7}
    truth = {row["path"]: row for row in rows(drawn.root / "train_truth.csv")}
    wrong = {(e.folder, e.attribute): e for e in drawn.errors}
    for row in rows(drawn.root / "train/train.csv"):
        for attribute in ("gender", "age"):
            error = wrong.get((row["path"], attribute))
            assert (error is None) == (truth[row["path"]][attribute] == row[attribute])
            if error is not None:
                assert (error.true, error.written) == (truth[row["path"]][attribute], row[attribute])
    for error in drawn.errors:
        assert (drawn.root / "train/images" / error.folder / error.file).is_file()


def test_a_swap_exchanges_two_files_and_a_flip_the_drawn_gender(tmp_path: Path) -> None:
    plain = make_faces(tmp_path / "plain", identities=12, size=SIZE, label_errors=False, workers=1)
    wrong = make_faces(
        tmp_path / "wrong", identities=12, size=SIZE, label_errors={"swapped": 1, "flipped": 1}, workers=1
    )
    assert plain.errors == ()
    before, after = digests(plain.root / "train/images"), digests(wrong.root / "train/images")
    changed = {Path(name).parent.name for name in before if before[name] != after[name]}
    assert changed == {e.folder for e in wrong.errors}
    (swapped,) = {e.folder for e in wrong.errors if e.attribute == "mask"}
    files = [e.file for e in wrong.errors if e.folder == swapped]
    assert [after[f"{swapped}/{f}"] for f in files] == [before[f"{swapped}/{f}"] for f in reversed(files)]
    kept = [name for name in before if name.startswith(f"{swapped}/mask")]
    assert len(kept) == 5
    assert all(after[name] == before[name] for name in kept)


@pytest.mark.slow
def test_workers_change_nothing(tmp_path: Path) -> None:
    one = make_faces(tmp_path / "one", identities=14, size=SIZE, evaluation_identities=6, seed=5, workers=1)
    two = make_faces(tmp_path / "two", identities=14, size=SIZE, evaluation_identities=6, seed=5, workers=2)
    assert digests(one.root) == digests(two.root)
    assert one.apparent_age == two.apparent_age


def test_seed_changes_people_and_the_same_seed_does_not() -> None:
    first, _ = photographs(40, "female", 3.0, SIZE, (0, 1))
    again, _ = photographs(40, "female", 3.0, SIZE, (0, 1))
    other, _ = photographs(40, "female", 3.0, SIZE, (1, 1))
    assert first["normal"].tobytes() == again["normal"].tobytes()
    assert first["normal"].tobytes() != other["normal"].tobytes()


# --- the signal -----------------------------------------------------------------------------------------


def test_apparent_age_is_the_age_with_the_noise_asked_for(drawn: FacesReport) -> None:
    truth = rows(drawn.root / "train_truth.csv")
    error = np.array([drawn.apparent_age[r["path"]] - float(r["age"]) for r in truth])
    assert abs(error.mean()) < 4 * 3.0 / np.sqrt(PEOPLE)
    assert 2.3 < error.std() < 3.7
    _, age = photographs(40, "male", 0.0, SIZE, (0, 1))
    assert age == 40


@pytest.fixture(scope="module")
def pixels(drawn: FacesReport) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The face in small thumbnails, (N, 19 x 14 x 3), with what is true of them."""
    wrong = {e.folder for e in drawn.errors}
    images, labels = [], []
    for identity, row in enumerate(rows(drawn.root / "train/train.csv")):
        if row["path"] in wrong:
            continue
        for stem, mask in MASK_OF_STEM.items():
            (path,) = (drawn.root / "train/images" / row["path"]).glob(f"{stem}.*")
            with Image.open(path) as image:
                small = np.asarray(image.resize((24, 32), Image.Resampling.BOX), dtype=np.float32) / 255
            face = small[5:24, 5:19].ravel()
            images.append(face - face.mean())
            labels.append((identity, mask, row["gender"], drawn.apparent_age[row["path"]]))
    identity, mask, gender, age = (np.array(column) for column in zip(*labels, strict=True))
    return np.stack(images), {"identity": identity, "mask": mask, "gender": gender, "age": age}


def test_a_linear_model_on_small_pixels_tells_the_masks_of_unseen_people(
    pixels: tuple[np.ndarray, dict[str, np.ndarray]],
) -> None:
    x, true = pixels
    model = RidgeClassifier(alpha=30.0, class_weight="balanced")
    found = cross_val_predict(model, x, true["mask"], groups=true["identity"], cv=GroupKFold(4))
    recalls = [np.mean(found[true["mask"] == m] == m) for m in ("wear", "incorrect", "normal")]
    assert np.mean(recalls) > 0.72, recalls  # chance is 0.33


def test_a_linear_model_on_small_pixels_tells_age_and_gender_of_unseen_people(
    pixels: tuple[np.ndarray, dict[str, np.ndarray]],
) -> None:
    x, true = pixels
    age, gender = true["age"], true["gender"]
    split = {"groups": true["identity"], "cv": GroupKFold(8)}
    found = cross_val_predict(Ridge(30.0), x, age, **split)
    assert np.corrcoef(found, age)[0, 1] > 0.55
    guessed = cross_val_predict(RidgeClassifier(30.0, class_weight="balanced"), x, gender, **split)
    assert np.mean([np.mean(guessed[gender == g] == g) for g in ("male", "female")]) > 0.62


def test_a_identitys_photographs_share_the_background_and_differ(drawn: FacesReport) -> None:
    corners, whole = {}, {}
    for row in rows(drawn.root / "train/train.csv")[:20]:
        folder = drawn.root / "train/images" / row["path"]
        photos = [np.asarray(Image.open(next(folder.glob(f"mask{i}.*"))), dtype=float) for i in (1, 2)]
        corners[row["path"]] = [p[:8].reshape(8, 6, 8, 3).mean((0, 2)) for p in photos]
        whole[row["path"]] = photos
    same = [np.abs(a - b).mean() for a, b in corners.values()]
    firsts = [a for a, _ in corners.values()]
    other = [np.abs(a - b).mean() for a, b in pairwise(firsts)]
    assert np.median(same) < 0.5 * np.median(other)
    assert all(np.abs(a - b).mean() > 2 for a, b in whole.values())


# --- the sheet, and what is refused ---------------------------------------------------------------------


def test_contact_sheet_shows_columns_of_three_and_none_with_a_planted_error(
    drawn: FacesReport, tmp_path: Path
) -> None:
    path = contact_sheet(drawn, tmp_path / "sheet.png", identities=5, width=60)
    with Image.open(path) as sheet:
        assert sheet.size == (5 * 60, 3 * 80 + 18)
        assert len(sheet.convert("RGB").getcolors(100_000) or []) > 100
    assert contact_sheet(drawn.root, tmp_path / "sheet.jpg", identities=2).stat().st_size > 1000
    with pytest.raises(ArgumentError, match=r"source must be a folder that make_faces wrote: .* is missing"):
        contact_sheet(tmp_path, tmp_path / "none.png")
    with pytest.raises(
        ArgumentError, match="identities must be at least 1 and width at least 16 pixels: got 0"
    ):
        contact_sheet(drawn, tmp_path / "none.png", identities=0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"identities": 5}, r"identities must be at least 12 .*: got 5"),
        ({"evaluation_identities": 3}, r"evaluation_identities must be 0 or at least 6 .*: got 3"),
        ({"size": (8, 8)}, r"size must be \(width, height\) within 24\.\.2048 pixels: got \(8, 8\)"),
        ({"age_noise": -1.0}, r"age_noise must be 0 or more years: got -1\.0"),
        ({"age_noise": float("nan")}, r"age_noise must be 0 or more years: got nan"),
        ({"seed": -1}, r"seed must be 0 or more: got -1"),
        ({"workers": 0}, r"workers must be at least 1, or None for one a core: got 0"),
        ({"label_errors": {"mask": 1}}, r"label_errors knows swapped, flipped, age: got 'mask'"),
        ({"label_errors": {"age": -1}}, r"label_errors counts identities, 0 or more: got \{'age': -1\}"),
        ({"label_errors": {"age": 13}}, r"label_errors must not exceed identities: got 13 of 12"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(ArgumentError, match=f"^{message}$"):
        make_faces(tmp_path / "new", **{"identities": 12, "size": SIZE, **wrong})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_content_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(
        ArgumentError, match=r"root must be a new or empty folder: .* is not; name another or empty it"
    ):
        make_faces(tmp_path, identities=12, size=SIZE, workers=1)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_interrupted_drawing_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        assert total == 12 * 7
        if done >= 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_faces(tmp_path / "new", identities=12, size=SIZE, workers=1, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_script_without_a_main_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from metric_face.synthetic_faces.faces import make_faces\n"
        f"make_faces({str(tmp_path / 'out')!r}, identities=12, size=(48, 64), workers=2)\n"
    )
    root = str(Path(__file__).parents[1])
    found = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 1
    assert "call make_faces under 'if __name__ == \"__main__\":', or pass workers=1" in found.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["script.py"]


@pytest.mark.parametrize("size", [(24, 32), (64, 64), (101, 57), (384, 512)])
def test_any_size_can_be_drawn(size: tuple[int, int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(1 if size[0] > 200 else 3):
            images, _ = photographs(60 - seed, "male" if seed % 2 else "female", 3.0, size, (seed, 0))
            assert {i.size for i in images.values()} == {size}
            assert set(images) == set(STEMS)
