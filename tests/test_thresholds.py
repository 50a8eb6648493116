import itertools

import numpy as np
import pytest
from sklearn.metrics import f1_score

from metric_face.errors import ArgumentError
from metric_face.metrics.thresholds import ClassThresholds, threshold_gain


def gaussians(shares, identities=400, images=3, spread=1.0, seed=0):
    """Classes on a line, one identity one class; the posterior is exact."""
    random = np.random.default_rng(seed)
    true = random.choice(len(shares), identities, p=shares).repeat(images)
    x = true + spread * random.normal(size=true.size)
    likelihood = np.exp(-0.5 * ((x[:, None] - np.arange(len(shares))) / spread) ** 2) * shares
    return likelihood / likelihood.sum(1, keepdims=True), true, np.arange(identities).repeat(images)


def test_two_classes_reach_the_best_of_every_cut():
    chances, true, _ = gaussians([0.9, 0.1], identities=60)
    best = max(
        f1_score(true, (chances[:, 1] > cut).astype(int), average="macro") for cut in [-1, *chances[:, 1]]
    )
    chosen = ClassThresholds().fit(chances, true).predict(chances)
    assert f1_score(true, chosen, average="macro") == pytest.approx(best)


def test_three_classes_reach_a_fine_grid():
    chances, true, _ = gaussians([0.8, 0.15, 0.05], identities=80)
    grid = np.exp(np.linspace(-4, 4, 41))
    best = max(
        f1_score(true, (chances / [1, a, b]).argmax(1), average="macro")
        for a, b in itertools.product(grid, grid)
    )
    chosen = ClassThresholds().fit(chances, true).predict(chances)
    assert f1_score(true, chosen, average="macro") >= best - 0.005


@pytest.mark.parametrize("seed", range(5))
def test_is_never_worse_than_argmax_where_it_was_chosen(seed):
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.ones(5), 70).round(2)  # with ties
    true = random.choice(5, 70, p=[0.6, 0.2, 0.1, 0.06, 0.04])
    chosen = ClassThresholds().fit(chances, true).predict(chances)
    assert (
        f1_score(true, chosen, average="macro") >= f1_score(true, chances.argmax(1), average="macro") - 1e-12
    )


def test_what_cannot_improve_stays_argmax():
    true = np.arange(30) % 3
    thresholds = ClassThresholds().fit(np.eye(3)[true], true)
    np.testing.assert_allclose(thresholds.thresholds_, 1)


def test_thresholds_have_geometric_mean_1_and_are_lower_for_rare_classes():
    chances, true, _ = gaussians([0.9, 0.1])
    found = ClassThresholds().fit(chances, true).thresholds_
    assert np.log(found).sum() == pytest.approx(0)
    assert found[1] < found[0]


def test_a_real_gain_holds_up_on_other_people():
    chances, true, identities = gaussians([0.85, 0.1, 0.05], identities=1500, images=2)
    found = threshold_gain(chances, true, identities, resamples=300)
    assert found.gain.low > 0
    assert 0.02 < found.gain.value <= found.apparent + 0.02
    assert found.gain.num_identities == 1500


def test_a_gain_of_selection_alone_is_not_believed():
    random = np.random.default_rng(0)
    chances, true = random.dirichlet(np.ones(6), 150), random.integers(0, 6, 150)
    found = threshold_gain(chances, true, resamples=300)
    assert found.apparent > 0.04
    assert found.gain.low <= 0


def test_no_identity_is_evaluated_by_thresholds_chosen_on_them(monkeypatch):
    chances, true, identities = gaussians([0.7, 0.3], identities=40)
    seen = []
    fit = ClassThresholds.fit

    def spy(self, probabilities, y_true):
        seen.append({tuple(row) for row in np.asarray(probabilities)})
        return fit(self, probabilities, y_true)

    monkeypatch.setattr(ClassThresholds, "fit", spy)
    threshold_gain(chances, true, identities, folds=4, resamples=10)
    rows = {identity: {tuple(row) for row in chances[identities == identity]} for identity in range(40)}
    assert len(seen) == 5
    held_out = [{p for p in range(40) if not rows[p] & used} for used in seen[:4]]
    assert sorted(itertools.chain(*held_out)) == list(range(40))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda f: f.fit(np.ones(3), [0, 1, 0]),
            "probabilities must be of shape (N, C) with 2 or more classes, found (3,)",
        ),
        (lambda f: f.fit(-np.ones((2, 2)), [0, 1]), "probabilities must be finite and not negative"),
        (lambda f: f.fit(np.ones((2, 2)), [0]), "y_true must be one per row of probabilities, found 1 for 2"),
        (lambda f: f.fit(np.ones((2, 2)), [0, 2]), "y_true must lie in 0..1, found 2: one column per class"),
        (
            lambda f: f.fit(np.eye(2), [0, 1]).predict(np.ones((2, 3))),
            "probabilities must have 2 columns, one per class fitted, found 3",
        ),
        (
            lambda f: threshold_gain(np.eye(2), [0, 1]),
            "folds must be from 2 to the number of identities, 2, found 5",
        ),
    ],
)
def test_refuses_what_does_not_fit(call, message):
    with pytest.raises(ArgumentError) as error:
        call(ClassThresholds())
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("seed", range(8))
def test_the_scores_of_all_cuts_equal_counting_each(seed) -> None:
    """Each cut used to be counted for every class: 19 s for 20,000 items of 18 classes."""
    from metric_face.metrics.f1 import macro_f1
    from metric_face.metrics.thresholds import _scores_of_cuts

    rng = np.random.default_rng(seed)
    classes, label = 5, seed % 5
    own = rng.integers(0, classes - seed % 2, 60)  # of some seeds no item has the last class
    rival = rng.choice([c for c in range(classes) if c != label], 60)
    want = [macro_f1(own, np.where(np.arange(60) < cut, label, rival), classes) for cut in range(61)]
    np.testing.assert_allclose(_scores_of_cuts(rival, own, label, classes), want, rtol=0, atol=1e-14)
