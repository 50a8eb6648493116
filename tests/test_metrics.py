"""Scores against scikit-learn, pytorch-metric-learning and the definition; intervals against repetition."""

import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from metric_face.errors import ArgumentError
from metric_face.metrics import (
    bootstrap_interval,
    confusion,
    f1_per_class,
    macro_f1,
    resolution,
    retrieval_metrics,
)
from metric_face.metrics.intervals import Interval


def draw_labels(seed, n=300, classes=6, right=0.6):
    rng = np.random.default_rng(seed)
    true = rng.choice(classes, n, p=np.arange(1, classes + 1) / (classes * (classes + 1) / 2))
    return true, np.where(rng.random(n) < right, true, rng.integers(0, classes, n))


@pytest.mark.parametrize("seed", range(5))
def test_f1_and_confusion_equal_scikit_learn(seed):
    true, pred = draw_labels(seed)
    assert macro_f1(true, pred) == pytest.approx(f1_score(true, pred, average="macro"), abs=1e-12)
    np.testing.assert_allclose(
        f1_per_class(true, pred, 6), f1_score(true, pred, average=None, labels=range(6))
    )
    np.testing.assert_array_equal(confusion(true, pred, 6), confusion_matrix(true, pred, labels=range(6)))


def test_four_items_by_hand():
    # class 0: one hit, two true, two predicted -> 1/2; class 1: one hit, one true, two predicted -> 2/3;
    # class 2: one true, never predicted -> 0
    true, pred = [0, 0, 1, 2], [0, 1, 1, 0]
    np.testing.assert_allclose(f1_per_class(true, pred), [1 / 2, 2 / 3, 0])
    assert macro_f1(true, pred) == pytest.approx((1 / 2 + 2 / 3) / 3)


def test_an_absent_class_does_not_count():
    true, pred = [0, 0, 2], [0, 0, 2]
    assert macro_f1(true, pred, num_classes=18) == 1.0
    assert np.isnan(f1_per_class(true, pred, 4)[[1, 3]]).all()
    assert macro_f1([0, 0], [0, 1], 18) == pytest.approx(f1_score([0, 0], [0, 1], average="macro"))


def test_labels_may_be_huge_identities():
    big = 2**53
    assert macro_f1([big, big + 1], [big, big + 1]) == 1.0
    assert macro_f1([big, big + 1], [big, big]) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("true", "pred", "classes", "message"),
    [
        ([0, 1], [0], None, "equally long, found 2 and 1"),
        ([0.0, 1.0], [0, 1], None, "y_true must be integers, found float64"),
        ([[0, 1], [1, 0]], [0, 1], None, r"y_true must be one-dimensional, found shape \(2, 2\)"),
        ([], [], None, "at least one label, found none"),
        ([0, 3], [0, 1], 3, r"y_true must lie in 0..2, found 3"),
        ([0, 1], [0, -1], None, r"y_pred must lie in 0..1, found -1"),
    ],
)
def test_bad_labels_are_named(true, pred, classes, message):
    with pytest.raises(ArgumentError, match=message):
        macro_f1(np.array(true), np.array(pred), classes)


def brute_retrieval(vectors, labels, groups, ks):
    """By the definition, in exact arithmetic for whole-numbered vectors; equals by position."""
    similar = vectors.astype(np.int64) @ vectors.astype(np.int64).T
    rows = []
    for query in range(len(vectors)):
        others = [j for j in range(len(vectors)) if j != query and groups[j] != groups[query]]
        others.sort(key=lambda j: (-similar[query, j], j))
        relevant = np.array([labels[j] == labels[query] for j in others])
        if not relevant.any():
            continue
        R = relevant.sum()
        precision = np.cumsum(relevant) / np.arange(1, len(relevant) + 1)
        rows.append(
            [*(relevant[:k].any() for k in ks), relevant[:R].mean(), (precision * relevant)[:R].sum() / R]
        )
    return np.mean(rows, axis=0), len(rows)


@pytest.mark.parametrize("excluded", [False, True])
@pytest.mark.parametrize("classes", [2, 7, 40])
def test_retrieval_equals_the_definition_ties_included(classes, excluded):
    rng = np.random.default_rng(classes)
    vectors = rng.integers(-2, 3, (90, 4)).astype(np.float32)  # few values: most similarities are tied
    labels, identities = rng.integers(0, classes, 90) + 2**40, rng.integers(0, 25, 90)
    groups = identities if excluded else np.arange(90)
    want, queries = brute_retrieval(vectors, labels, groups, (1, 5, 20))
    got = retrieval_metrics(
        vectors,
        labels,
        identities=identities.astype(str),
        exclude_same_identity=excluded,
        ks=(1, 5, 20),
        metric="inner_product",
    )
    assert [*got.recall.values(), got.r_precision, got.map_at_r] == pytest.approx(want.tolist(), abs=1e-6)
    assert (got.num_queries, got.num_without_relevant) == (queries, 90 - queries)
    assert got.same_identity_excluded is excluded


@pytest.mark.parametrize("classes", [2, 8, 60])
def test_retrieval_equals_accuracy_calculator(classes):
    calculators = pytest.importorskip("pytorch_metric_learning.utils.accuracy_calculator")
    import torch

    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, 400)
    vectors = (rng.normal(size=(classes, 16))[labels] + rng.normal(size=(400, 16))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    want = calculators.AccuracyCalculator(
        include=("precision_at_1", "r_precision", "mean_average_precision_at_r"), device=torch.device("cpu")
    ).get_accuracy(torch.from_numpy(vectors), torch.from_numpy(labels))
    for metric in ("cosine", "euclidean"):  # the same order for vectors of length one
        got = retrieval_metrics(vectors, labels, metric=metric)
        assert got.recall[1] == pytest.approx(want["precision_at_1"], abs=1e-6)
        assert got.r_precision == pytest.approx(want["r_precision"], abs=1e-6)
        assert got.map_at_r == pytest.approx(want["mean_average_precision_at_r"], abs=1e-6)


def test_labels_above_2_to_24_stay_apart():
    # as float32 all four labels are one: every neighbor would be right
    vectors = np.eye(4, dtype=np.float32)[[0, 0, 1, 1]]
    labels = np.array([0, 1, 0, 1]) + 2**24
    assert retrieval_metrics(vectors, labels).recall[1] == 0.0


def test_k_may_be_below_r():
    # R = 9 for each query, and the metric still looks at all nine
    vectors = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    labels = np.arange(20) % 2
    both = [retrieval_metrics(vectors, labels, ks=ks) for ks in ((1,), (1, 19))]
    assert both[0].map_at_r == both[1].map_at_r
    assert both[1].recall[19] == 1.0


def test_items_without_a_relevant_one_are_left_out_and_counted():
    vectors = np.eye(5, dtype=np.float32)
    got = retrieval_metrics(vectors, [0, 0, 1, 2, 3])
    assert (got.num_queries, got.num_without_relevant) == (2, 3)
    np.testing.assert_array_equal(got.query_ids, [0, 1])
    assert all(len(values) == 2 for values in got.per_query.values())


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    vectors, labels = rng.integers(-3, 4, (70, 6)).astype(np.float32), rng.integers(0, 5, 70)
    whole = retrieval_metrics(vectors, labels, metric="inner_product")
    seen = []
    monkeypatch.setattr("metric_face.metrics.ranked_blocks._BLOCK_BYTES", 8 * 70 * 8)
    monkeypatch.setattr("metric_face.metrics.ranked_blocks._LEAST_QUERIES", 1)
    parts = retrieval_metrics(vectors, labels, metric="inner_product", progress=lambda *a: seen.append(a))
    assert parts.per_query["map_at_r"].tolist() == whole.per_query["map_at_r"].tolist()
    assert seen[0] == (8, 70)
    assert seen[-1] == (70, 70)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("metric_face.metrics.ranked_blocks._BLOCK_BYTES", 1 << 20)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(4000, 8)).astype(np.float32)
    tracemalloc.start()
    retrieval_metrics(vectors, np.arange(4000) % 40)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6  # the whole similarity matrix has 64 MB


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": [0, 1]}, "equally many, found 4 and 2"),
        ({"ks": ()}, "ks must be whole numbers of at least 1"),
        ({"exclude_same_identity": True}, "identities must be given"),
        ({"labels": [0, 1, 2, 3]}, "labels must repeat"),
        ({"metric": "dot"}, "metric must be one of"),
        ({"identities": [0, 1], "exclude_same_identity": True}, r"one per item, found shape \(2,\) for 4"),
        ({"identities": [0.5, 1, 2, 3], "exclude_same_identity": True}, "found floats"),
    ],
)
def test_bad_retrieval_arguments_are_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        retrieval_metrics(np.eye(4, dtype=np.float32), **{"labels": [0, 0, 1, 1], **arguments})


def loop_bootstrap(true, pred, identities, resamples, seed, other=None):
    """The same resampling, image by image."""
    names, codes = np.unique(identities, return_inverse=True)
    members = [np.flatnonzero(codes == i) for i in range(len(names))]
    drawn = np.random.default_rng(seed).integers(0, len(names), (resamples, len(names)))
    values = []
    for row in drawn:
        images = np.concatenate([members[i] for i in row])
        value = f1_score(true[images], pred[images], average="macro")
        if other is not None:
            value -= f1_score(true[images], other[images], average="macro")
        values.append(value)
    return np.array(values)


def test_interval_equals_a_loop_over_images():
    true, pred = draw_labels(0)
    _, other = draw_labels(1)
    identities = np.random.default_rng(2).integers(0, 50, 300)
    for second in (None, other):
        want = loop_bootstrap(true, pred, identities, 60, 7, second)
        got = bootstrap_interval(true, pred, identities, other=second, resamples=60, seed=7)
        low, high = np.quantile(want, [0.025, 0.975])
        assert low - 0.02 < got.low + want.mean() - got.value < low + 0.02
        assert high - 0.02 < got.high + want.mean() - got.value < high + 0.02
        assert got.standard_error == pytest.approx(want.std(ddof=1), abs=1e-9)
        assert got.share_above_zero == pytest.approx((want > 0).mean())


def test_blocks_of_resamples_are_one_stream(monkeypatch):
    true, pred = draw_labels(0)
    identities = np.arange(300) // 6
    whole = bootstrap_interval(true, pred, identities, resamples=50)
    monkeypatch.setattr("metric_face.metrics.intervals._BLOCK", 7 * 50)
    assert bootstrap_interval(true, pred, identities, resamples=50) == whole


def test_people_make_wider_intervals_than_images():
    """Seven equal images of an identity are one observation: the standard error is sqrt(7) times the naive one."""
    rng = np.random.default_rng(0)
    true, right = np.zeros(400, int), rng.random(400) < 0.7
    seven = np.repeat(np.where(right, 0, 1), 7)
    naive = bootstrap_interval(np.repeat(true, 7), seven, np.arange(2800), metric="accuracy")
    honest = bootstrap_interval(np.repeat(true, 7), seven, np.repeat(np.arange(400), 7), metric="accuracy")
    assert honest.value == naive.value == pytest.approx(right.mean())
    assert honest.standard_error / naive.standard_error == pytest.approx(7**0.5, rel=0.1)
    assert honest.standard_error == pytest.approx((right.mean() * (1 - right.mean()) / 400) ** 0.5, rel=0.1)


def test_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        wrong = rng.random(120) < 0.3
        identities = np.repeat(np.arange(120), 3)
        got = bootstrap_interval(
            np.zeros(360, int),
            np.repeat(wrong, 3).astype(int),
            identities,
            metric="accuracy",
            resamples=200,
            seed=trial,
        )
        covered += got.low <= 0.7 <= got.high
    assert 0.89 <= covered / 200 <= 0.99


def test_few_people_and_rare_classes_are_covered():
    """Percentiles of the resamples cover .69 here; rounds of 150 trials vary by .04."""
    rng = np.random.default_rng(0)
    shares = [0.3, 0.25, 0.2, 0.1, 0.1, 0.05]

    def draw(identities):
        true = np.repeat(rng.choice(6, identities, p=shares), 7)
        right = rng.random(len(true)) < np.repeat(rng.beta(4, 1.2, identities), 7)
        return true, np.where(right, true, (true + rng.integers(1, 6, len(true))) % 6)

    whole = macro_f1(*draw(20_000))
    found = [bootstrap_interval(*draw(30), np.repeat(np.arange(30), 7), resamples=200) for _ in range(150)]
    assert np.mean([one.low <= whole <= one.high for one in found]) > 0.87


def test_retrieval_without_each_identity_equals_doing_it_again():
    rng = np.random.default_rng(1)
    identities = rng.integers(0, 9, 60)
    vectors = rng.normal(size=(60, 5)).astype(np.float32)
    for labels, excluded in ((identities, False), (identities % 3, True), (rng.integers(0, 3, 60), False)):
        chosen = {"exclude_same_identity": excluded, "ks": (1, 5)}
        whole = retrieval_metrics(vectors, labels, identities=identities, **chosen)
        again = [
            retrieval_metrics(
                vectors[identities != one],
                labels[identities != one],
                identities=identities[identities != one] if excluded else None,
                **chosen,
            )
            for one in range(9)
        ]
        for name, values in whole.without.items():
            wanted = [one.per_query[name].mean(dtype=np.float64) for one in again]
            np.testing.assert_allclose(np.sort(values), np.sort(wanted), rtol=1e-5)
        got = whole.interval("map_at_r")
        assert (got.low <= got.value <= got.high, got.value, got.num_identities) == (True, whole.map_at_r, 9)


def test_candidates_are_resampled_too():
    """An interval over the queries alone covers .79 here; rounds of 120 trials vary by .04."""
    rng = np.random.default_rng(0)
    owners, found = np.repeat(np.arange(30), 4), []
    for _ in range(120):
        own = rng.integers(0, 3, 30)
        centers = rng.normal(size=(30, 2)) + own[:, None]
        vectors = centers[owners] + 0.02 * rng.normal(size=(120, 2))
        result = retrieval_metrics(vectors, own[owners], identities=owners, exclude_same_identity=True)
        found.append(result.interval("recall@1"))
    truth = np.mean([one.value for one in found])
    assert np.mean([one.low <= truth <= one.high for one in found]) > 0.89


def test_what_the_jackknife_counts_twice_equals_leaving_two_out():
    """Where each query looks at one other image, the pairs are the whole of the variance beyond the sums."""
    rng = np.random.default_rng(4)
    owners = np.repeat(np.arange(8), 3)
    vectors = rng.normal(size=(24, 4)).astype(np.float32)
    labels = rng.integers(0, 2, 8)[owners]
    chosen = {"exclude_same_identity": True, "ks": (1,)}
    whole = retrieval_metrics(vectors, labels, identities=owners, **chosen)
    mean, size = whole.recall[1], whole.num_queries
    effect = np.zeros((8, 8))  # what leaving out one identity does to the sum over another's queries
    for one in range(8):
        rest = owners != one
        again = retrieval_metrics(vectors[rest], labels[rest], identities=owners[rest], **chosen)
        asking = owners[rest][again.query_ids]
        for other in range(8):
            if other != one:
                now = again.per_query["recall@1"][asking == other] - mean
                was = whole.per_query["recall@1"][owners[whole.query_ids] == other] - mean
                effect[other, one] = (was.sum(dtype=np.float64) - now.sum(dtype=np.float64)) / size
    apart = ~np.eye(8, dtype=bool)
    both = effect.sum() / 56
    rest = effect - effect.sum(1, keepdims=True) / 7 - effect.sum(0, keepdims=True) / 7 + both
    wanted = (rest[apart] ** 2).sum()
    assert wanted > 0
    assert whole.counted_twice["recall@1"] == pytest.approx(wanted, rel=1e-5)


def test_the_interval_of_retrieval_is_not_far_too_wide():
    """The jackknife alone is 1.5 times the standard deviation here; rounds of 100 trials vary by .07."""
    rng = np.random.default_rng(6)
    owners, found = np.repeat(np.arange(30), 4), []
    for _ in range(100):
        own = rng.integers(0, 4, 30)
        centers = rng.normal(size=(30, 8)) + 1.1 * np.eye(4, 8)[own]
        vectors = centers[owners] + 0.5 * rng.normal(size=(120, 8))
        result = retrieval_metrics(vectors, own[owners], identities=owners, exclude_same_identity=True)
        found.append(result.interval("recall@5"))
    truth = np.std([one.value for one in found], ddof=1)
    error = np.mean([one.standard_error for one in found])
    assert 0.85 < error / truth < 1.3


def test_a_class_that_no_item_has_leaves_the_upper_end_open():
    rng = np.random.default_rng(0)
    true = np.repeat(rng.integers(0, 3, 40), 5)
    pred = np.where(rng.random(200) < 0.7, true, rng.integers(0, 4, 200))
    groups = np.repeat(np.arange(40), 5)
    found = bootstrap_interval(true, pred, groups, num_classes=4)
    f1 = f1_score(true, pred, average=None)
    assert f1[3] == 0
    assert found.value == pytest.approx(f1.mean())
    half = found.value - found.low
    assert found.high == pytest.approx(
        f1[:3].mean() + half, abs=0.02
    )  # the bias of the bootstrap is on one side
    seen = pred.copy()
    seen[pred == 3] = 0
    closed = bootstrap_interval(true, seen, groups, num_classes=4)
    assert closed.high - closed.value < found.high - found.value - 0.1


def test_an_interval_of_retrieval_needs_people():
    result = retrieval_metrics(np.eye(4), [0, 0, 1, 1])
    with pytest.raises(ArgumentError, match="identities must be given to retrieval_metrics, at least 2"):
        result.interval("recall@1")
    with pytest.raises(ArgumentError, match=r"name must be one of recall@1, .*, found 'recall@3'"):
        result.interval("recall@3")


def test_a_paired_difference_is_narrower_than_two_intervals():
    true, pred = draw_labels(0, n=1400)
    better = np.where(np.arange(1400) % 10 == 0, true, pred)
    identities = np.arange(1400) // 7
    gain = bootstrap_interval(true, better, identities, other=pred)
    alone = bootstrap_interval(true, pred, identities)
    assert gain.excludes_zero()
    assert gain.share_above_zero == 1.0
    assert gain.standard_error < alone.standard_error


def test_resolution_names_the_class_that_limits():
    rng = np.random.default_rng(0)
    true = np.repeat([0] * 190 + [1] * 10, 7)  # ten identities in the second class
    identities = np.repeat(np.arange(200), 7)
    pred = np.where(np.repeat(rng.random(200) < 0.8, 7), true, 1 - true)
    alone = resolution(true, pred, identities)
    assert (alone.limiting_class, alone.limiting_identities, alone.num_identities) == (1, 10, 200)
    assert alone.difference == pytest.approx(1.96 * 2**0.5 * alone.standard_error, rel=1e-3)
    error = bootstrap_interval(true, pred, identities).standard_error
    assert alone.standard_error == pytest.approx(error)
    nearly = np.where(np.arange(1400) % 100 == 0, true, pred)
    paired = resolution(true, pred, identities, other=nearly)
    assert paired.paired
    assert paired.difference < alone.difference


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "auc"}, "metric must be 'macro_f1' or 'accuracy', found 'auc'"),
        ({"resamples": 1}, "resamples must be at least 2, found 1"),
        ({"confidence": 95}, "confidence must lie between 0 and 1, found 95"),
        ({"identities": [0, 0, 0]}, "identities must number at least 2"),
        ({"identities": [0, 1]}, "one per item"),
        ({"other": [0, 1, 5], "num_classes": 3}, "y_pred must lie in 0..2, found 5"),
    ],
)
def test_bad_bootstrap_arguments_are_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        bootstrap_interval([0, 1, 1], [0, 1, 0], **{"identities": [0, 1, 2], **arguments})


def test_a_class_missing_from_a_resample_raises_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = bootstrap_interval([0, 0, 0, 1], [0, 0, 0, 1], [0, 1, 2, 3], num_classes=5)
    assert isinstance(got, Interval)
    assert (got.low, got.high) == (1.0, 1.0)
