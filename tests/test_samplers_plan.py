"""What every epoch holds: invariants I1 to I8, I10, I16 to I18 and I22."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sampler_cases import (
    SHAPES,
    as_array,
    assert_distinct_first,
    assert_p_by_k,
    co_occurrence,
    from_sizes,
    groups_of,
    head_heavy,
    joint_classes,
    label_sets,
    random_co_occurrence,
    third_gap,
)
from scipy.stats import chi2

from metric_face.samplers import RandomIdentitySampler

POLICIES = st.fixed_dictionaries(
    {"seed": st.integers(0, 2**32), "balance": st.sampled_from(["proportional", "sqrt", "uniform"])}
)
examples = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.fixture(params=SHAPES)
def shape(request):
    make, p, k = SHAPES[request.param]
    return make(), p, k


@examples
@given(label_sets(), POLICIES)
def test_i01_i02_i03_every_batch_is_p_by_k(case, policies):
    labels, p, k = case
    assert_p_by_k(RandomIdentitySampler(labels, p, k, **policies), labels, p, k)


@pytest.mark.parametrize("coverage", ["images", "identities"])
def test_i01_i02_i03_on_the_shapes_that_broke_others(shape, coverage):
    labels, p, k = shape
    assert_p_by_k(RandomIdentitySampler(labels, p, k, coverage=coverage), labels, p, k)


@examples
@given(label_sets(), POLICIES, st.sampled_from(["images", "identities"]))
def test_i04_distinct_images_come_first(case, policies, coverage):
    labels, p, k = case
    if coverage == "identities":
        policies = {"seed": policies["seed"]}
    assert_distinct_first(RandomIdentitySampler(labels, p, k, coverage=coverage, **policies), labels, k)


def test_i04_on_the_shapes_that_broke_others(shape):
    labels, p, k = shape
    assert_distinct_first(RandomIdentitySampler(labels, p, k), labels, k)


def test_i05_singletons_are_padded_dropped_or_refused():
    labels = from_sizes([1, 1, 6, 6, 6])
    single = np.flatnonzero(labels < 2)
    padded = RandomIdentitySampler(labels, 2, 3, singletons="pad")
    assert set(single) <= set(as_array(padded).ravel())
    assert padded.report().singletons == 2
    assert "2 labels have one image" in str(padded.report())
    dropped = RandomIdentitySampler(labels, 2, 3, singletons="drop")
    assert not set(single) & set(as_array(dropped).ravel())
    with pytest.raises(ValueError, match="singletons='raise' and 2 of 5 labels have one image"):
        RandomIdentitySampler(labels, 2, 3, singletons="raise")


@examples
@given(label_sets(), POLICIES)
def test_i06_every_image_is_seen_and_reuse_is_even(case, policies):
    labels, p, k = case
    draws = np.bincount(
        as_array(RandomIdentitySampler(labels, p, k, **policies)).ravel(), minlength=labels.size
    )
    assert draws.min() >= 1
    for label in range(labels.max() + 1):
        own = draws[labels == label]
        assert own.max() - own.min() <= 1


@examples
@given(label_sets(), st.integers(0, 2**32), st.integers(1, 5))
def test_i06_every_identity_is_seen_equally_often(case, seed, longer):
    labels, p, k = case
    batches = -(-(labels.max() + 1) // p) * longer
    sampler = RandomIdentitySampler(labels, p, k, coverage="identities", seed=seed, num_batches=batches)
    groups = np.bincount(labels[as_array(sampler)].ravel()) // k
    assert len(sampler) == batches
    assert groups.min() >= 1
    assert groups.max() - groups.min() <= 1


def test_i06_on_the_shapes_that_broke_others(shape):
    labels, p, k = shape
    sampler = RandomIdentitySampler(labels, p, k)
    draws = np.bincount(as_array(sampler).ravel(), minlength=labels.size)
    assert draws.min() == 1
    assert sampler.report().most_draws == draws.max()
    groups = np.bincount(labels[as_array(RandomIdentitySampler(labels, p, k, coverage="identities"))].ravel())
    assert groups.min() >= k
    assert groups.max() - groups.min() <= k


def test_i07_what_is_left_out_is_listed_and_nothing_else_is_unreachable():
    labels = head_heavy()
    report = RandomIdentitySampler(labels, 16, 4, singletons="drop").report()
    sizes = np.bincount(labels)
    assert sorted(report.dropped_images) == sorted(np.flatnonzero(sizes[labels] == 1))
    assert sorted(report.dropped_labels) == sorted(np.flatnonzero(sizes == 1))
    assert "400 images of 400 labels are never drawn" in str(report)
    sampler = RandomIdentitySampler(labels, 50, 4, coverage="identities")
    seen = set()
    for epoch in range(1500):  # 530 images, 4 an epoch: the last is missed by chance once in a hundred runs
        seen.update(sampler.epoch_batches(epoch).ravel().tolist())
        if len(seen) == labels.size:
            break
    assert len(seen) == labels.size


@examples
@given(label_sets(), POLICIES)
def test_i08_len_is_what_is_yielded(case, policies):
    labels, p, k = case
    sampler = RandomIdentitySampler(labels, p, k, **policies)
    promised = len(sampler)
    for _ in range(3):
        assert len(list(sampler)) == promised == len(sampler) > 0


def test_i10_seed_and_epoch_are_mixed():
    labels = from_sizes([9] * 12)
    plans = {}
    for seed in range(12):
        for epoch in range(12):
            plans[seed, epoch] = RandomIdentitySampler(labels, 4, 3, seed=seed).epoch_batches(epoch).tobytes()
    assert len(set(plans.values())) == len(plans)


@pytest.mark.parametrize("balance", ["proportional", "sqrt", "uniform"])
def test_i16_labels_come_as_often_as_balance_says(balance):
    sizes = np.array([400, 200, 100, 80, 60, 40, 40, 20, 12, 12])
    labels = from_sizes(sizes)
    sampler = RandomIdentitySampler(labels, 2, 4, balance=balance)
    seen = np.bincount(labels[as_array(sampler)].ravel()) / 4
    weight = {"proportional": sizes, "sqrt": np.sqrt(sizes), "uniform": np.ones(sizes.size)}[balance]
    expected = seen.sum() * weight / weight.sum()
    statistic = ((seen - expected) ** 2 / expected).sum()
    assert statistic < chi2.ppf(0.5, sizes.size - 1)  # a random draw passes half the time, this always
    assert abs(seen - expected).max() <= 1  # and in fact it is a matter of rounding


@pytest.mark.parametrize("name", ["head_heavy", "market_like", "joint_classes", "identities"])
def test_i16_uniform_differs_by_one_at_most(name):
    make, p, k = SHAPES[name]
    labels = make()
    groups = (
        np.bincount(labels[RandomIdentitySampler(labels, p, k, balance="uniform").epoch_batches(0)].ravel())
        // k
    )
    assert groups.max() - groups.min() <= 1


def test_i17_no_drift_at_49_to_1():
    labels = joint_classes()
    sampler = RandomIdentitySampler(labels, 8, 4)
    for epoch in range(5):
        plan = sampler.epoch_batches(epoch)
        assert third_gap(plan, labels) < 0.01
        for part in np.array_split(plan, 8):  # and nowhere in between
            seen = np.bincount(labels[part].ravel(), minlength=18) / 4
            whole = np.bincount(labels[plan].ravel(), minlength=18) / 4 * len(part) / len(plan)
            assert ((seen - whole) ** 2 / whole).sum() < chi2.ppf(0.5, 17)


def test_i17_no_drift_on_the_shapes_that_broke_others(shape):
    labels, p, k = shape
    plan = RandomIdentitySampler(labels, p, k).epoch_batches(0)
    third = len(plan) // 3
    if not third:
        return
    # Labels too rare for a chi-square test one by one are taken together, by size
    size = np.bincount(labels)[labels]
    band = np.searchsorted([2, 3, 5, 9, 17, 33, 65, 129], size)
    table = (
        np.stack([np.bincount(band[rows].ravel(), minlength=9) for rows in (plan[:third], plan[-third:])]) / k
    )
    table = table[:, table.sum(0) > 0]
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    degrees = max(table.shape[1] - 1, 1)
    assert ((table - expected) ** 2 / expected).sum() < chi2.ppf(0.99, degrees)


@st.composite
def classes_of_identities(draw):
    """labels and identities, where an identity may have several labels, with P and K."""
    labels, p, k = draw(label_sets(6, 24))
    identities = draw(st.integers(1, 10))
    skew = draw(st.floats(0.3, 3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return labels, (identities * rng.random(labels.size) ** skew).astype(int), p, k


def assert_spread(batches, labels, identities, k):
    for group in groups_of(batches, labels, k):
        available = np.unique(identities[labels == labels[group[0]]]).size
        assert np.unique(identities[group]).size == min(k, available)


@examples
@given(classes_of_identities(), POLICIES)
def test_i18_k_images_of_a_label_are_of_k_identities(case, policies):
    labels, identities, p, k = case
    plan = RandomIdentitySampler(labels, p, k, spread=identities, **policies).epoch_batches(0)
    assert_p_by_k(plan, labels, p, k)
    assert_distinct_first(plan, labels, k)
    assert_spread(plan, labels, identities, k)
    assert np.unique(plan).size == labels.size


@examples
@given(classes_of_identities(), st.integers(1, 4))
def test_i18_holds_with_coverage_of_identities(case, longer):
    labels, identities, p, k = case
    batches = -(-(labels.max() + 1) // p) * longer
    sampler = RandomIdentitySampler(
        labels, p, k, spread=identities, coverage="identities", num_batches=batches
    )
    plan = sampler.epoch_batches(0)
    assert_p_by_k(plan, labels, p, k)
    assert_distinct_first(plan, labels, k)
    assert_spread(plan, labels, identities, k)


def test_i18_identities_that_are_the_labels_change_nothing():
    labels = from_sizes([5, 9, 1, 12])
    plain, spread = RandomIdentitySampler(labels, 3, 4), RandomIdentitySampler(labels, 3, 4, spread=labels)
    assert list(plain) == list(spread)
    assert spread.report().short_of_identities is None


def test_i18_the_competition():
    rng = np.random.default_rng(0)
    identities = np.repeat(np.arange(2700), 7)
    labels = (
        np.tile([0, 0, 0, 0, 0, 1, 2], 2700) * 6
        + rng.choice(6, 2700, p=[0.27, 0.2, 0.02, 0.3, 0.18, 0.03])[identities]
    )
    sampler = RandomIdentitySampler(labels, 8, 4, spread=identities)
    assert_spread(sampler, labels, identities, 4)
    report = sampler.report({"mask": labels // 6, "identity": identities})
    assert report.varying == {"identity": 18}
    assert "identity varies within 18 labels" in str(report)
    by_identity = RandomIdentitySampler(identities, 8, 4).report({"mask": labels // 6, "group": labels % 6})
    assert by_identity.varying == {"mask": 2700}


def expected_co_occurrence(null, sizes):
    """(C, C) the mean of the null tables, over pairs of labels of the same two sizes as well."""
    kinds, kind = np.unique(sizes, return_inverse=True)
    mean = null.mean(axis=0)
    expected = np.zeros_like(mean)
    for a in range(len(kinds)):
        for b in range(len(kinds)):
            cells = np.outer(kind == a, kind == b) & ~np.eye(len(sizes), dtype=bool)
            expected[cells] = mean[cells].mean() if cells.any() else 0
    return expected


@pytest.mark.parametrize(
    ("sizes", "p"),
    [
        ([40] * 20, 5),
        (np.geomspace(20, 980, 18).round().astype(int), 8),
        ([12] * 100, 6),
        ([7, 8, 9] * 20, 8),
    ],
    ids=["equal", "joint_classes", "three_groups_each", "two_or_three_groups_each"],
)
def test_i22_co_occurrence_is_random(sizes, p):
    labels = from_sizes(sizes)
    sampler = RandomIdentitySampler(labels, p, 4)
    ours = np.stack([co_occurrence(sampler.epoch_batches(epoch), labels) for epoch in range(30)])
    rng = np.random.default_rng(0)
    null = []
    for epoch in range(30, 60):
        present = np.zeros((len(sampler), len(sizes)), dtype=np.int64)
        np.put_along_axis(present, labels[sampler.epoch_batches(epoch)], 1, axis=1)
        present = random_co_occurrence(present, rng, rounds=10)
        null.append(present.T @ present * (1 - np.eye(len(sizes), dtype=np.int64)))
    expected = expected_co_occurrence(np.stack(null), sizes)
    pairs = np.triu_indices(len(sizes), 1)

    def statistic(table, times=1):
        return ((table[pairs] - times * expected[pairs]) ** 2 / (times * expected[pairs])).sum()

    limit = chi2.ppf(0.99, len(pairs[0]))
    mine = np.array([statistic(table) for table in ours])
    assert mine.max() < limit
    assert statistic(ours.sum(axis=0), times=30) < limit  # nor does anything build up over epochs
    assert mine.mean() < 1.25 * np.mean([statistic(table) for table in null])
    assert ours.max() <= np.max(null) + 1  # no two labels are locked together


def test_i22_co_occurrence_changes_from_epoch_to_epoch():
    labels = from_sizes([4] * 60)
    sampler = RandomIdentitySampler(labels, 6, 4)
    shared = [
        (
            np.minimum(
                co_occurrence(sampler.epoch_batches(e), labels),
                co_occurrence(sampler.epoch_batches(e + 1), labels),
            )
        ).sum()
        / 2
        for e in range(30)
    ]
    pairs = 10 * 15  # 10 batches of 15 pairs, each again in the next epoch with probability 5 / 59
    assert abs(np.mean(shared) - pairs * 5 / 59) < 4 * np.sqrt(pairs * 5 / 59 / 30)
