"""Quotas hold in every batch of every epoch, and are refused with the reason where they cannot."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sampler_cases import assert_distinct_first, assert_p_by_k, from_sizes, label_sets

from metric_face.errors import ArgumentError
from metric_face.samplers import Quota, RandomIdentitySampler
from metric_face.samplers.quota_plan import QuotaPlan

examples = settings(max_examples=80, deadline=None, derandomize=True)
PERSONS = np.repeat(np.arange(200), 7)
GENDER = np.where(np.arange(200) < 30, "m", "f")[PERSONS]  # 30 men, 170 women
MASK = np.tile(["mask"] * 5 + ["incorrect", "none"], 200)  # varies within an identity


def fewest_images(plan, values):
    codes = np.unique(values, return_inverse=True)[1]
    return np.stack([np.bincount(row, minlength=codes.max() + 1) for row in codes[plan]]).min(axis=0)


def fewest_classes(plan, values):
    return min(np.unique(np.asarray(values)[row]).size for row in plan)


def assert_still_right(sampler, labels, p, k):
    plan = sampler.epoch_batches(0)
    assert_p_by_k(plan, labels, p, k)
    assert_distinct_first(plan, labels, k)
    assert np.unique(plan).size == labels.size


def test_images_of_a_value_that_is_rare():
    plain = RandomIdentitySampler(PERSONS, 8, 4).epoch_batches(0)
    assert fewest_images(plain, GENDER)[1] == 0  # batches without a man
    sampler = RandomIdentitySampler(PERSONS, 8, 4, quotas=Quota(GENDER, images=6, name="gender"))
    for epoch in range(3):
        assert (fewest_images(sampler.epoch_batches(epoch), GENDER) >= 6).all()
    assert_still_right(sampler, PERSONS, 8, 4)


def test_images_of_a_value_that_varies_within_the_label():
    sampler = RandomIdentitySampler(PERSONS, 8, 4, quotas=Quota(MASK, images=8, name="mask"))
    assert (fewest_images(sampler.epoch_batches(0), MASK) >= 8).all()
    assert_still_right(sampler, PERSONS, 8, 4)


def test_several_quotas_at_once_and_over_ranks():
    quotas = [Quota(GENDER, images=8), Quota(MASK, images=5), Quota(GENDER, classes=2)]
    sampler = RandomIdentitySampler(PERSONS, 8, 4, quotas=quotas, rank=1, world_size=5)
    plan = sampler.epoch_batches(0)
    assert len(plan) % 5 == 0
    assert (fewest_images(plan, GENDER) >= 8).all()
    assert (fewest_images(plan, MASK) >= 5).all()
    assert_still_right(sampler, PERSONS, 8, 4)


def test_classes_in_every_batch():
    rng = np.random.default_rng(0)
    region = rng.choice(6, 200, p=[0.8, 0.1, 0.04, 0.03, 0.02, 0.01])[PERSONS]
    plain = RandomIdentitySampler(PERSONS, 8, 4).epoch_batches(0)
    assert fewest_classes(plain, region) == 1
    for wanted in (2, 3, 4):
        sampler = RandomIdentitySampler(PERSONS, 8, 4, quotas=Quota(region, classes=wanted))
        assert fewest_classes(sampler.epoch_batches(0), region) >= wanted
        assert_still_right(sampler, PERSONS, 8, 4)
    joint = np.char.add(MASK, region.astype(str))
    sampler = RandomIdentitySampler(PERSONS, 8, 4, quotas=Quota(joint, classes=9))  # 3 families of 3 masks
    assert fewest_classes(sampler.epoch_batches(0), joint) >= 9


@st.composite
def with_attribute(draw):
    labels, p, k = draw(label_sets(10, 16))
    values = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    if draw(st.booleans()):
        attribute = rng.integers(0, values, labels.max() + 1)[labels]
    else:
        attribute = rng.integers(0, values, labels.size)
    return labels, attribute, p, k


@examples
@given(with_attribute(), st.integers(1, 6), st.booleans(), st.sampled_from(["images", "identities"]))
def test_what_is_promised_is_kept(case, wanted, of_images, coverage):
    labels, attribute, p, k = case
    quota = Quota(attribute, images=wanted) if of_images else Quota(attribute, classes=wanted)
    try:
        sampler = RandomIdentitySampler(labels, p, k, quotas=quota, coverage=coverage, world_size=2, rank=0)
    except ArgumentError as error:
        assert "quota" in str(error)  # noqa: PT017 - refusing is right, with a reason
        return
    for epoch in range(2):
        plan = sampler.epoch_batches(epoch)
        assert_p_by_k(plan, labels, p, k)
        if of_images:
            assert (fewest_images(plan, attribute) >= wanted).all()
        else:
            assert fewest_classes(plan, attribute) >= wanted
        if coverage == "images":
            assert np.unique(plan).size == labels.size


@pytest.mark.parametrize(
    ("quota", "p", "message"),
    [
        (
            Quota(GENDER, images=17, name="gender"),
            8,
            "asks for 17 images of each of 2 values, more than the 32",
        ),
        (
            Quota(MASK, images=9, name="mask"),
            8,
            "asks for 9 images of mask='.*' in every batch, and 8 can be",
        ),
        (
            Quota(GENDER, classes=3, name="gender"),
            8,
            "asks for 3 values of 'gender' .* 2 sets that share no value",
        ),
        (Quota(PERSONS, classes=9, name="identity"), 8, "asks for 9 values of 'identity'"),
        (
            Quota(GENDER[:-1], images=1, name="gender"),
            8,
            r"must have one value an image \(1400\), found 1399",
        ),
        (
            [Quota(GENDER, classes=2), Quota(MASK, classes=2)],
            8,
            "may set classes for one attribute only, found 2",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(quota, p, message):
    with pytest.raises(ArgumentError, match=message):
        RandomIdentitySampler(PERSONS, p, 4, quotas=quota)


def test_quotas_that_leave_no_room_are_refused():
    labels = from_sizes([4] * 9)
    values = np.where(labels < 2, labels, 2)
    sampler = RandomIdentitySampler(labels, 3, 2, quotas=Quota(values, images=2))
    assert (fewest_images(sampler.epoch_batches(0), values) >= 2).all()
    plan = QuotaPlan(
        stratum=np.array([0, 1, 2]),
        family=np.zeros(3, dtype=np.int64),
        need=np.array([1, 1, 0]),
        cap=np.array([2]),
        num_identities=2,
    )
    with pytest.raises(ArgumentError, match="they take 2 of the num_identities=2 places in every batch"):
        plan.batches_needed(np.array([4, 4, 4]))
    varying = np.arange(labels.size) % 5
    with pytest.raises(ArgumentError, match="labels hold it in every group of theirs"):
        RandomIdentitySampler(labels, 3, 2, quotas=Quota(varying, images=1))


def test_quotas_and_spread():
    joint = np.unique(np.char.add(MASK, GENDER), return_inverse=True)[1]
    quota = Quota(MASK, images=4)
    sampler = RandomIdentitySampler(joint, 4, 4, spread=PERSONS, quotas=quota)
    assert (fewest_images(sampler.epoch_batches(0), MASK) >= 4).all()
    with pytest.raises(
        ArgumentError, match="quotas on an attribute that varies within a label cannot be held"
    ):
        RandomIdentitySampler(GENDER, 2, 4, spread=PERSONS, quotas=quota)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "must set one of images and classes, found images=None and classes=None"),
        ({"images": 1, "classes": 1}, "must set one of images and classes"),
        ({"images": 0}, "whole number of at least 1, found 0"),
        ({"classes": 1.5}, "whole number of at least 1, found 1.5"),
    ],
)
def test_malformed_quotas(options, message):
    with pytest.raises(ArgumentError, match=message):
        Quota([1, 2], **options)
