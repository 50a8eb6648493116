"""The classifiers inside scikit-learn: frames from ``set_output``, weights and groups routed through a pipeline."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from metric_face import KNNClassifier, LinearProbe

RNG = np.random.default_rng(0)
Y = np.repeat(["a", "b", "c"], 20)
X = RNG.normal(size=(60, 4)) + 2 * np.eye(3, 4)[np.repeat([0, 1, 2], 20)]
GROUPS = np.arange(60) // 4
WEIGHTS = np.where(np.arange(60) % 3 == 0, 0.0, 1.0)
ESTIMATORS = [KNNClassifier(3), LinearProbe([1e-1, 1e-2], cv=3)]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=["knn", "probe"])
def test_frames_of_set_output_keep_their_names(estimator: KNNClassifier | LinearProbe) -> None:
    frame = pd.DataFrame(X, columns=list("wxyz"))
    piped = make_pipeline(StandardScaler(), clone(estimator)).set_output(transform="pandas").fit(frame, Y)
    plain = make_pipeline(StandardScaler(), clone(estimator)).fit(X, Y)
    np.testing.assert_allclose(piped.predict_proba(frame), plain.predict_proba(X), atol=1e-6)
    assert list(piped[-1].feature_names_in_) == list("wxyz")
    with pytest.raises(ValueError, match="feature names"):
        piped[-1].predict(frame.rename(columns={"w": "other"}))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=["knn", "probe"])
def test_sparse_rows_pass_a_pipeline(estimator: KNNClassifier | LinearProbe) -> None:
    dense = make_pipeline(MaxAbsScaler(), clone(estimator)).fit(X, Y)
    sparse = make_pipeline(MaxAbsScaler(), clone(estimator)).fit(csr_array(X), Y)
    np.testing.assert_allclose(sparse.predict_proba(csr_array(X)), dense.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=["knn", "probe"])
def test_weights_are_routed_through_a_pipeline(estimator: KNNClassifier | LinearProbe) -> None:
    kept = WEIGHTS > 0
    with config_context(enable_metadata_routing=True):
        single = clone(estimator).set_params(
            **({"strengths": 0.1} if isinstance(estimator, LinearProbe) else {})
        )
        weighted = single.set_fit_request(sample_weight=True)
        piped = make_pipeline(weighted).fit(X, Y, sample_weight=WEIGHTS)
        plain = clone(single).fit(X[kept], Y[kept])
    np.testing.assert_allclose(piped.predict_proba(X), plain.predict_proba(X), atol=1e-4)


def test_groups_are_routed_to_folds_and_probe() -> None:
    """The outer folds and those that choose the strength keep the same groups apart."""
    with config_context(enable_metadata_routing=True):
        probe = LinearProbe([1e-1, 1e-3], cv=3).set_fit_request(groups=True)
        found = cross_validate(
            make_pipeline(probe), X, Y, cv=GroupKFold(3), params={"groups": GROUPS}, return_estimator=True
        )
        for (train, test), score, fitted in zip(
            GroupKFold(3).split(X, Y, GROUPS), found["test_score"], found["estimator"], strict=True
        ):
            own = LinearProbe([1e-1, 1e-3], cv=3).fit(X[train], Y[train], groups=GROUPS[train])
            assert fitted[-1].strength_ == own.strength_
            assert score == pytest.approx(own.score(X[test], Y[test]))
