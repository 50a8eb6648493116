"""Votes against a dense count, the classifier against scikit-learn, and memory against the number of classes."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_array
from search_oracle import METRICS, nearest_by_brute_force
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from metric_face.classifiers.k_selection import choose_k
from metric_face.classifiers.knn import KNNClassifier
from metric_face.classifiers.votes import UNKNOWN, vote_shares, votes_for_ks
from metric_face.errors import ArgumentError
from metric_face.metrics import macro_f1

KS = (1, 2, 5, 12)
VOTES = ["uniform", "distance", "softmax", "prior-corrected"]


@parametrize_with_checks(
    [
        KNNClassifier(),
        KNNClassifier(5, votes="uniform", metric="euclidean"),
        KNNClassifier(votes="distance"),
        KNNClassifier(votes="prior-corrected", metric="inner_product"),
    ],
    expected_failed_checks=lambda _: {
        f"check_sample_weight_equivalence_on_{kind}_data": "a heavy row is still one of the k neighbors"
        for kind in ("dense", "sparse")
    },
)
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


def draw_neighbors(seed=0, queries=60, items=150, classes=9, k=12):
    rng = np.random.default_rng(seed)
    ids = np.array([rng.permutation(items)[:k] for _ in range(queries)])
    near = -np.sort(-rng.uniform(-0.2, 1, (queries, k)), axis=1).astype(np.float32)
    return (
        ids,
        near,
        rng.choice(classes, items, p=np.arange(1, classes + 1) / (classes * (classes + 1) / 2)) * 1000,
    )


def dense_shares(ids, near, labels, k, votes, temperature=0.07):
    """One query and one neighbor at a time."""
    classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    shares = np.zeros((len(ids), len(classes)))
    for q, (places, values) in enumerate(zip(ids[:, :k], near[:, :k].astype(float), strict=True)):
        for place, value in zip(places, values, strict=True):
            if place < 0:
                continue
            weight = {
                "uniform": 1.0,
                "distance": 1 / max(1 - value, 1e-6),
                "softmax": np.exp(value / temperature),
                "prior-corrected": np.exp(value / temperature) / counts[codes[place]],
            }[votes]
            shares[q, codes[place]] += weight
    return classes, shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)


@pytest.mark.parametrize("votes", VOTES)
def test_every_k_of_one_search_equals_a_dense_count(votes):
    ids, near, labels = draw_neighbors()
    answers = votes_for_ks(ids, near, labels, KS, votes=votes)
    assert list(answers) == list(KS)
    for k in KS:
        classes, want = dense_shares(ids, near, labels, k, votes)
        np.testing.assert_allclose(answers[k].shares, want.max(axis=1), atol=1e-6)
        decided = np.sort(want, axis=1)[:, -1] - np.sort(want, axis=1)[:, -2] > 1e-6
        np.testing.assert_array_equal(answers[k].labels[decided], classes[want.argmax(axis=1)][decided])
        codes = np.searchsorted(classes, labels)
        np.testing.assert_allclose(vote_shares(ids, near, codes, k, votes=votes), want, atol=1e-6)


def test_a_tie_goes_to_the_class_of_the_nearest():
    labels = np.array([3, 1, 1, 3, 2])
    answers = votes_for_ks(
        [[0, 1, 2, 3], [1, 3, 0, 2]], [[0.9, 0.8, 0.7, 0.6]] * 2, labels, [2, 3, 4], votes="uniform"
    )
    assert [a.labels.tolist() for a in answers.values()] == [[3, 1], [1, 3], [3, 1]]


def test_prior_correction_lets_a_rare_class_win():
    labels = np.array([0] * 98 + [1] * 2)
    ids, near = [[0, 1, 98]], [[0.5, 0.5, 0.5]]
    assert votes_for_ks(ids, near, labels, [3], votes="softmax")[3].labels == 0
    corrected = votes_for_ks(ids, near, labels, [3], votes="prior-corrected")[3]
    assert corrected.labels == 1
    assert corrected.shares == pytest.approx((1 / 2) / (1 / 2 + 2 / 98))
    assert votes_for_ks(ids, near, labels, [3], votes="prior-corrected", prior_strength=0)[3].labels == 0


def test_missing_neighbors_do_not_vote():
    answers = votes_for_ks([[0, -1], [-1, -1]], [[0.5, -np.inf], [-np.inf, -np.inf]], [4, 5], [2])[2]
    assert answers.labels.tolist() == [4, UNKNOWN]
    assert answers.shares.tolist() == [1.0, 0.0]
    shares = vote_shares([[0, -1], [-1, -1]], [[0.5, -np.inf], [-np.inf, -np.inf]], [0, 1], 2)
    assert shares.tolist() == [[1, 0], [0, 0]]


def test_extreme_similarities_stay_finite():
    near = np.array([[1e6, 1e6 - 1, -1e6]], np.float32)
    for votes in ("softmax", "prior-corrected"):
        answer = votes_for_ks([[0, 1, 2]], near, [0, 1, 2], [3], votes=votes, metric="inner_product")[3]
        assert answer.labels == 0
        assert np.isfinite(answer.shares).all()


def test_no_queries_no_answers():
    empty = votes_for_ks(np.empty((0, 3), int), np.empty((0, 3)), [0, 1], [1, 3])
    assert all(len(answer.labels) == 0 for answer in empty.values())


def test_ten_thousand_classes_take_no_more_memory_than_ten():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 20_000, (3000, 100))
    near = -np.sort(-rng.random((3000, 100)).astype(np.float32), axis=1)
    peaks = []
    for classes in (10, 10_000):
        labels = rng.integers(0, classes, 20_000)
        tracemalloc.start()
        votes_for_ks(ids, near, labels, (1, 10, 100))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0] + 1e6
    assert peaks[1] < 100e6  # queries x neighbors x classes would be 24 GB


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ks": [4]}, "ks must be at most the 3 neighbors given, found 4"),
        ({"ks": [0]}, "k must be a whole number of at least 1, found 0"),
        ({"ids": [[0, 1, 9]]}, r"ids must lie in -1..3, found 0..9"),
        ({"ids": [[0.0, 1.0, 2.0]]}, "ids must be integers, found float64"),
        ({"similarities": [[0.5, 0.4]]}, r"shape \(Q, K\), found \(1, 3\) and \(1, 2\)"),
        ({"labels": [0.5, 1.0, 2.0, 3.0]}, r"labels must be \(N,\) integers"),
        (
            {"votes": "borda"},
            "votes must be one of uniform, distance, softmax, prior-corrected, found 'borda'",
        ),
        ({"temperature": 0}, "temperature must be above 0, found 0"),
        ({"votes": "prior-corrected", "prior_strength": -1}, "prior_strength must be at least 0, found -1"),
        ({"votes": "distance", "metric": "inner_product"}, "needs metric 'cosine' or 'euclidean'"),
        ({"metric": "manhattan"}, "metric must be one of"),
    ],
)
def test_bad_votes_are_named(arguments, message):
    given = {"ids": [[0, 1, 2]], "similarities": [[0.9, 0.8, 0.7]], "labels": [0, 1, 2, 3], "ks": [3]}
    with pytest.raises(ArgumentError, match=message):
        votes_for_ks(**{**given, **arguments})


@pytest.mark.parametrize("metric", METRICS)
def test_classifier_equals_brute_force(metric):
    rng = np.random.default_rng(0)
    X, y, queries = rng.normal(size=(80, 5)), rng.integers(0, 4, 80), rng.normal(size=(30, 5))
    model = KNNClassifier(7, metric=metric).fit(X, y)
    ids, near = model.search(queries)
    want_ids, want = nearest_by_brute_force(queries, X, 7, metric)
    np.testing.assert_array_equal(ids, want_ids)
    np.testing.assert_allclose(near, want, atol=1e-5)
    answers = votes_for_ks(want_ids, want, y, [7], metric=metric)[7]
    np.testing.assert_array_equal(model.predict(queries), answers.labels)


def test_uniform_votes_equal_scikit_learn():
    rng = np.random.default_rng(1)
    X, queries = rng.normal(size=(200, 6)), rng.normal(size=(50, 6))
    y = np.array(["young", "old", "between"])[rng.integers(0, 3, 200)]
    ours = KNNClassifier(9, votes="uniform", metric="euclidean").fit(X, y)
    theirs = KNeighborsClassifier(9).fit(X.astype(np.float32), y)
    assert ours.classes_.tolist() == theirs.classes_.tolist()
    np.testing.assert_allclose(ours.predict_proba(queries), theirs.predict_proba(queries), atol=1e-6)


def test_fewer_training_vectors_than_neighbors():
    model = KNNClassifier(20).fit(np.eye(3), [5, 6, 7])
    assert model.search(np.eye(3))[0].shape == (3, 3)
    assert model.predict(np.eye(3)).tolist() == [5, 6, 7]


def test_choose_k_takes_the_best_and_shows_all():
    ids, near, labels = draw_neighbors(queries=80)
    labels = labels // 1000
    true = labels[ids[:, 0]]  # the nearest is always right
    choice = choose_k(
        ids, near, labels, true, (1, 5, 12, 400), votes=("uniform", "softmax"), identities=np.arange(80)
    )
    assert (choice.best.k, choice.best.macro_f1) == (1, 1.0)
    assert len(choice.trials) == 6
    assert choice.interval is not None
    assert choice.interval.value == 1.0
    for trial in choice.trials:
        answer = votes_for_ks(ids, near, labels, [trial.k], votes=trial.votes)[trial.k]
        assert trial.macro_f1 == pytest.approx(macro_f1(true, answer.labels))


def test_choose_k_needs_something_to_try():
    ids, near, labels = draw_neighbors()
    with pytest.raises(ArgumentError, match="ks must hold a k of at most the 12 neighbors given"):
        choose_k(ids, near, labels, np.zeros(60, int), (50,))


def test_voting_imports_neither_torch_nor_scikit_learn_nor_pandas():
    code = (
        "import sys, metric_face.classifiers.votes, metric_face.classifiers.k_selection\n"
        "import metric_face.metrics.calibration, metric_face.metrics.reject\n"
        "assert not {'torch', 'sklearn', 'pandas', 'scipy'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("votes", VOTES)
def test_a_weight_equals_repeated_rows_where_all_rows_vote(votes):
    rng = np.random.default_rng(0)
    X, y, queries = rng.normal(size=(40, 5)), rng.choice(["a", "b", "c"], 40), rng.normal(size=(30, 5))
    weight = rng.integers(0, 4, 40)
    y[0], weight[0] = "left out", 0
    setting = {"votes": votes, "metric": "euclidean", "temperature": 1.0}
    weighted = KNNClassifier(1000, **setting).fit(X, y, sample_weight=weight)
    repeated = KNNClassifier(1000, **setting).fit(X.repeat(weight, axis=0), y.repeat(weight))
    plain = KNNClassifier(1000, **setting).fit(X[weight > 0], y[weight > 0])
    assert weighted.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(weighted.predict_proba(queries), repeated.predict_proba(queries), atol=1e-6)
    assert np.abs(weighted.predict_proba(queries) - plain.predict_proba(queries)).max() > 1e-3
    np.testing.assert_array_equal(weighted.predict(queries), repeated.predict(queries))


def test_a_row_of_weight_zero_takes_no_place_among_the_neighbors():
    model = KNNClassifier(1, metric="euclidean").fit(
        [[0.0], [1.0], [9.0]], [5, 6, 7], sample_weight=[0, 3, 1]
    )
    assert model.search([[0.0]])[0].tolist() == [[1]]
    assert model.predict([[0.0]]).tolist() == [6]


def test_sparse_rows_equal_dense_rows():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 8)) * (rng.random((60, 8)) < 0.4), rng.integers(0, 3, 60)
    want = KNNClassifier(5).fit(X, y)
    got = KNNClassifier(5).fit(csr_array(X), y)
    np.testing.assert_array_equal(got.predict_proba(csr_array(X)), want.predict_proba(X))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, -1, 1], "sample_weight must be at least 0, found -1; 0 leaves a row out"),
        ([0, 0, 0], "sample_weight must be above zero for some row, found 0 for all; pass None"),
    ],
)
def test_bad_weights_are_named(weight, message):
    with pytest.raises(ArgumentError, match=message):
        KNNClassifier().fit(np.eye(3), [5, 6, 7], sample_weight=weight)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"item_weights must be one per label, found shape \(1,\) for 2"),
        ([1.0, 0.0], "item_weights must be positive numbers"),
    ],
)
def test_bad_item_weights_are_named(weights, message):
    with pytest.raises(ArgumentError, match=message):
        votes_for_ks([[0, 1]], [[0.9, 0.8]], [4, 5], [2], item_weights=weights)


@pytest.mark.slow
def test_a_memmap_is_searched_where_another_library_has_taught_faiss_tensors(tmp_path):
    code = (
        "import sys, numpy as np, faiss.contrib.torch_utils\n"
        "from metric_face import KNNClassifier\n"
        "X = np.memmap(sys.argv[1], 'float32', 'w+', shape=(50, 8))\n"
        "X[:] = np.random.default_rng(0).normal(size=(50, 8))\n"
        "assert KNNClassifier(1).fit(X, np.arange(50)).predict(X).tolist() == list(range(50))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "X.npy")], check=True)
