"""Kinds of fault of the second round: the true cause first, its effects left to it, nothing on the twin."""

import numpy as np
import pandas as pd
import pytest
from diagnosis_cases import found
from sklearn.linear_model import Ridge
from sklearn.metrics import f1_score, roc_auc_score

from benchmarks.fault_worlds import arguments, draw, fitted
from benchmarks.more_faults import MORE, few_epochs, in_one_class, one_holds, two_modes
from metric_face import diagnose, load_config
from metric_face.diagnosis.inputs import context_of
from metric_face.diagnosis.measures.exchanged_classes import exchanged_classes
from metric_face.diagnosis.measures.log_shape import still_improving
from metric_face.diagnosis.measures.one_sided_labels import one_sided
from metric_face.diagnosis.measures.shifted_labels import shifted
from metric_face.diagnosis.report.cards import null_text
from metric_face.diagnosis.report.sentences import finding_text, words
from metric_face.training import averaged_start

KINDS = {kind.name: kind for kind in MORE}


def _context(world):
    given = arguments(world)
    return context_of(given.pop("embeddings"), given.pop("labels"), given.pop("identities"), **given)


@pytest.mark.parametrize(
    ("name", "effects"),
    [
        ("brighter validation", {"generalization.overfit", "sources.head"}),
        ("labels one row too low", {"label_errors.swapped"}),
        ("averaged weights are the start", {"generalization.underfit", "sources.head"}),
        ("three epochs", {"label_errors.exchanged", "overlap.classes"}),
        ("mirrored where sides matter", {"overlap.classes", "sources.head"}),
        ("two classes dealt anew", {"signal.none"}),
        ("an attribute made from another", {"rare.no_such_class", "rare.classes"}),
    ],
)
def test_the_true_cause_is_first_and_its_effects_give_no_advice(name, effects) -> None:
    kind = KINDS[name]
    result = diagnose(**arguments(kind.make(0)))
    assert found(result)[0] in kind.found_as
    assert not effects & set(found(result))
    for lang in ("en", "ko"):
        text = finding_text(result.findings[0], lang)
        assert all(text.values())
        assert "{" not in "".join(text.values())


def test_nothing_is_found_on_the_world_without_a_fault() -> None:
    assert found(diagnose(**arguments(fitted(draw(0))))) == []


def test_labels_of_the_next_row_by_hand() -> None:
    rng = np.random.default_rng(0)
    labels, folds = rng.integers(0, 2, 240), np.arange(240) % 3
    features = np.column_stack([labels + 0.5 * rng.normal(size=240), rng.normal(size=240)])
    features -= features.mean(axis=0)
    assert shifted(features, {"a": labels}, {"a": 2}, folds) is None
    for by, offset in ((1, 1), (-1, -1)):
        found = shifted(features, {"a": np.roll(labels, by)}, {"a": 2}, folds)
        assert found.offset == offset
        area = 0.0
        scores = np.zeros(240)
        for fold in range(3):
            mine = folds == fold
            scores[mine] = Ridge(alpha=1e-6).fit(features[~mine], labels[~mine]).predict(features[mine])
        area = roc_auc_score(labels, scores)
        assert found.better == pytest.approx(area, abs=0.01)
        assert found.own == pytest.approx(0.5, abs=0.1)


def test_labels_wrong_in_one_direction_are_named_with_their_rows() -> None:
    world = in_one_class(0.35)(draw(0), np.random.default_rng(0))
    planted = np.flatnonzero(world["labels"]["kind"] != world["truth"]["kind"])
    (first, *_) = one_sided(_context(world), "kind")
    assert (first.written, first.seen) == (0, 1)
    hits = np.isin(first.rows, planted).sum()
    assert hits / len(first.rows) > 0.9
    assert hits / len(planted) > 0.9


def test_a_wrong_direction_is_the_same_whichever_class_has_the_smaller_code() -> None:
    world = in_one_class(0.35)(draw(0), np.random.default_rng(0))
    (forward, *_) = one_sided(_context(world), "kind")
    kind = world["labels"]["kind"]
    swapped = np.where(kind < 2, 1 - kind, kind)
    (backward, *_) = one_sided(_context(world | {"labels": world["labels"] | {"kind": swapped}}), "kind")
    assert (backward.written, backward.seen) == (forward.seen, forward.written) == (1, 0)
    shared = len(np.intersect1d(forward.rows, backward.rows))
    assert shared / max(len(forward.rows), len(backward.rows)) > 0.95


def test_fewer_identities_than_dimensions_show_no_labels_wrong_in_one_direction() -> None:
    build = {"identities": 120, "dimensions": 128}
    assert one_sided(_context(in_one_class(0.35)(draw(0, **build), np.random.default_rng(0))), "kind") == []


def test_a_class_of_two_modes_is_no_wrong_label_and_no_exchange() -> None:
    context = _context(two_modes(draw(0), np.random.default_rng(0)))
    assert one_sided(context, "kind") == []
    assert exchanged_classes(context, "kind") == []


def test_a_training_of_few_epochs_is_still_improving_where_its_last_was_best_and_the_loss_fell() -> None:
    def log(scores, losses):
        return pd.DataFrame({"loss": losses}).join(pd.DataFrame({"val/macro_f1": scores}))

    falling = np.linspace(2, 1, 40)
    assert still_improving(log([0.2, 0.3, 0.4], falling)) == pytest.approx(0.1)
    assert still_improving(log([0.2, 0.4, 0.41], falling)) is None
    assert still_improving(log([0.2, 0.5, 0.4], falling)) is None
    assert still_improving(log([0.2, 0.3, 0.4], np.minimum(falling, 1.9)[::-1])) is None


def test_the_share_of_the_start_in_averaged_weights() -> None:
    config = load_config("small", ["trainer.ema=0.9"])
    weights = 1.0
    for _ in range(20):
        weights *= 0.9
    assert averaged_start(config, 20) == pytest.approx(weights)
    assert averaged_start(load_config("small", ["trainer.ema=0"]), 20) == 0


def test_classes_that_no_image_has_cost_what_scikit_learn_says() -> None:
    world = KINDS["an attribute made from another"].make(0)
    result = diagnose(**arguments(world), questions=["rare"])
    (finding,) = result.findings
    rows = world["split"] == "val"
    truth, guess = (
        sum(
            weight * (values[a].argmax(axis=1) if values[a].ndim > 1 else values[a])
            for a, weight in (("kind", 4), ("worn", 2), ("group", 1))
        )[rows]
        for values in (world["labels"], world["probabilities"])
    )
    whole = f1_score(truth, guess, average="macro")
    real = f1_score(truth, guess, average="macro", labels=np.unique(truth))
    assert finding.id == "rare.no_such_class"
    assert finding.measure.value == pytest.approx(real - whole)


def test_one_identity_that_holds_a_class_is_named_with_the_score_of_identities_alike() -> None:
    world = one_holds(0.66)(draw(0), np.random.default_rng(0))
    (finding,) = (
        f for f in diagnose(**arguments(world), questions=["rare"]).findings if f.id == "rare.one_identity"
    )
    kind, who, rows = world["labels"]["kind"], world["identities"], world["split"] == "val"
    truth = 2 * kind + world["labels"]["worn"]
    guess = 2 * world["probabilities"]["kind"].argmax(1) + world["probabilities"]["worn"].argmax(1)
    weights = np.zeros(len(kind))
    for code in np.unique(truth[rows]):
        mine = np.flatnonzero(rows & (truth == code))
        present = np.unique(who[mine])
        for one in present:
            own = mine[who[mine] == one]
            weights[own] = len(mine) / len(present) / len(own)
    expected = f1_score(truth[rows], guess[rows], average="macro", sample_weight=weights[rows])
    assert finding.values["alike"] == pytest.approx(expected)
    assert len(np.unique(who[finding.rows])) == 1


def test_under_training_is_named_by_a_log_of_three_epochs() -> None:
    result = diagnose(
        **arguments(few_epochs(draw(1), np.random.default_rng(1))), questions=["generalization"]
    )
    assert found(result) == ["generalization.underfit"]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_no_sentence_speaks_of_identities_where_none_are_known(lang) -> None:
    texts = []
    for build, plant in (
        ({"shares": (0.6, 0.3, 0.1), "gap": 2.0}, False),
        ({"identities": 90, "gap": 2.0}, True),
    ):
        world = fitted(draw(0, each=1, **build), strength=50.0 if plant else 0.05)
        result = diagnose(**{k: v for k, v in arguments(world).items() if k != "identities"})
        texts += [
            *result.lines(lang)[:-2],
            *(" ".join(finding_text(f, lang).values()) for f in result.findings),
        ]
        assert result.findings
    word = "identit" if lang == "en" else "개체"
    assert [text for text in texts if word in text] == []


def test_held_out_images_that_are_recognized_badly_are_no_wrong_labels() -> None:
    """A class of which part of the held-out images lies with another, and none of the training images does."""
    world = draw(0)
    kind, who = world["labels"]["kind"], world["identities"]
    means = [world["embeddings"][kind == code].mean(axis=0) for code in (0, 1)]
    bad = (world["split"] == "val") & (kind == 0) & (np.arange(who.max() + 1) % 3 == 0)[who]
    world["embeddings"][bad] += means[1] - means[0]
    assert one_sided(_context(fitted(world)), "kind") == []
    assert exchanged_classes(_context(fitted(world)), "kind") == []


def test_what_cleanlab_names_among_few_identities_is_left_open_and_no_finding() -> None:
    result = diagnose(**arguments(fitted(draw(2, identities=100, gap=2.0))), questions=["label_errors"])
    assert found(result) == []
    left = {one.values["attribute"]: one.values["count"] for one in result.abstentions}
    rows = {row[0]: row[4] for row in result.tables["label_errors.suspects"].rows}
    assert left == {name: count for name, count in rows.items() if count >= 5}
    assert left


def test_a_null_is_called_what_it_is() -> None:
    """The null of an area is the area of labels that say nothing, and not what it is where nothing is wrong."""
    moved = diagnose(**arguments(KINDS["labels one row too low"].make(0)), questions=["signal"]).findings
    (one,) = (finding for finding in moved if finding.id == "signal.shifted")
    assert null_text(one, "en") == "{null} with the labels of the other row"
    assert "행" in null_text(one, "ko")
    for name, text in words("en").findings.items():
        if name in ("signal.none", "overlap.classes", "shift.prior"):
            assert "nothing is wrong" not in text["null"]
