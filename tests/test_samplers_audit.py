"""The audit finds and names every fault, in any kind of loader, and passes what is right (I21)."""

import json
import re
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from faulty_samplers import (
    AddingSeedAndEpoch,
    ChangingLength,
    CutWithoutRegard,
    EmptyEpoch,
    FirstImagesOnly,
    ForgettingTheEpoch,
    FreshLabelsEachBatch,
    LargestLast,
    LockedPairs,
    MultiplyingSeedAndEpoch,
    NeverEnding,
    NeverYielding,
    Redrawing,
    ReseedingGlobal,
    UsingPythonsRandom,
    one_plan_each,
)
from sampler_cases import SHAPES, from_sizes, joint_classes, market_like
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from metric_face.errors import ArgumentError
from metric_face.samplers import RandomIdentitySampler, audit_batches

EVEN = from_sizes([12] * 40)
SKEWED = from_sizes([60] + [8] * 20 + [1] * 30)


@pytest.mark.parametrize(
    ("sampler", "labels", "name", "words"),
    [
        (FreshLabelsEachBatch, SKEWED, "unseen images", "images .* are not in the epoch, while others"),
        (FreshLabelsEachBatch, SKEWED, "unseen labels", "of 51 labels .* are not in the epoch"),
        (
            CutWithoutRegard,
            EVEN,
            "instances per label",
            r"\d+ of \d+ batches hold a label whose images are not 4",
        ),
        (CutWithoutRegard, EVEN, "identities per batch", r"do not hold 8 labels"),
        (CutWithoutRegard, EVEN, "length", "15 batches are promised and 5 yielded"),
        (Redrawing, EVEN, "repeated images", r"groups repeat an image while their label has others"),
        (Redrawing, from_sizes([2] * 99), "repeated images", "are one image only, without any positive"),
        (FirstImagesOnly, EVEN, "unreachable images", "320 of 480 images were not drawn in any of 3 epochs"),
        (LargestLast, joint_classes(), "drift", r"first and last third differ by 0\.\d+ in total variation"),
        (LargestLast, joint_classes(), "length", "batches are promised and"),
        (ReseedingGlobal, EVEN, "global random state", "Drawing batches changes NumPy's global generator"),
        (ReseedingGlobal, EVEN, "repeated epoch", "Epoch 1 is epoch 0 again"),
        (UsingPythonsRandom, EVEN, "global random state", "changes Python's random"),
        (NeverYielding, EVEN, "endless", "it yielded 0 batches and then none for 0.3 seconds"),
        (NeverEnding, EVEN, "endless", "it did not end after 30 batches"),
        (EmptyEpoch, EVEN, "empty", "yields no batch where 15 were promised"),
        (ChangingLength, EVEN, "length changes", "The length was 15 before an epoch and 14 after it"),
        (ForgettingTheEpoch, EVEN, "repeated epoch", "Epoch 1 is epoch 0 again, batch for batch"),
        (LockedPairs, EVEN, "locked pairs", r"one pair shares 10 batches where 1\.8 are expected"),
    ],
)
def test_i21_every_fault_is_found_and_named(sampler, labels, name, words):
    report = audit_batches(
        sampler(labels, 8, 4), labels, num_identities=8, num_instances=4, epochs=3, patience=0.3
    )
    assert name in report.named()
    sentence = next(defect.sentence for defect in report.defects if defect.name == name)
    assert re.search(words, sentence), sentence
    assert not report.clean
    assert f"DEFECT {name}: " in str(report)


@pytest.mark.parametrize("sampler", [AddingSeedAndEpoch, MultiplyingSeedAndEpoch])
def test_added_and_multiplied_seeds_are_found(sampler):
    report = audit_batches(
        sampler(EVEN, 8, 4), EVEN, coverage=None, build=lambda seed: sampler(EVEN, 8, 4, seed=seed)
    )
    assert report.named() == {"seed and epoch"}
    assert "draw the same batches, such as seed 0 epoch" in report.defects[0].sentence
    ours = audit_batches(
        RandomIdentitySampler(EVEN, 8, 4),
        EVEN,
        build=lambda seed: RandomIdentitySampler(EVEN, 8, 4, seed=seed),
    )
    assert ours.clean


def test_ranks_with_one_seed_are_found():
    ranks = [FreshLabelsEachBatch(EVEN, 8, 4) for _ in range(2)]
    report = audit_batches(ranks[0], EVEN, coverage=None, other_ranks=ranks[1:])
    assert report.named() == {"same batches on ranks"}
    assert "15 of 30 batches are drawn by more than one rank" in report.defects[0].sentence


def test_ranks_with_seeds_of_their_own_are_found():
    labels = from_sizes([6] * 400)
    ranks = one_plan_each(labels, 8, 4, ranks=2)
    report = audit_batches(ranks[0], labels, coverage=None, other_ranks=ranks[1:])
    assert "labels lost between ranks" in report.named()
    sentence = next(d.sentence for d in report.defects if d.name == "labels lost between ranks")
    assert "of 400 labels are on no rank while" in sentence


def test_ranks_of_unequal_length_are_found():
    plan = list(RandomIdentitySampler(EVEN, 8, 4))
    report = audit_batches(plan[:8], EVEN, coverage=None, other_ranks=[plan[8:]])
    assert report.named() == {"unequal ranks"}


def test_our_ranks_are_clean():
    ranks = [RandomIdentitySampler(EVEN, 8, 4, rank=rank, world_size=3) for rank in range(3)]
    assert audit_batches(ranks[0], EVEN, coverage=None, other_ranks=ranks[1:], num_instances=4).clean


@pytest.mark.parametrize("shape", SHAPES)
def test_i21_our_sampler_is_clean_on_the_shapes_that_broke_others(shape):
    make, p, k = SHAPES[shape]
    labels = make()
    report = audit_batches(
        RandomIdentitySampler(labels, p, k), labels, num_identities=p, num_instances=k, epochs=2
    )
    assert report.clean, str(report)
    assert report.images_seen == report.images
    by_identity = RandomIdentitySampler(labels, p, k, coverage="identities")
    report = audit_batches(by_identity, labels, num_identities=p, num_instances=k, coverage="identities")
    assert report.clean, str(report)


def test_same_identity_positives_are_found_and_spread_avoids_them():
    rng = np.random.default_rng(0)
    identities = np.repeat(np.arange(60), 7)
    labels = rng.integers(0, 3, 60)[identities] * 2 + (rng.random(420) < 0.4)
    plain = audit_batches(RandomIdentitySampler(labels, 4, 4), labels, identities=identities)
    assert plain.named() == {"same identity"}
    assert plain.same_identity_pairs > 0.05
    spread = audit_batches(
        RandomIdentitySampler(labels, 4, 4, spread=identities), labels, identities=identities
    )
    assert spread.clean
    assert spread.same_identity_pairs == 0


def test_the_soft_f1_floor_is_what_the_loss_cannot_go_below():
    labels = joint_classes()
    report = audit_batches(RandomIdentitySampler(labels, 8, 4), labels)
    assert report.classes_per_batch == 8
    assert report.soft_f1_floor == pytest.approx(1 - 8 / 18)
    by_identity = np.arange(labels.size) // 7
    mixed = audit_batches(RandomIdentitySampler(by_identity, 16, 4), by_identity, classes=labels)
    assert mixed.classes == 18
    assert 1 - mixed.classes_per_batch / 18 == pytest.approx(mixed.soft_f1_floor)


def test_singleton_positives_are_counted():
    report = audit_batches(RandomIdentitySampler(SKEWED, 8, 4), SKEWED)
    singles = np.bincount(SKEWED)[SKEWED] == 1
    plan = RandomIdentitySampler(SKEWED, 8, 4).epoch_batches(0)
    assert report.singleton_groups == singles[plan].sum() / 4
    assert "which has no positive but itself" in str(report)


class Pictures(Dataset):
    """Returns (pixels, label) and refuses to be read: the audit needs no image."""

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        raise AssertionError("an image was loaded")


class EveryOtherBatch(DataLoader):
    """A loader that does not yield what its batch sampler does."""

    def __iter__(self):
        for i, batch in enumerate(super().__iter__()):
            if i % 2:
                yield batch


def test_loaders_with_hidden_indices():
    sampler = RandomIdentitySampler(EVEN, 8, 4)
    loader = DataLoader(Pictures(EVEN), batch_sampler=sampler, num_workers=2)
    report = audit_batches(loader, EVEN, num_identities=8, num_instances=4)
    assert report.clean
    assert sampler.epoch == 0
    assert next(iter(sampler)) == next(iter(RandomIdentitySampler(EVEN, 8, 4)))  # no epoch was used up
    half = EveryOtherBatch(Pictures(EVEN), batch_sampler=sampler)
    assert {"length", "unseen images"} <= audit_batches(half, EVEN).named()


def test_ordinary_loaders():
    loader = DataLoader(Pictures(EVEN), batch_size=32, shuffle=True)
    torch.manual_seed(0)
    report = audit_batches(loader, EVEN)
    assert report.named() == {"no positives"}
    assert report.images_seen == EVEN.size
    report = audit_batches(DataLoader(Pictures(EVEN), batch_size=50), EVEN)
    assert "batch size" in report.named()
    one_by_one = DataLoader(Pictures(EVEN), batch_size=None, sampler=RandomIdentitySampler(EVEN, 8, 4))
    assert audit_batches(one_by_one, EVEN, num_instances=4).clean


def test_subsets_are_followed_to_the_whole_dataset():
    rows = np.flatnonzero(EVEN % 2)
    sampler = RandomIdentitySampler(EVEN[rows], 8, 4)
    nested = Subset(Subset(Pictures(EVEN), np.arange(EVEN.size).tolist()), rows.tolist())
    report = audit_batches(DataLoader(nested, batch_sampler=sampler), EVEN, num_identities=8, num_instances=4)
    assert report.images_seen == rows.size
    assert report.named() == {"unseen images", "unseen labels"}  # of the whole dataset, half
    own = audit_batches(DataLoader(nested, batch_sampler=sampler), EVEN[rows], num_instances=4)
    assert own.clean


def test_batches_that_carry_their_indices():
    batches = [{"index": torch.tensor(batch)} for batch in RandomIdentitySampler(EVEN, 8, 4)]
    assert audit_batches(batches, EVEN, index_of=lambda batch: batch["index"]).clean
    with pytest.raises(ArgumentError, match="batches must hold indices, found a batch of dict"):
        audit_batches(batches, EVEN)


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(10))


def test_what_cannot_be_audited_is_refused():
    with pytest.raises(ArgumentError, match="found an IterableDataset; let it return the index"):
        audit_batches(DataLoader(Stream(), batch_size=2), EVEN)
    with pytest.raises(ArgumentError, match="found index 480 and 480 labels"):
        audit_batches([[1, 480]], EVEN)
    with pytest.raises(ArgumentError, match="batches must be iterable more than once for epochs=2"):
        audit_batches(iter([[1, 2]]), EVEN, epochs=2)
    with pytest.raises(ArgumentError, match=r"identities must have one value an image \(480\), found 1"):
        audit_batches([[1, 2]], EVEN, identities=[1])


def test_the_audit_leaves_the_random_states_as_they_were():
    np.random.seed(5)  # noqa: NPY002 - the global state is the point
    torch.manual_seed(5)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    audit_batches(ReseedingGlobal(EVEN, 8, 4), EVEN)
    audit_batches(DataLoader(Pictures(EVEN), batch_size=32, shuffle=True), EVEN)
    assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


def test_the_report_is_plain_data():
    report = audit_batches(FreshLabelsEachBatch(market_like(), 8, 4), market_like())
    assert json.loads(json.dumps(report.to_dict()))["defects"][0]["name"] == report.defects[0].name


def test_a_profiler_and_a_tracer_still_work_after_an_audit():
    script = """
import cProfile, sys, threading
import numpy as np
from metric_face.samplers import RandomIdentitySampler, audit_batches
labels = np.arange(100) // 5
audit_batches(RandomIdentitySampler(labels, num_identities=4, num_instances=4), labels)
assert threading.active_count() == 1, threading.enumerate()
cProfile.run("for i in range(3): pass")
sys.settrace(lambda *_: None)
print("came back")
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert "came back" in ran.stdout, ran.stderr


def test_an_error_inside_the_loader_reaches_the_caller():
    class Broken:
        def __iter__(self):
            yield [0, 1]
            raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        audit_batches(Broken(), EVEN)


def test_a_slow_loader_is_not_a_stuck_one():
    class Slow:
        def __iter__(self):
            for number in range(6):
                time.sleep(0.1)
                yield [number]

    assert "endless" not in audit_batches(Slow(), EVEN, coverage=None, patience=0.5).named()
    with pytest.raises(ArgumentError, match="patience must be seconds above 0, found 0"):
        audit_batches([[0, 1]], EVEN, patience=0)
