"""Fusion: members where they are planted, a gain that is not the choice's own, folds, and the files."""

import numpy as np
import pandas as pd
import pytest
from fold_cases import predictions_of

from metric_face.data.attribute import Attribute
from metric_face.data.labels import LabelSpace
from metric_face.data.table import ImageTable
from metric_face.embeddings.embeddings import Embeddings
from metric_face.embeddings.prediction_csv import read_predictions, write_predictions, write_submission
from metric_face.embeddings.predictions import Predictions, pool_folds
from metric_face.ensemble import soft_vote as fusion
from metric_face.ensemble.fusion_plan import fixed_plan
from metric_face.ensemble.soft_vote import choose_members
from metric_face.errors import ArgumentError, DataError
from metric_face.metrics import macro_f1

SPACE = LabelSpace(
    (
        Attribute("mask", ("wear", "incorrect", "normal")),
        Attribute("gender", ("male", "female")),
        Attribute.binned("age", (30, 60)),
    )
)


def draw_truth(identities=150, seed=0):
    rng = np.random.default_rng(seed)
    identity = np.repeat(np.arange(identities), 7)
    truth = {
        "mask": np.tile([0, 0, 0, 0, 0, 1, 2], identities),
        "gender": rng.integers(0, 2, identities)[identity],
        "age": rng.choice(3, identities, p=[0.5, 0.35, 0.15])[identity],
    }
    images = np.array([f"images/p{p:03d}_{i}.jpg" for i, p in enumerate(identity)])
    return images, truth, identity


def draw_run(name, images, truth, right, seed):
    """Probabilities: the true class leads with chance right[attribute], image by image."""
    rng = np.random.default_rng(seed)
    tables = {}
    for attribute in SPACE.attributes:
        codes = truth[attribute.name]
        said = np.where(
            rng.random(len(codes)) < right[attribute.name],
            codes,
            rng.integers(0, attribute.num_classes, len(codes)),
        )
        table = np.eye(attribute.num_classes)[said] + rng.uniform(
            0.2, 0.8, (len(codes), attribute.num_classes)
        )
        tables[attribute.name] = table / table.sum(axis=1, keepdims=True)
    return Predictions(name, images, tables)


IMAGES, TRUTH, PEOPLE = draw_truth()
GOOD_AT_AGE = draw_run("age_run", IMAGES, TRUTH, {"mask": 0.8, "gender": 0.8, "age": 0.95}, 1)
GOOD_AT_REST = draw_run("rest_run", IMAGES, TRUTH, {"mask": 0.99, "gender": 0.99, "age": 0.6}, 2)


def test_each_attribute_comes_from_the_run_that_is_good_at_it():
    plan = choose_members([GOOD_AT_AGE, GOOD_AT_REST], IMAGES, TRUTH, PEOPLE, SPACE)
    first = {member.attribute: member.runs[0] for member in plan.members}
    assert first == {"mask": "rest_run", "gender": "rest_run", "age": "age_run"}
    assert plan.base in ("age_run", "rest_run")
    assert plan.gain.low > 0.1
    assert plan.macro_f1 > plan.base_macro_f1 + 0.1
    fused = plan.apply([GOOD_AT_AGE, GOOD_AT_REST])
    joint = SPACE.joint(TRUTH)
    assert macro_f1(joint, SPACE.joint(fused.codes()), 18) == pytest.approx(plan.macro_f1)
    for member in plan.members:
        codes = GOOD_AT_AGE.codes()[member.attribute]
        assert member.by_run["age_run"] == pytest.approx(macro_f1(TRUTH[member.attribute], codes))


def test_the_joint_class_is_mask_6_gender_3_age(tmp_path):
    codes = {"mask": np.array([2, 0]), "gender": np.array([1, 0]), "age": np.array([2, 1])}
    one = predictions_of("a", ["x/1.jpg", "x/2.jpg"], codes, SPACE)
    written = pd.read_csv(write_submission(tmp_path / "info.csv", one, SPACE))
    assert written.to_dict("list") == {"ImageID": ["1.jpg", "2.jpg"], "ans": [17, 1]}


def test_soft_vote_of_equal_runs_beats_each():
    right = {"mask": 0.7, "gender": 0.7, "age": 0.7}
    runs = [draw_run(f"r{i}", IMAGES, TRUTH, right, i) for i in range(5)]
    plan = choose_members(runs, IMAGES, TRUTH, PEOPLE, SPACE)
    assert all(len(member.runs) >= 3 for member in plan.members)
    assert plan.gain.low > 0


def test_the_reported_gain_is_smaller_than_the_one_the_choice_saw():
    """Choosing among six runs of equal worth looks better on the images chosen on than on others."""
    images, truth, identity = draw_truth(60, seed=5)
    looks, honest = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        runs = []
        for name in "abcdef":
            codes = {
                a.name: np.where(
                    rng.random(len(images)) < 0.5, truth[a.name], rng.integers(0, a.num_classes, len(images))
                )
                for a in SPACE.attributes
            }
            runs.append(predictions_of(name, images, codes, SPACE))
        plan = choose_members(runs, images, truth, identity, SPACE, resamples=200)
        looks.append(plan.macro_f1 - plan.base_macro_f1)
        honest.append(plan.gain.value)
        assert plan.gain.low <= plan.gain.value <= plan.gain.high
    assert np.mean(honest) < np.mean(looks)


def test_no_image_has_a_part_in_choosing_who_answers_for_it(monkeypatch):
    """Nor has another image of the same identity: every fold is answered by members that the other folds chose."""
    runs = [draw_run(name, IMAGES, TRUTH, {"mask": 0.8, "gender": 0.8, "age": 0.8}, 9) for name in "ab"]
    person_of = {
        row.tobytes(): identity
        for table in runs[0].probabilities.values()
        for row, identity in zip(table, PEOPLE, strict=True)
    }
    calls = []

    def recorded(kind):
        def call(tables, *_):
            calls.append((kind, {person_of[row.tobytes()] for row in tables[0]}))
            return [0] if kind == "choose" else tables[0].argmax(axis=1)

        return call

    for kind in ("choose", "vote"):
        monkeypatch.setattr(fusion, f"_{kind}", recorded(kind))
    choose_members(runs, IMAGES, TRUTH, PEOPLE, SPACE, resamples=10)
    pairs = list(zip(calls[::2], calls[1::2], strict=True))
    assert [(a, b) for (a, _), (b, _) in pairs] == [("choose", "vote")] * len(pairs)
    held_out = []
    for (_, choosing), (_, answered) in pairs:
        if choosing != answered:  # the plan itself is chosen on everybody
            assert not choosing & answered
            assert choosing | answered == set(PEOPLE.tolist())
            held_out += answered
    assert sorted(held_out) == sorted(PEOPLE[::7].tolist() * len(SPACE.names))


def test_the_vote_within_an_attribute_weighs_probabilities_not_heads():
    """Two runs that are a little for one class are outvoted by one that is sure of another."""
    tables = [np.array([[0.55, 0.45]]), np.array([[0.55, 0.45]]), np.array([[0.02, 0.98]])]
    space = LabelSpace((Attribute("gender", ("male", "female")),))
    runs = [Predictions(name, np.array(["x"]), {"gender": t}) for name, t in zip("abc", tables, strict=True)]
    fused = fixed_plan({"gender": ["a", "b", "c"]}).apply(runs)
    assert fused.codes()["gender"].tolist() == [1]
    assert space.joint(fused.codes()).tolist() == [1]
    np.testing.assert_allclose(fused.probabilities["gender"], np.mean(tables, axis=0))


def test_half_finished_folds_are_usable():
    folds = PEOPLE % 5
    done = [0, 2]
    right = {"mask": 0.9, "gender": 0.9, "age": 0.9}
    run = draw_run("whole", IMAGES, TRUTH, right, 3)
    parts = [run.take(IMAGES[folds == fold]) for fold in done]
    pooled = pool_folds("kfold", parts)
    assert len(pooled) == np.isin(folds, done).sum()
    np.testing.assert_allclose(
        pooled.take(IMAGES[folds == 2]).probabilities["age"], parts[1].probabilities["age"]
    )
    plan = choose_members([pooled, GOOD_AT_REST], IMAGES, TRUTH, PEOPLE, SPACE)
    assert plan.num_images == len(pooled)
    assert plan.num_left_out == len(IMAGES) - len(pooled)


def test_test_predictions_of_folds_are_averaged():
    tests = [draw_run(f"f{i}", IMAGES, TRUTH, {"mask": 0.8, "gender": 0.8, "age": 0.8}, i) for i in range(3)]
    pooled = pool_folds("kfold", tests)
    want = np.mean([t.probabilities["age"] for t in tests], axis=0)
    np.testing.assert_allclose(pooled.take(IMAGES).probabilities["age"], want)


def test_a_fixed_plan_takes_what_it_is_told():
    plan = fixed_plan({"mask": ["rest_run"], "gender": ["rest_run"], "age": ["age_run", "rest_run"]})
    fused = plan.apply([GOOD_AT_REST, GOOD_AT_AGE])
    np.testing.assert_array_equal(fused.images, IMAGES)
    np.testing.assert_array_equal(fused.probabilities["mask"], GOOD_AT_REST.probabilities["mask"])
    both = (GOOD_AT_AGE.probabilities["age"] + GOOD_AT_REST.probabilities["age"]) / 2
    np.testing.assert_allclose(fused.probabilities["age"], both)
    with pytest.raises(ArgumentError, match="runs must include the member 'age_run' of age, found rest_run"):
        plan.apply([GOOD_AT_REST])


def test_order_of_images_does_not_matter():
    shuffled = np.random.default_rng(0).permutation(len(IMAGES))
    other = GOOD_AT_REST.take(IMAGES[shuffled])
    plans = [
        choose_members([GOOD_AT_AGE, run], IMAGES, TRUTH, PEOPLE, SPACE, resamples=50)
        for run in (GOOD_AT_REST, other)
    ]
    assert plans[0] == plans[1]


def test_probabilities_survive_a_file(tmp_path):
    path = write_predictions(tmp_path / "age_run.csv", GOOD_AT_AGE, SPACE)
    back = read_predictions(path, SPACE)
    assert back.name == "age_run"
    np.testing.assert_array_equal(back.images, GOOD_AT_AGE.images)
    for name in SPACE.names:
        np.testing.assert_allclose(back.probabilities[name], GOOD_AT_AGE.probabilities[name], atol=1e-7)


@pytest.mark.parametrize(
    "text",
    [
        "ImageID,ans\na,17\nb,1\n",
        "path,mask,gender,age\na,normal,female,>=60\nb,wear,male,30-59\n",
        "image,mask,gender,age\na,2,1,2\nb,0,0,1\n",
        "ImageID,mask,gender,age:0,age:1,age:2\na,2,female,0,0.2,0.8\nb,0,male,0.1,0.7,0.2\n",
    ],
)
def test_every_form_of_file_says_the_same(tmp_path, text):
    file = tmp_path / "run.csv"
    file.write_text(text)
    got = read_predictions(file, SPACE)
    assert got.images.tolist() == ["a", "b"]
    assert SPACE.joint(got.codes()).tolist() == [17, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,ans\na,1\n", "needs a column ImageID, path, image without gaps; found name, ans"),
        ("ImageID,ans\na,18\n", "ans must be whole numbers 0..17, found 18"),
        ("ImageID,ans\na,\n", "ans must be whole numbers 0..17"),
        (
            "ImageID,mask,gender\na,wear,male\n",
            "needs a column 'age', or age:CLASS for every class, or 'ans'",
        ),
        (
            "ImageID,mask,gender,age\na,worn,male,<30\n",
            "mask must be one of wear, incorrect, normal, found 'worn'",
        ),
        ("ImageID,mask,gender,age\na,wear,male,7\n", "age must be whole numbers 0..2, found 7"),
        (
            "ImageID,mask,gender,age:0,age:1,age:2\na,wear,male,0.5,0.5,0.5\n",
            r"age: probabilities must be at least 0 and sum to 1, found \[0.5, 0.5, 0.5\] in row 0",
        ),
        (
            "ImageID,mask,gender,age:0,age:1,age:2\na,wear,male,x,0.5,0.5\n",
            "age: probabilities must be numbers",
        ),
        ("ImageID,ans\na,1\na,2\n", "an image must stand once, found 'a' twice"),
        ("", "must be a CSV of predictions"),
    ],
)
def test_bad_files_are_named(tmp_path, text, message):
    file = tmp_path / "run.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        read_predictions(file, SPACE)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: must be a CSV of predictions"):
        read_predictions(tmp_path / "none.csv", SPACE)


def test_heads_become_probabilities():
    rng = np.random.default_rng(0)
    joint = rng.normal(size=(4, 18)).astype(np.float32)
    table = ImageTable(pd.DataFrame({"path": list("abcd")}), root=".")
    got = Predictions.of_embeddings(
        "run", Embeddings(np.zeros((4, 2), np.float32), table, logits={"joint": joint}), SPACE
    )
    p = np.exp(joint.astype(float))
    p /= p.sum(axis=1, keepdims=True)
    for row in range(4):
        for code in range(18):
            mask, gender, age = code // 6, code // 3 % 2, code % 3
            p_mask = sum(p[row, c] for c in range(18) if c // 6 == mask)
            p_gender = sum(p[row, c] for c in range(18) if c // 3 % 2 == gender)
            p_age = sum(p[row, c] for c in range(18) if c % 3 == age)
            assert got.probabilities["mask"][row, mask] == pytest.approx(p_mask)
            assert got.probabilities["gender"][row, gender] == pytest.approx(p_gender)
            assert got.probabilities["age"][row, age] == pytest.approx(p_age)
    bare = Embeddings(np.zeros((4, 2), np.float32), table)
    with pytest.raises(ArgumentError, match="must carry logits of mask, gender, age or of joint, found none"):
        Predictions.of_embeddings("run", bare, SPACE)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: choose_members([GOOD_AT_AGE], IMAGES, TRUTH, PEOPLE, SPACE),
            ArgumentError,
            "at least two to fuse, found 1",
        ),
        (
            lambda: choose_members([GOOD_AT_AGE, GOOD_AT_AGE], IMAGES, TRUTH, PEOPLE, SPACE),
            ArgumentError,
            "runs must have different names, found age_run, age_run",
        ),
        (
            lambda: choose_members(
                [GOOD_AT_AGE, GOOD_AT_REST], IMAGES, TRUTH, np.zeros(len(IMAGES), int), SPACE
            ),
            ArgumentError,
            "at least two identities",
        ),
        (
            lambda: GOOD_AT_AGE.take(["nobody.jpg"]),
            DataError,
            "age_run: must predict every image, found none for",
        ),
        (lambda: pool_folds("k", []), ArgumentError, "folds of 'k' must be at least one"),
        (lambda: fixed_plan({}), ArgumentError, "members must name at least one run"),
        (
            lambda: write_submission("never.csv", Predictions("r", np.array(["a/1", "b/1"]), {}), SPACE),
            DataError,
            "file names must differ",
        ),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
