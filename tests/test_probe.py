"""The probe against scikit-learn's optimum, the objective against finite differences, ridge against least squares."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import parametrize_with_checks

from metric_face.classifiers.attribute_probes import fit_probes
from metric_face.classifiers.linear_probe import LinearProbe
from metric_face.classifiers.probe_solver.curvature import KroneckerPreconditioner, Pairs
from metric_face.classifiers.probe_solver.logistic import logistic_path
from metric_face.classifiers.probe_solver.ridge import Moments, ridge_path
from metric_face.classifiers.probe_solver.scaling import standardize
from metric_face.classifiers.probe_solver.softmax_objective import NumpyObjective
from metric_face.classifiers.probe_solver.strength_choice import grouped_folds
from metric_face.classifiers.probe_solver.torch_objective import TorchObjective
from metric_face.errors import ArgumentError
from metric_face.metrics import macro_f1


@parametrize_with_checks(
    [
        LinearProbe(),
        LinearProbe(solver="ridge"),
        LinearProbe(1e-2, class_weight="balanced", logit_adjustment=0.5),
    ],
    expected_failed_checks=lambda _: {
        f"check_sample_weight_equivalence_on_{kind}_data": "equal to tol and float32 only, and cv takes no splits"
        for kind in ("dense", "sparse")
    },
)
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


def draw(rows=1200, D=12, C=5, seed=0):
    """Features of different sizes and centers, five images an identity, imbalanced noisy classes."""
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(rows, D)) * rng.uniform(0.1, 10, D) + rng.normal(0, 20, D)).astype(np.float32)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    y = (Z @ rng.normal(size=(D, C)) * 0.7 + rng.gumbel(size=(rows, C)) - np.arange(C) * 0.8).argmax(axis=1)
    return X, y, np.arange(rows) // 5


def objective_of(kind, X, y, weights=(None, None)):
    heads = [y, y % 2]
    data = (X, heads, [int(y.max()) + 1, 2], weights)
    return NumpyObjective(*data) if kind == "numpy" else TorchObjective(*data, "cpu")


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_equals_finite_differences(kind, weighted):
    X, y, _ = draw(300)
    Z, _ = standardize(X)
    rng = np.random.default_rng(0)
    weights = [rng.uniform(0.5, 2, 300).astype(np.float32), None] if weighted else [None, None]
    objective = objective_of(kind, Z, y, weights)
    point = rng.normal(0, 0.5, (13, 7))
    got = objective.evaluate(point)
    for _ in range(5):
        direction = rng.normal(size=point.shape)
        ahead, behind = (objective.evaluate(point + h * direction).loss for h in (5e-3, -5e-3))
        assert (direction * got.gradient).sum() == pytest.approx((ahead - behind) / 1e-2, rel=1e-3, abs=2e-4)


def test_both_objectives_agree_across_blocks(monkeypatch):
    X, y, _ = draw(5000)
    Z, _ = standardize(X)
    weights = [None, np.linspace(0.1, 1.9, 5000).astype(np.float32)]
    point = np.random.default_rng(0).normal(0, 0.5, (13, 7))
    monkeypatch.setattr("metric_face.classifiers.probe_solver.softmax_objective.BLOCK_ROWS", 333)
    monkeypatch.setattr("metric_face.classifiers.probe_solver.torch_objective._DEVICE_BYTES", 4 * 7 * 700)
    for moment in ("full", "diagonal"):
        ours, theirs = (
            objective_of(kind, Z, y, weights).evaluate(point, moment) for kind in ("numpy", "torch")
        )
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-6)
        for name in ("gradient", "mean", "moment"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-6)
    full = objective_of("numpy", Z, y, weights).evaluate(point, "full")
    np.testing.assert_allclose(np.diag(full.moment), ours.moment, atol=1e-7)


def test_preconditioner_inverts_the_kronecker_hessian():
    X, y, _ = draw(400, D=4)
    Z, _ = standardize(X)
    objective = objective_of("numpy", Z, y)
    evaluation = objective.evaluate(np.random.default_rng(0).normal(0, 0.3, (5, 7)), "full")
    gram = (Z.T @ Z).astype(np.float64) / 400
    apply = KroneckerPreconditioner(*np.linalg.eigh(gram), evaluation, objective.heads, 0.1)
    spread = np.zeros((7, 7))
    for head in objective.heads:
        spread[head, head] = np.diag(evaluation.mean[head]) - evaluation.moment[head, head]
    hessian = np.kron(gram, spread) + 0.1 * np.eye(28)
    gradient = np.random.default_rng(1).normal(size=(5, 7))
    np.testing.assert_allclose(
        apply(gradient)[:4].ravel(), np.linalg.solve(hessian, gradient[:4].ravel()), rtol=1e-4
    )


@pytest.mark.parametrize("scale", [0.1, 5.0, 500.0])
def test_scores_near_and_far_apart_give_the_same_objective(scale):
    """Rows whose scores are all near are shifted by one number, others each by its largest."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 6)).astype(np.float32), rng.integers(0, 4, 200)
    weights = rng.normal(size=(7, 4)) * scale
    scores = X @ weights[:-1].astype(np.float32).astype(np.float64) + weights[-1]
    logs = scores - scores.max(axis=1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    found = NumpyObjective(X, [y], [4], [None]).evaluate(weights, "full")
    assert found.loss == pytest.approx(-logs[np.arange(200), y].mean(), rel=1e-4)
    np.testing.assert_allclose(found.mean, np.exp(logs).mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(found.gradient[:-1], X.T @ (np.exp(logs) - np.eye(4)[y]) / 200, atol=2e-4)


@pytest.mark.parametrize("moment", [None, "full"])
def test_a_step_of_the_intercepts_is_taken_before_the_rest_is_evaluated(moment):
    X, y, _ = draw(5000)
    Z, _ = standardize(X)
    objective = objective_of("numpy", Z, y, [None, np.linspace(0.1, 1.9, 5000).astype(np.float32)])
    point = np.random.default_rng(0).normal(0, 0.05, (13, 7))
    plain, asked = objective.evaluate(point, "full"), []
    preconditioner = KroneckerPreconditioner(
        *np.linalg.eigh((Z.T @ Z).astype(np.float64) / 5000), plain, objective.heads, 0.1
    )

    def step(slopes):
        asked.append(slopes)
        return preconditioner.intercept_step(slopes)

    stepped = objective.evaluate(point, moment, step)
    np.testing.assert_allclose(asked, [plain.gradient[-1]], atol=1e-6)
    assert abs(stepped.gradient[-1]).max() < 0.3 * abs(plain.gradient[-1]).max()
    assert stepped.loss < plain.loss
    point[-1] = stepped.intercepts
    again = objective.evaluate(point, moment)
    assert stepped.loss == pytest.approx(again.loss, rel=1e-6)
    np.testing.assert_allclose(stepped.gradient, again.gradient, atol=1e-6)


def test_far_scores_leave_no_subnormal_probability():
    """Products of subnormal numbers take fifty times as long."""
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 40, (500, 18)).astype(np.float32)
    assert (np.exp(scores - scores.max(axis=1, keepdims=True)) < np.finfo(np.float32).tiny).any()
    NumpyObjective(scores, [rng.integers(0, 18, 500)], [18], [None])._softmax(scores, slice(0, 500))
    assert scores.min() >= np.finfo(np.float32).tiny
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


def test_no_fold_learns_from_the_rows_that_it_holds_out():
    """Labels without any signal: a start that knows them would show where a weak penalty stops short."""
    rng = np.random.default_rng(0)
    probe = LinearProbe().fit(rng.normal(size=(1500, 64)), rng.integers(0, 4, 1500))
    assert probe.cv_macro_f1_.max() < 0.29


def test_a_class_that_a_fold_lacks_does_not_slow_the_solver():
    """The intercept of a class without rows fell for ever, and the mean over folds was no start for all rows."""
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(30), 2)
    X = (rng.normal(size=(60, 8)) + rng.normal(size=(30, 8))[labels]).astype(np.float32)
    identities = np.where(
        rng.random(60) < 0.5, labels, 100 + np.arange(60)
    )  # of some classes all in one fold
    probe = LinearProbe().fit(X, labels, groups=identities)
    assert probe.gradient_norm_ <= probe.tol
    assert probe.n_passes_ < 100
    alone = LinearProbe(probe.strength_).fit(X, labels)
    np.testing.assert_allclose(probe.predict_proba(X), alone.predict_proba(X), atol=0.01)


def test_pairs_follow_the_strength():
    """On a quadratic the pairs of one strength are exact for the next, intercept row aside."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6))
    hessian = root @ root.T
    penalty = np.repeat([1.0, 1.0, 0.0], 2)
    pairs = Pairs((3, 2))
    steps = [rng.normal(size=6) for _ in range(4)]
    for step in steps:
        pairs.add(step.reshape(3, 2), ((hessian + np.diag(0.5 * penalty)) @ step).reshape(3, 2))
    pairs.move_strength(-0.3)
    assert len(pairs._pairs) == len(steps)
    for step, change, product in pairs._pairs:
        np.testing.assert_allclose(change, (hessian + np.diag(0.2 * penalty)) @ step)
        assert product == pytest.approx(step @ change)


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 1, 1: 5, 2: 1, 3: 0.5, 4: 1}])
def test_optimum_equals_scikit_learn(class_weight):
    X, y, _ = draw()
    Z = (X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)) / X.std(axis=0, dtype=np.float64)
    weight = np.ones(len(y)) if class_weight is None else compute_sample_weight(class_weight, y)
    for strength in (1.0, 1e-2, 1e-4):
        ours = LinearProbe(strength, tol=1e-6, class_weight=class_weight).fit(X, y)
        theirs = LogisticRegression(C=1 / (strength * len(y)), tol=1e-9, max_iter=10_000)
        theirs.fit(Z, y, sample_weight=weight / weight.mean())
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(Z), atol=3e-4)
        assert ours.gradient_norm_ <= 1e-6


def test_a_path_reaches_each_optimum_as_a_single_strength_does():
    X, y, _ = draw()
    Z, _ = standardize(X)
    gram = (Z.T @ Z).astype(np.float64) / len(Z)
    start = np.concatenate([np.log(np.bincount(t) / len(y)) for t in (y, y % 2)])
    strengths = np.logspace(0, -4, 6)
    path = list(logistic_path(objective_of("numpy", Z, y), gram, start, strengths, tol=1e-6))
    singles = [
        next(logistic_path(objective_of("numpy", Z, y), gram, start, [strength], tol=1e-6))
        for strength in strengths
    ]
    for along, alone in zip(path, singles, strict=True):
        assert along.converged
        assert alone.converged
        np.testing.assert_allclose(Z @ along.weights[:-1], Z @ alone.weights[:-1], atol=2e-2)
        assert np.abs(along.gradient).max() == along.gradient_norm <= 1e-6
    # the point of a path: what one strength learned serves the next
    assert sum(o.passes for o in path) < 0.75 * sum(
        o.passes for o in singles
    )  # .55 to .62 between processors


def test_gradient_norm_is_that_of_the_objective_in_double_precision():
    X, y, _ = draw()
    model = LinearProbe(1e-2).fit(X, y)
    mean, deviation = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
    residual = model.predict_proba(X) - np.eye(5)[y]
    gradient = ((X - mean) / deviation).T @ residual / len(y) + 1e-2 * (model.coef_ * deviation).T
    assert np.abs(gradient).max() == pytest.approx(model.gradient_norm_, abs=2e-6)
    assert model.gradient_norm_ <= 1e-4


def test_a_solver_that_is_stopped_says_so():
    X, y, _ = draw(200)
    with pytest.warns(
        ConvergenceWarning, match=r"gradient .* is above tol=1e-12 after 4 passes; raise max_passes"
    ):
        LinearProbe(1e-3, tol=1e-12, max_passes=4).fit(X, y)


def test_strength_is_chosen_on_whole_identities():
    """Photographs that repeat an identity's quirk let a weak penalty win unless identities are held out whole."""
    rng = np.random.default_rng(0)
    identities = np.repeat(np.arange(40), 6)
    label = rng.integers(0, 2, 40)[identities]
    signal = (label * 2 - 1)[:, None] * 0.35 + rng.normal(size=(240, 3))
    quirk = rng.normal(size=(40, 120))[identities] + 0.05 * rng.normal(size=(240, 120))
    X = np.concatenate([signal, quirk], axis=1)
    leaky, honest = LinearProbe().fit(X, label), LinearProbe().fit(X, label, identities)
    assert leaky.cv_macro_f1_.max() > 0.95
    assert honest.cv_macro_f1_.max() < 0.8
    for train, held in grouped_folds(label, identities, 5, 0):
        assert not set(identities[train]) & set(identities[held])
        assert sorted([*train, *held]) == list(range(240))


@pytest.mark.parametrize("solver", ["logistic", "ridge"])
def test_chosen_score_is_out_of_fold_and_pooled(solver):
    X, y, identities = draw(600)
    model = LinearProbe([1.0, 1e-2], solver=solver).fit(X, y, identities)
    Z, _ = standardize(X)
    for position, strength in enumerate(model.strengths_):
        pooled = np.empty_like(y)
        for train, held in grouped_folds(np.unique(y, return_inverse=True)[1], identities, 5, 0):
            if solver == "logistic":
                fold = LinearProbe(strength).fit(Z[train], y[train])
                # standardized on all training rows, as the probe does: the penalty of a fold differs slightly
                pooled[held] = fold.predict(Z[held])
            else:
                (weights,) = ridge_path(Moments.of(Z[train], y[train], 5, None), [strength])
                pooled[held] = (Z[held] @ weights[:-1] + weights[-1]).argmax(axis=1)
        assert model.cv_macro_f1_[position] == pytest.approx(macro_f1(y, pooled), abs=0.01)
    assert model.strength_ == model.strengths_[np.argmax(model.cv_macro_f1_)]


def test_ridge_equals_least_squares():
    X, y, _ = draw(300)
    Z, _ = standardize(X)
    weight = np.linspace(0.2, 1.8, 300).astype(np.float32)
    moments = Moments.of(Z, y, 5, weight)
    for strength, got in zip((10.0, 0.1), ridge_path(moments, (10.0, 0.1)), strict=True):
        want = Ridge(alpha=strength * weight.sum()).fit(
            Z.astype(np.float64), np.eye(5)[y], sample_weight=weight
        )
        np.testing.assert_allclose(got[:-1].T, want.coef_, atol=1e-5)
        np.testing.assert_allclose(got[-1], want.intercept_, atol=1e-5)
    part = Moments.of(Z[:100], y[:100], 5, weight[:100])
    rest = Moments.of(Z[100:], y[100:], 5, weight[100:])
    np.testing.assert_allclose(moments.without(part).gram, rest.gram, atol=1e-3)


@pytest.mark.parametrize("solver", ["logistic", "ridge"])
def test_attributes_together_equal_attributes_alone(solver):
    X, y, identities = draw()
    targets = {"age": y, "gender": np.array(["m", "f"])[y % 2]}
    together = fit_probes(X, targets, identities, solver=solver, strengths=[1e-1, 1e-2], tol=1e-6)
    for name, values in targets.items():
        alone = LinearProbe(together[name].strength_, solver=solver, tol=1e-6).fit(X, values)
        assert together[name].classes_.tolist() == alone.classes_.tolist()
        np.testing.assert_array_equal(together[name].predict(X), alone.predict(X))
        if solver == "logistic":
            np.testing.assert_allclose(together[name].predict_proba(X), alone.predict_proba(X), atol=1e-3)
    assert together["gender"].predict(X[:3]).dtype.kind == "U"


def test_logit_adjustment_takes_the_prior_off_and_helps_macro_f1():
    X, y, _ = draw(4000)
    plain = LinearProbe(1e-2).fit(X[:2000], y[:2000])
    adjusted = LinearProbe(1e-2, logit_adjustment=1.0).fit(X[:2000], y[:2000])
    prior = np.bincount(y[:2000]) / 2000
    np.testing.assert_allclose(adjusted.decision_function(X), plain.decision_function(X) - np.log(prior))
    recall = [
        np.mean([(model.predict(X[2000:]) == y[2000:])[y[2000:] == c].mean() for c in range(5)])
        for model in (plain, adjusted)
    ]
    assert recall[1] > recall[0] + 0.02


def test_constant_columns_and_large_offsets_do_no_harm():
    X, y, _ = draw(600)
    shifted = np.concatenate([X, np.full((600, 1), 7.0, np.float32)], axis=1)
    model, plain = LinearProbe(1e-2).fit(shifted, y), LinearProbe(1e-2).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(shifted), plain.predict_proba(X), atol=1e-3)
    assert np.abs(model.coef_[:, -1]).max() < 1e-6


def test_many_classes_fall_back_to_the_diagonal():
    rng = np.random.default_rng(0)
    y = np.arange(1200) % 600
    X = rng.normal(size=(600, 8))[y] + 0.05 * rng.normal(size=(1200, 8))
    model = LinearProbe(1e-4).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.gradient_norm_ <= 1e-4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strengths": []}, "strengths must be positive numbers"),
        ({"strengths": [1.0, -1.0]}, "strengths must be positive numbers"),
        ({"solver": "sgd"}, "solver must be 'logistic' or 'ridge', found 'sgd'"),
        ({"cv": 1}, "cv must be at least 2 to choose among 10 strengths, found 1"),
        ({"tol": 0}, "tol must be above 0"),
        ({"class_weight": "even"}, "class_weight must be None, 'balanced' or a dict, found 'even'"),
        ({"logit_adjustment": float("nan")}, "logit_adjustment must be a number"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ArgumentError, match=message):
        LinearProbe(**settings).fit(np.eye(6), [0, 0, 0, 1, 1, 1])


def test_an_unknown_device_is_named():
    with pytest.raises(ArgumentError, match="device must be 'cpu' or one that torch has, found 'gpu'"):
        LinearProbe(1e-2, device="gpu").fit(np.eye(6), [0, 0, 0, 1, 1, 1])


def test_bad_rows_are_named():
    with pytest.raises(ArgumentError, match=r"identities must be one per item, found shape \(2,\) for 6"):
        LinearProbe().fit(np.eye(6), [0, 0, 0, 1, 1, 1], [1, 2])
    with pytest.raises(ArgumentError, match="targets must hold at least one attribute"):
        fit_probes(np.eye(3), {})
    with pytest.raises(
        ArgumentError, match=r"targets\['age'\] must be one per row, found shape \(2,\) for 3"
    ):
        fit_probes(np.eye(3), {"age": [0, 1]})


@pytest.mark.parametrize("classes", [2, 3])
def test_the_strength_is_scikit_learns_c_as_the_docstring_says(classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    X = ((X - X.mean(0)) / X.std(0)).astype(np.float32)
    y = np.arange(120) % classes
    X[:, 0] += y
    X[:, 0] = (X[:, 0] - X[:, 0].mean()) / X[:, 0].std()
    strength = 0.05
    ours = LinearProbe(strength, tol=1e-6).fit(X, y).predict_proba(X)
    c = (2 if classes == 2 else 1) / (strength * len(X))
    theirs = LogisticRegression(C=c, tol=1e-8, max_iter=1000).fit(X, y).predict_proba(X)
    assert np.abs(ours - theirs).max() < 1e-3


@pytest.mark.parametrize("solver", ["logistic", "ridge"])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 1, 1: 5, 2: 1, 3: 0.5, 4: 1}])
@pytest.mark.parametrize("logit_adjustment", [0.0, 1.0])
def test_a_weight_equals_repeated_rows(solver, class_weight, logit_adjustment):
    X, y, _ = draw(600)
    weight = np.random.default_rng(0).integers(0, 4, 600)
    settings = {"solver": solver, "class_weight": class_weight, "logit_adjustment": logit_adjustment}
    weighted = LinearProbe(1e-2, tol=1e-6, **settings).fit(X, y, sample_weight=weight)
    repeated = LinearProbe(1e-2, tol=1e-6, **settings).fit(X.repeat(weight, axis=0), y.repeat(weight))
    plain = LinearProbe(1e-2, tol=1e-6, **settings).fit(X[weight > 0], y[weight > 0])
    got, want = weighted.predict_proba(X), repeated.predict_proba(X)
    np.testing.assert_allclose(got, want, atol=1e-4)
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-3)
    assert np.abs(got - plain.predict_proba(X)).max() > 1e-2


@pytest.mark.parametrize("classes", [2, 5])
def test_weighted_optimum_equals_scikit_learn(classes):
    X, y, _ = draw()
    y = y % classes
    weight = np.random.default_rng(0).uniform(0, 3, len(y))
    centered = X.astype(np.float64) - np.average(X.astype(np.float64), axis=0, weights=weight)
    Z = centered / np.sqrt(np.average(centered**2, axis=0, weights=weight))
    for strength in (1.0, 1e-2, 1e-4):
        ours = LinearProbe(strength, tol=1e-6).fit(X, y, sample_weight=7 * weight)
        theirs = LogisticRegression(
            C=(2 if classes == 2 else 1) / (strength * len(y)), tol=1e-9, max_iter=10_000
        )
        theirs.fit(Z, y, sample_weight=weight / weight.mean())
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(Z), atol=3e-4)


@pytest.mark.parametrize("solver", ["logistic", "ridge"])
def test_equal_weights_and_sparse_rows_change_nothing(solver):
    X, y, identities = draw(300)
    X = X * (np.random.default_rng(0).random(X.shape) < 0.5)
    settings = {"strengths": [1.0, 1e-2], "solver": solver, "tol": 1e-6}
    want = LinearProbe(**settings).fit(X, y, identities)
    even = LinearProbe(**settings).fit(X, y, identities, np.full(300, 0.3))
    sparse = LinearProbe(**settings).fit(csr_array(X), y, identities)
    together = fit_probes(csr_array(X), {"age": y}, identities, np.full(300, 0.3), **settings)["age"]
    np.testing.assert_array_equal(sparse.predict_proba(csr_array(X)), want.predict_proba(X))
    for model in (even, together):
        assert model.strength_ == want.strength_
        np.testing.assert_allclose(model.predict_proba(X), want.predict_proba(X), atol=1e-4)


def test_a_row_of_weight_zero_is_left_out_with_its_class_and_group():
    X, y, identities = draw(300)
    weight = (y != 4).astype(float)
    left, never = (
        LinearProbe().fit(X, y, identities, weight),
        LinearProbe().fit(X[y != 4], y[y != 4], identities[y != 4]),
    )
    assert left.classes_.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(left.cv_macro_f1_, never.cv_macro_f1_, atol=0.02)
    np.testing.assert_allclose(left.predict_proba(X), never.predict_proba(X), atol=1e-2)


def test_bad_weights_are_named():
    for weight, message in (([1, -1, 1, 1], "at least 0, found -1"), ([0] * 4, "above zero for some row")):
        with pytest.raises(ArgumentError, match="sample_weight must be " + message):
            LinearProbe().fit(np.eye(4), [0, 1, 0, 1], sample_weight=weight)
