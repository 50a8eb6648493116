"""Training against held-out: each fault in a world whose head is really fitted, and the same world without it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from diagnosis_cases import found
from scipy.stats import norm
from sklearn.metrics import f1_score, roc_auc_score

from benchmarks.fault_worlds import arguments, draw, ending_at, fitted, held_out_f1
from benchmarks.unseen_faults import compressed
from metric_face import diagnose
from metric_face.diagnosis.causes import without_effects
from metric_face.diagnosis.finding import Confidence, Finding, HypothesisAnswer, Measure, Verdict
from metric_face.diagnosis.inputs import context_of
from metric_face.diagnosis.measures.image_properties import PROPERTIES, blocks, of_pixels, regions
from metric_face.diagnosis.measures.log_shape import best_epoch, broken_loss, still_improving
from metric_face.diagnosis.measures.null_scores import macro_area, signal
from metric_face.diagnosis.measures.shortcuts import agreement, all_together, area
from metric_face.diagnosis.report.sentences import finding_text

ASKED = ["generalization", "signal", "overlap"]


def _why(world, questions=ASKED):
    return diagnose(**arguments(world), questions=questions)


@pytest.fixture(scope="module")
def clean():
    return _why(fitted(draw(0)))


def test_nothing_is_found_where_nothing_is_wrong(clean) -> None:
    assert found(clean) == []


def test_the_gaps_are_those_of_scikit_learn(clean) -> None:
    world = fitted(draw(0))
    table = clean.tables["generalization.gaps"]
    for name, train, held, difference, low, high in table.rows:
        for side, value in (("train", train), ("val", held)):
            rows = world["split"] == side
            guess = {a: p[rows].argmax(axis=1) for a, p in world["probabilities"].items()}
            truth = {a: v[rows] for a, v in world["labels"].items()}
            if name == "joint":
                own = (truth["kind"] * 2 + truth["worn"], guess["kind"] * 2 + guess["worn"])
            else:
                own = (truth[name], guess[name])
            assert value == pytest.approx(f1_score(*own, average="macro"))
        assert difference == pytest.approx(train - held)
        assert low < difference < high


def test_a_memorized_training_is_overfitting_and_not_overlap() -> None:
    result = _why(fitted(draw(0, identities=120, dimensions=256, gap=2.0), strength=100))
    assert found(result)[0] == "generalization.overfit"
    assert "overlap.classes" not in found(result)
    finding = result.findings[0]
    assert finding.values["train"] == pytest.approx(1.0)
    assert finding.measure.low > 0.3
    assert "merge" not in "\n".join(result.lines())


def test_the_best_epoch_is_named_where_validation_fell_since() -> None:
    world = fitted(draw(0, identities=120, dimensions=256, gap=2.0), strength=100)
    scores = np.concatenate([np.linspace(0.1, 0.6, 5), np.linspace(0.58, 0.4, 15)])
    last = world["log"].groupby("epoch").tail(1).index
    world["log"].loc[last, "val/macro_f1"] = scores
    finding = _why(world, ["generalization"]).findings[0]
    assert (finding.values["at"], finding.values["of"]) == (5, 20)
    assert finding.explained == pytest.approx(0.2)
    assert "5 of 20" in finding_text(finding)["sentence"]
    assert "best epoch" in finding_text(finding)["next"]


def _with_scores(world, scores):
    log = world["log"].copy()
    last = log.groupby("epoch").tail(1).index
    log.loc[last, "val/macro_f1"] = scores
    return world | {"log": log}


def test_a_training_that_ended_too_early() -> None:
    world = fitted(draw(0, gap=2.0))
    rising = _with_scores(world, np.linspace(0.1, held_out_f1(world), 20))
    result = _why(rising)
    assert found(result) == ["generalization.underfit"]
    assert result.findings[0].measure.value == pytest.approx(5 / 19 * (held_out_f1(world) - 0.1))
    assert "still improving" in finding_text(result.findings[0])["sentence"]
    flat = _with_scores(world, np.minimum(np.linspace(0.1, 1.5, 20), 1) * held_out_f1(world))
    assert "generalization.underfit" not in found(_why(flat))


def test_labels_of_other_rows_are_called_unrelated_and_never_merged() -> None:
    world = draw(0)
    order = np.random.default_rng(0).permutation(len(world["identities"]))
    world["labels"] = {a: v[order] for a, v in world["labels"].items()}
    result = _why(fitted(world))
    assert found(result) == ["signal.none"]
    answer = next(a for a in result.answers if a.hypothesis == "A")
    assert answer.verdict is not Verdict.SUPPORTED
    text = "\n".join(result.lines())
    assert "merge" not in text
    assert "Every attribute is at chance" in text


def test_one_dead_attribute_is_named_and_the_others_are_not() -> None:
    world = draw(1)
    who = world["identities"]
    world["labels"] |= {"mood": np.random.default_rng(1).integers(0, 2, who.max() + 1)[who]}
    result = _why(fitted(world))
    assert found(result) == ["signal.none"]
    assert result.findings[0].values["attributes"] == ("mood",)
    assert result.findings[0].explained > 0.2


def test_too_few_identities_do_not_show_that_a_signal_is_absent() -> None:
    world = draw(1, identities=40, each=2)
    world["labels"]["kind"] = np.random.default_rng(2).permutation(world["labels"]["kind"][::2]).repeat(2)
    result = _why(fitted(world), ["signal"])
    assert found(result) == []
    assert {a.reason for a in result.abstentions} >= {"too_few_for_signal"}


def _brightened(tied_in_validation):
    """One value of ``worn`` is bright in training; the head reads brightness."""
    world, rng = draw(0), np.random.default_rng(3)
    train = world["split"] == "train"
    worn = world["labels"]["worn"] == 1
    bright = np.where(train | tied_in_validation, worn, rng.random(len(worn)) < 0.5)
    world["images"][bright] = np.clip(world["images"][bright].astype(int) + 60, 0, 255)
    world["embeddings"][:, 0] += 10 * (bright - 0.5)
    return fitted(world, strength=1.0)


def test_a_shortcut_is_named_by_its_property() -> None:
    result = _why(_brightened(tied_in_validation=False))
    assert found(result)[0] == "generalization.shortcut"
    assert result.findings[0].values["property"] == "brightness"
    assert result.findings[0].values["attribute"] == "worn"
    assert "brightness" in finding_text(result.findings[0])["title"]
    assert "밝기" in finding_text(result.findings[0], "ko")["title"]
    assert "overlap.classes" not in found(result)


def test_a_property_that_belongs_to_the_class_is_no_shortcut() -> None:
    assert found(_why(_brightened(tied_in_validation=True))) == []


def test_a_hint_that_the_model_does_not_go_by_is_possible_and_accounts_for_nothing() -> None:
    world = draw(0)
    tied = np.where(world["split"] == "train", world["labels"]["worn"] == 1, np.arange(1500) % 2 == 0)
    corner = (
        world["images"][tied, -5:, -5:].astype(int) + 60
    )  # a bright spot, of which the embedding holds nothing
    world["images"][tied, -5:, -5:] = np.clip(corner, 0, 255)
    result = _why(fitted(world))
    assert found(result) == ["generalization.shortcut"]
    first = result.findings[0]
    assert first.confidence is Confidence.POSSIBLE
    assert first.values["property"] == "bottom_right"
    assert first.values["remedy"] == "unseen"
    for lang in ("en", "ko"):
        assert "50%" in finding_text(first, lang)["sentence"]
    other = replace(first, id="overlap.classes", values={"attribute": "worn"})
    assert [f.id for f in without_effects([first, other], [])[0]] == [first.id, other.id]
    goes_by = replace(first, values=dict(first.values) | {"remedy": "known"})
    assert [f.id for f in without_effects([goes_by, other], [])[0]] == [first.id]


def test_images_that_differ_in_several_properties_a_little_are_told_apart_by_all_together() -> None:
    rng = np.random.default_rng(4)
    context = context_of(**arguments(fitted(draw(0))))
    rows = (np.flatnonzero(context.in_train)[:300], np.flatnonzero(context.in_held_out)[:300])
    same = [rng.normal(size=(300, 6)) for _ in rows]
    assert all_together(context, rows, same) == pytest.approx(0.5, abs=0.06)
    moved = [same[0], same[1] + 0.5]
    # six independent normal values moved by half a standard deviation: Phi(d / sqrt 2), d = 0.5 sqrt 6
    assert all_together(context, rows, moved) == pytest.approx(
        norm.cdf(0.5 * np.sqrt(6) / np.sqrt(2)), abs=0.04
    )
    unknown = [np.column_stack([side, np.full(300, np.nan)]) for side in moved]
    assert all_together(context, rows, unknown) == all_together(context, rows, moved)


def test_saving_as_jpeg_shows_at_the_borders_of_its_blocks() -> None:
    rng = np.random.default_rng(3)
    smooth = np.repeat(np.repeat(rng.integers(60, 200, (16, 16, 3)), 6, axis=0), 6, axis=1).astype(np.uint8)
    saved = compressed(smooth[None])[0]
    assert blocks(saved) > blocks(smooth) + 0.3
    moved = np.roll(saved, (3, 3), axis=(0, 1))
    assert blocks(moved) < blocks(saved) - 0.3
    assert np.isnan(blocks(smooth[:16, :16]))


def test_regions_are_means_less_the_whole() -> None:
    image = np.full((9, 9, 3), 100, dtype=np.uint8)
    image[6:, 6:] = 190
    found = dict(zip(PROPERTIES[7:16], regions(image), strict=True))
    assert found["bottom_right"] == pytest.approx(80)
    assert found["top"] == pytest.approx(-10)


def test_agreement_is_kendalls_share_of_concordant_pairs_within_labels() -> None:
    rng = np.random.default_rng(2)
    values, positive = rng.normal(size=60), np.arange(60) < 30
    scores = values + 5 * positive + rng.normal(size=60)
    pairs = [(i, j) for i in range(60) for j in range(i) if positive[i] == positive[j]]
    share = np.mean([(values[i] > values[j]) == (scores[i] > scores[j]) for i, j in pairs])
    assert agreement(values, scores, positive)[0] == pytest.approx(share)
    draws = [agreement(rng.normal(size=60), scores, positive) for _ in range(400)]
    assert np.std([value for value, _ in draws]) == pytest.approx(draws[0][1], rel=0.15)
    assert agreement(values, np.zeros(60), positive) == (0.5, 0.5)


def test_other_shares_in_validation_with_what_removing_the_prior_gives() -> None:
    build = {"shares": (0.7, 0.2, 0.1), "gap": 2.0, "identities": 500}
    world = draw(0, **build)
    own = world["labels"]["kind"].reshape(-1, 5)[:, 0]
    held = np.random.default_rng(0).random(len(own)) < np.array([0.15, 0.5, 0.9])[own]
    world["split"] = np.where(held[world["identities"]], "val", "train")
    world = fitted(world)
    result = _why(world, ["generalization"])
    assert found(result) == ["generalization.prior"]
    rows = world["split"] == "val"
    kind, worn = world["labels"]["kind"], world["labels"]["worn"]
    train = np.bincount(kind[~rows], minlength=3) / (~rows).sum()
    asked = np.bincount(kind[rows], minlength=3) / rows.sum()
    better = (world["probabilities"]["kind"][rows] * asked / train).argmax(axis=1)
    guess = 2 * better + world["probabilities"]["worn"][rows].argmax(axis=1)
    gained = f1_score(2 * kind[rows] + worn[rows], guess, average="macro") - held_out_f1(world)
    assert result.findings[0].measure.value == pytest.approx(gained)
    assert found(_why(fitted(draw(0, **build)), ["generalization"])) == []


@pytest.mark.parametrize("how", ["not_finite", "infinite", "blown_up", "jumping"])
def test_a_broken_loss_comes_first(how) -> None:
    world = fitted(draw(0, identities=80), strength=1e-5)
    log = world["log"].copy()
    columns = ["loss", "loss/joint/ce"]
    if how == "not_finite":
        log.loc[100:, columns] = np.nan
    elif how == "infinite":
        log.loc[100:, columns] = np.inf
    elif how == "blown_up":
        log.loc[100:, columns] *= 1000
    else:
        log[columns] = 2.0
        log["update_ratio"] = 0.2
    result = _why(world | {"log": log})
    assert found(result)[0] == "generalization.diverged"
    assert "learning rate" in finding_text(result.findings[0])["next"]


def test_the_log_is_read_by_hand() -> None:
    log = pd.DataFrame({"lr": [1e-3] * 8, "loss": [4.0, 3, 2, 1, 1, 1, 1, 1], "val/macro_f1": [0.1, 0.9] * 4})
    best = best_epoch(log)
    assert (best.best, best.at, best.of, best.last) == (0.9, 2, 8, 0.9)
    assert broken_loss(log) is None
    assert still_improving(log) is None
    assert still_improving(None) is None
    assert still_improving(log.assign(**{"val/macro_f1": np.linspace(0, 0.7, 8)})) == pytest.approx(0.2)
    assert still_improving(pd.DataFrame({"loss": [8.0, 7, 6, 5, 4, 3, 2, 1]})) == 0.0
    assert broken_loss(pd.DataFrame({"epoch": range(9), "loss": [1.0, np.nan, np.nan] * 3})) is None


def test_areas_are_those_of_scikit_learn() -> None:
    from scipy.stats import rankdata

    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 200)
    scores = rng.normal(size=(200, 3)).round(1) + np.eye(3)[labels]
    expected = np.mean([roc_auc_score(labels == c, scores[:, c]) for c in range(3)])
    assert macro_area(rankdata(scores, axis=0), labels) == pytest.approx(expected)
    assert area(scores[:, 0], labels == 0)[0] == pytest.approx(roc_auc_score(labels == 0, scores[:, 0]))
    one = signal(scores, labels, np.arange(200), 0)
    assert one.null == pytest.approx(0.5, abs=0.01)
    assert not one.absent
    assert signal(rng.normal(size=(200, 3)), labels, np.arange(200), 0).absent


def test_each_property_answers_to_its_own_change() -> None:
    rng = np.random.default_rng(6)
    image = np.clip(128 + 40 * rng.normal(size=(24, 24, 3)), 0, 255).astype(np.uint8)
    plain = dict(zip(PROPERTIES, of_pixels(image), strict=False))
    assert plain["brightness"] == pytest.approx(image.mean())
    assert plain["warmth"] == pytest.approx(image[..., 0].mean() - image[..., 2].mean())
    level = np.repeat(image.mean(axis=2)[..., None], 3, axis=2).astype(np.uint8)
    gray = dict(
        zip(
            PROPERTIES,
            of_pixels(level),
            strict=False,
        )
    )
    assert gray["color"] == pytest.approx(0, abs=1e-9)
    assert plain["color"] > 0.1
    smooth = np.repeat(np.repeat(image[::4, ::4], 4, axis=0), 4, axis=1)
    assert dict(zip(PROPERTIES, of_pixels(smooth), strict=False))["sharpness"] < plain["sharpness"]
    right = image.copy()
    right[:, :12] = 128
    assert dict(zip(PROPERTIES, of_pixels(right), strict=False))["left_right"] > plain["left_right"] + 0.2


def test_an_effect_is_left_to_its_cause_of_the_same_attribute_only() -> None:
    def make(name, **values):
        return Finding(name, Measure(0.5), values)

    shared = HypothesisAnswer("A", Verdict.SUPPORTED, "shared", Measure(0.8), {"attribute": "age"})
    dead = make("signal.none", attributes=("age",))
    kept, answers, left = without_effects(
        [dead, make("overlap.classes", attribute="age"), make("overlap.classes", attribute="mask")], [shared]
    )
    assert [(f.id, f.values.get("attribute")) for f in kept] == [
        ("signal.none", None),
        ("overlap.classes", "mask"),
    ]
    assert (answers[0].verdict, answers[0].reason) == (Verdict.CANNOT_TELL, "cause_first")
    assert [a.values for a in left] == [{"effect": "overlap.classes", "cause": "signal.none"}]
    gap = make("generalization.overfit")
    for alone, cause in ((True, "overlap.classes"), (False, "generalization.overfit")):
        kept, _, _ = without_effects([gap, make("overlap.classes", attribute="age", alone=alone)], [])
        assert [f.id for f in kept] == [cause]
    kept, answers, left = without_effects([make("overlap.classes", attribute="age")], [shared])
    assert len(kept) == 1
    assert answers == [shared]
    assert left == []


def test_without_predictions_or_images_it_says_what_is_missing() -> None:
    world = draw(0, identities=60)
    del world["images"]
    result = _why(world, ["generalization"])
    assert {a.reason for a in result.abstentions} == {"no_training_predictions", "no_images"}
    assert ending_at(world["log"], 0.4)["val/macro_f1"].max() == pytest.approx(0.4)
