"""How the sampler behaves in a program: invariants I8, I9, I11 to I15, I19 and I20."""

import copy
import inspect
import os
import pickle
import random
import re
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sampler_cases import as_array, from_sizes, label_sets

from metric_face.errors import ArgumentError
from metric_face.samplers import Quota, RandomIdentitySampler

examples = settings(max_examples=40, deadline=None, derandomize=True)
LABELS = from_sizes([5, 9, 1, 12, 7, 3])


def make(**options):
    return RandomIdentitySampler(LABELS, 3, 4, **options)


def test_i09_the_plan_leaves_global_random_states_alone_and_ignores_them():
    plans = []
    for seed in (0, 1):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the global state is the point
        torch.manual_seed(seed)
        before = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
        plans.append(list(make()))
        after = random.getstate(), np.random.get_state()[1], torch.get_rng_state()  # noqa: NPY002
        assert before[0] == after[0]
        assert (before[1] == after[1]).all()
        assert torch.equal(before[2], after[2])
    assert plans[0] == plans[1]


@pytest.mark.parametrize(
    "kind",
    [
        list,
        tuple,
        lambda x: x.astype(np.int32),
        lambda x: x.astype(np.uint8),
        lambda x: x - 3,
        lambda x: x * 10**15,
        lambda x: x.astype(str),
        lambda x: [f"identity {i}" for i in x],
        lambda x: [("tuple", int(i)) for i in x],
        lambda x: list(map(np.int64, x)),
        torch.tensor,
        lambda x: list(torch.tensor(x)),
        lambda x: pd.Series(x, index=range(100, 100 + len(x))),
        lambda x: pd.Series(x).astype("category"),
        lambda x: pd.Series(x.astype(str), dtype="string"),
        lambda x: x.astype(float),
    ],
)
def test_i09_the_plan_does_not_depend_on_the_kind_of_labels(kind):
    assert list(RandomIdentitySampler(kind(LABELS), 3, 4)) == list(make())


@pytest.mark.slow
def test_i09_the_plan_does_not_depend_on_the_hash_seed():
    program = (
        "from metric_face.samplers import RandomIdentitySampler as S;"
        "print(list(S(['anna', 'bob', 'carl', 'dora'] * 5, 3, 4)))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1] != ""


def test_i09_earlier_iterations_change_nothing():
    used = make()
    for _ in used:
        pass
    used.set_epoch(5)
    next(iter(used))
    used.set_epoch(2)
    fresh = make()
    fresh.set_epoch(2)
    assert list(used) == list(fresh)


@examples
@given(label_sets(), st.integers(1, 5), st.integers(0, 3))
def test_i11_ranks_share_the_plan(case, world, epoch):
    labels, p, k = case
    alone = RandomIdentitySampler(labels, p, k, rank=0, world_size=1)
    alone.set_epoch(epoch)
    plan = list(alone)
    ranks = []
    for rank in range(world):
        sampler = RandomIdentitySampler(labels, p, k, rank=rank, world_size=world)
        sampler.set_epoch(epoch)
        ranks.append(list(sampler))
        assert len(ranks[-1]) == len(sampler)
    assert len({len(batches) for batches in ranks}) == 1
    dealt = [batch for together in zip(*ranks, strict=True) for batch in together]
    assert dealt[: len(plan)] == plan  # disjoint parts of the one plan, in its order
    assert len(dealt) - len(plan) == -len(plan) % world  # made equal with the fewest further batches
    groups = np.bincount(labels[as_array(dealt)].ravel()) // k
    assert groups.sum() == len(dealt) * p
    for batch in dealt:
        assert np.unique(labels[batch]).size == p


def test_i11_further_batches_keep_identities_equal():
    labels = from_sizes([6] * 11)
    sampler = RandomIdentitySampler(labels, 3, 2, coverage="identities", rank=0, world_size=7)
    groups = np.bincount(labels[sampler.epoch_batches(0)].ravel()) // 2
    assert len(sampler.epoch_batches(0)) == 7
    assert groups.max() - groups.min() <= 1


@pytest.mark.parametrize(("rank", "world"), [(2, 2), (-1, 2), (0, 0), (1, None), (True, 2)])
def test_i11_a_rank_outside_the_world_is_refused(rank, world):
    with pytest.raises(ArgumentError, match=r"rank must be|world_size must be"):
        make(rank=rank, world_size=world)


def test_i12_set_epoch_is_idempotent():
    once, twice = make(), make()
    once.set_epoch(3)
    twice.set_epoch(3)
    twice.set_epoch(3)
    assert list(once) == list(twice)


def test_i12_a_second_pass_advances():
    sampler = make()
    first, second = list(sampler), list(sampler)
    assert first != second
    assert sampler.epoch == 1
    fresh = make()
    fresh.set_epoch(1)
    assert list(fresh) == second
    sampler.set_epoch(0)
    assert list(sampler) == first


def test_i12_an_iterator_that_is_never_used_changes_nothing():
    sampler = make()
    iter(sampler)
    assert sampler.epoch == 0
    assert list(sampler) == list(make())


@examples
@given(label_sets(), st.integers(0, 10**6), st.integers(0, 2))
def test_i13_resumed_is_uninterrupted(case, where, epoch):
    labels, p, k = case
    whole = RandomIdentitySampler(labels, p, k)
    whole.set_epoch(epoch)
    batches = list(whole)
    stop = where % len(batches)
    first = RandomIdentitySampler(labels, p, k)
    first.set_epoch(epoch)
    iterator = iter(first)
    seen = [next(iterator) for _ in range(stop)]
    state = pickle.loads(pickle.dumps(first.state_dict()))  # noqa: S301 - our own bytes
    second = RandomIdentitySampler(labels, p, k, seed=99)
    second.load_state_dict(state)
    second.set_epoch(epoch)  # as Lightning does
    assert seen + list(second) == batches
    assert len(second) == len(batches)
    assert list(second) == list(whole)  # and the epoch after it follows


def test_i13_consumed_counts_and_not_what_was_prefetched():
    sampler = make()
    iterator = iter(sampler)
    batches = [next(iterator) for _ in range(4)]
    state = sampler.state_dict(consumed=2)
    resumed = make()
    resumed.load_state_dict(state)
    assert list(resumed)[:2] == batches[2:]


def test_i13_a_finished_epoch_resumes_with_the_next():
    sampler = make()
    list(sampler)
    resumed = make()
    resumed.load_state_dict(sampler.state_dict())
    assert resumed.epoch == 1
    assert list(resumed) == list(sampler)


def test_i13_a_state_taken_before_the_first_batch_of_a_resumed_epoch_keeps_its_place():
    sampler = make()
    sampler.load_state_dict(make().state_dict(consumed=3))
    again = make()
    again.load_state_dict(sampler.state_dict())
    assert list(again) == list(make())[3:]


def test_i13_ranks_resume_with_another_world_where_it_divides():
    labels = from_sizes([8] * 24)
    two = RandomIdentitySampler(labels, 4, 2, rank=0, world_size=2)
    state = two.state_dict(consumed=4)
    one = RandomIdentitySampler(labels, 4, 2, rank=0, world_size=1)
    one.load_state_dict(state)
    assert list(one) == list(RandomIdentitySampler(labels, 4, 2, rank=0, world_size=1))[8:]
    three = RandomIdentitySampler(labels, 4, 2, rank=0, world_size=3)
    with pytest.raises(ArgumentError, match="world_size must divide the 8 batches consumed"):
        three.load_state_dict(state)


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (lambda: RandomIdentitySampler(LABELS, 2, 4), "num_identities"),
        (lambda: RandomIdentitySampler(LABELS, 3, 2), "num_instances"),
        (lambda: make(coverage="identities"), "num_batches"),
        (lambda: make(spread=np.arange(LABELS.size)), "labels and policies"),
        (lambda: RandomIdentitySampler(LABELS[::-1].copy(), 3, 4), "labels and policies"),
    ],
)
def test_i13_the_state_of_another_sampler_is_refused(other, name):
    with pytest.raises(ArgumentError, match=f"state must be of a sampler with the same {name}"):
        make().load_state_dict(other().state_dict())


def test_i13_nonsense_states_are_refused():
    with pytest.raises(ArgumentError, match="found no consumed, epoch, seed, settings"):
        make().load_state_dict({})
    with pytest.raises(ArgumentError, match="consumed must be at most the"):
        make().state_dict(consumed=10**6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((LABELS, 7, 4), r"found num_identities=7 and 6 eligible labels \(6 labels, 0 dropped"),
        ((LABELS, 3, 1), "num_instances must be a whole number of at least 2 .*positive pair.*found 1"),
        ((LABELS, 0, 4), "num_identities must be a whole number of at least 1, found 0"),
        ((LABELS, 2.0, 4), "num_identities must be a whole number"),
        ((LABELS, True, 4), "num_identities must be a whole number"),
        (([], 2, 2), "labels must hold at least one label, found none"),
        (([1.0, float("nan"), 2.0], 2, 2), "labels must not be missing, found nan at row 1"),
        (([1, None, 2], 2, 2), "labels must not be missing, found None at row 1"),
        ((["a", "", "b"], 2, 2), "labels must not be missing, found '' at row 1"),
        ((pd.Series(["a", pd.NA], dtype="string"), 2, 2), "labels must not be missing, found <NA> at row 1"),
        ((pd.to_datetime(["2020-01-01", None]), 2, 2), "labels must not be missing"),
        ((np.zeros((3, 1)), 1, 2), r"labels must have one dimension, found shape \(3, 1\)"),
        (([[1], [2]], 2, 2), "labels must be hashable"),
    ],
)
def test_i14_refusals_name_the_numbers(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        RandomIdentitySampler(*arguments)


def test_i14_policies_are_checked():
    for options, message in [
        ({"coverage": "all"}, "coverage must be one of 'images', 'identities', found 'all'"),
        ({"singletons": "keep"}, "singletons must be one of"),
        ({"balance": "log"}, "balance must be one of"),
        (
            {"coverage": "identities", "balance": "sqrt"},
            "balance must be 'uniform' with coverage='identities'",
        ),
        ({"seed": -1}, "seed must be a whole number of at least 0, found -1"),
        ({"spread": [1, 2]}, r"spread must have one value an image \(37\), found 2"),
        ({"num_batches": 1}, "num_batches must be at least"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            make(**options)
    with pytest.raises(ArgumentError, match="epoch must be a whole number"):
        make().set_epoch(-1)
    assert RandomIdentitySampler(LABELS, 6, 4).num_identities == 6  # as many labels as there are: fine
    with pytest.raises(
        ArgumentError, match=r"5 eligible labels \(6 labels, 1 dropped for having one image\)"
    ):
        RandomIdentitySampler(LABELS, 6, 4, singletons="drop")


def test_i15_cost_grows_with_n_log_n_and_memory_with_n():
    def cost(images):
        labels = from_sizes([10] * (images // 10))
        sampler = RandomIdentitySampler(labels, 32, 4)
        floor, ours = [], []
        for _ in range(5):
            start = time.perf_counter()
            np.lexsort((np.random.default_rng(0).random(images), labels))
            middle = time.perf_counter()
            assert sum(1 for _ in sampler) == len(sampler)
            floor.append(middle - start)
            ours.append(time.perf_counter() - middle)
        tracemalloc.start()
        sampler.epoch_batches(0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return min(ours) / min(floor), peak / images

    small, large = cost(20_000), cost(160_000)
    assert large[0] < 12  # times one sort of the labels; the benchmark has the real figure
    assert large[1] < 1.2 * small[1]
    assert large[1] < 400  # bytes an image


def test_i19_another_column_is_refused():
    sampler = make()
    sampler.require_labels([f"name {i}" for i in LABELS])  # the same groups under other names
    with pytest.raises(ArgumentError, match="identity must group the images as the sampler's labels do"):
        sampler.require_labels(LABELS % 2, "identity")
    with pytest.raises(
        ArgumentError, match=r"labels must have one label an image of the sampler \(37\), found 36"
    ):
        sampler.require_labels(LABELS[:-1])


def test_i20_labels_are_copied():
    labels = LABELS.copy()
    sampler = RandomIdentitySampler(labels, 3, 4)
    labels[:] = 0
    assert list(sampler) == list(make())
    sampler.require_labels(LABELS)


def test_i20_pickled_and_copied_samplers_yield_the_same():
    sampler = RandomIdentitySampler(LABELS, 2, 4, quotas=Quota(LABELS % 2, images=1), seed=3)
    next(iter(sampler))
    for twin in (pickle.loads(pickle.dumps(sampler)), copy.deepcopy(sampler)):  # noqa: S301 - our own bytes
        twin.set_epoch(1)
        sampler.set_epoch(1)
        assert list(twin) == list(sampler)


def test_i20_filtered_tables_are_taken_by_position():
    table = pd.DataFrame({"identity": LABELS})
    chosen = table[table.identity != 3]
    sampler = RandomIdentitySampler(chosen.identity, 3, 4)
    assert set(as_array(sampler).ravel()) == set(range(len(chosen)))


def test_every_guarantee_names_a_test_that_exists():
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_samplers_*.py"))
    written = set(re.findall(r"^def (test_\w+)", tests, re.MULTILINE))
    promises = (inspect.getdoc(RandomIdentitySampler) or "").split("\n- ")[1:]
    numbers = {int(number) for promise in promises for number in re.findall(r"I(\d+)", promise.split(":")[0])}
    assert numbers == set(range(1, 23))
    for promise in promises:
        named = re.findall(r"``(test_\w+)``", promise)
        assert named
        assert set(named) <= written
