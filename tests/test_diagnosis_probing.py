"""Out-of-fold scores: folds never share an identity, and the fits are the optimum they claim to be."""

import numpy as np
import pytest

from metric_face.diagnosis.measures import probing
from metric_face.diagnosis.measures.resampling import is_fixed, majority, permute_labels
from metric_face.fold_assignment import identity_folds


def test_ridge_scores_are_those_of_sklearn() -> None:
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 6))
    target = features @ rng.normal(size=6) + rng.normal(size=300)
    folds = np.arange(300) % 4
    found = probing.ridge_scores(features, probing.Targets.of({"value": target[:, None]}), folds)
    for fold in range(4):
        learn = folds != fold
        covariance = np.cov(features[learn].T, bias=True)
        alpha = found.strengths["value"] * np.trace(covariance) / 6 * learn.sum()
        model = Ridge(alpha=alpha).fit(features[learn], target[learn])
        assert np.allclose(found.scores["value"][~learn, 0], model.predict(features[~learn]), atol=1e-5)


def test_ridge_fitted_once_is_the_same_solution() -> None:
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    features, rows = rng.normal(size=(200, 5)), np.arange(150)
    targets = rng.normal(size=(200, 2))
    scores = probing.scores_from(features, targets, rows, 0.1)
    learn = features[rows]
    alpha = 0.1 * np.trace(np.cov(learn.T, bias=True)) / 5 * len(rows)
    assert np.allclose(scores, Ridge(alpha=alpha).fit(learn, targets[rows]).predict(features), atol=1e-8)


def test_no_signal_scores_chance_where_a_random_split_does_not() -> None:
    """The measurement behind the rule: identities shared between folds make noise look learnable."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(1200), 7)
    labels = rng.integers(0, 3, 1200)[who]
    points = 4 * rng.normal(size=(1200, 128))[who] + rng.normal(size=(len(who), 128))
    accuracy = {}
    for name, identities in (("group", who), ("random", np.arange(len(who)))):
        folds = identity_folds(identities, 5, labels)
        scores = probing.ridge_scores(
            points, probing.Targets.of({"y": probing.one_hot(labels, 3)}), folds
        ).scores["y"]
        accuracy[name] = float((scores.argmax(axis=1) == labels).mean())
    assert accuracy["group"] == pytest.approx(1 / 3, abs=0.03)
    assert accuracy["random"] > 0.4


def test_softmax_is_the_maximum_likelihood_of_sklearn() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(2000, 2))
    labels = (inputs @ [[2.0, -1.0, 0.0], [0.0, 1.0, -2.0]] + rng.gumbel(size=(2000, 3))).argmax(axis=1)
    model = probing.fit_softmax(inputs, labels, 3)
    other = LogisticRegression(C=1e6).fit(inputs, labels)
    assert np.allclose(model.clean(inputs), other.predict_proba(inputs), atol=2e-3)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1])
def test_lapses_count_wrong_labels_and_not_overlap(share: float) -> None:
    rng = np.random.default_rng(1)
    score = rng.normal(size=20_000) * 3
    labels = (score + rng.logistic(size=len(score)) > 0).astype(np.int64)
    wrong = rng.random(len(score)) < share
    labels[wrong] = 1 - labels[wrong]
    model = probing.fit_softmax(score[:, None], labels, 2, lapses=True)
    assert model.lapse / 2 == pytest.approx(share, abs=0.008)


def test_softmax_parts_a_class_between_two_others() -> None:
    """Least squares hides a middle class; the softmax on its scores brings it back."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 3000)
    features = (labels - 1.0)[:, None] * 4 + rng.normal(size=(3000, 1))
    scores = probing.scores_from(features, probing.one_hot(labels, 3), np.arange(3000), 1e-6)
    model = probing.fit_softmax(scores, labels, 3)
    assert (model.clean(scores).argmax(axis=1) == labels).mean() > 0.95


def test_permutations_keep_what_belongs_to_the_identity() -> None:
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(60), 4)
    fixed = rng.integers(0, 2, 60)[who]
    mixed = permute_labels(fixed, who, rng)
    assert (np.bincount(mixed) == np.bincount(fixed)).all()
    assert is_fixed(mixed, who)
    varying = np.tile([0, 0, 1, 2], 60)
    mixed = permute_labels(varying, who, rng)
    assert (np.sort(mixed.reshape(60, 4), axis=1) == [0, 0, 1, 2]).all()
    assert (mixed != varying).any()


def test_wrong_labels_do_not_make_a_gender_vary() -> None:
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(300), 7)
    gender = rng.integers(0, 2, 300)[who]
    noisy = np.where(rng.random(len(who)) < 0.04, 1 - gender, gender)
    assert is_fixed(noisy, who)
    assert not is_fixed(np.tile([0, 0, 0, 0, 0, 1, 2], 300), who)
    assert (majority(noisy, who) == gender[::7]).mean() > 0.99
