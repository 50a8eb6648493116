import math

import numpy as np
import pytest
import torch
from torch import nn

from metric_face.errors import ArgumentError
from metric_face.losses import (
    ConflictRecord,
    SoftF1Loss,
    TripletLoss,
    gradient_conflict,
    probe_embeddings,
    untouched,
)
from metric_face.losses.angles import cosines, estimate
from metric_face.losses.conflict_probe import split_in_halves

WIDTH, LABELS, PER_LABEL = 256, 4, 4


def constructed(cosine: float, noise: float, probes: int, seed: int = 0):
    """Two losses whose mean gradients stand at a known angle, each item's with noise of its own."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    labels = torch.arange(LABELS).repeat_interleave(PER_LABEL)
    one, other = nn.functional.normalize(normal(LABELS, WIDTH)), normal(LABELS, WIDTH)
    other = nn.functional.normalize(other - (other * one).sum(1, keepdim=True) * one)
    directions = one, cosine * one + math.sqrt(1 - cosine**2) * other
    pulls: list[torch.Tensor] = [one, one]

    def batches():
        for _ in range(probes):
            pulls[:] = [d[labels] + noise * normal(len(labels), WIDTH) for d in directions]
            yield normal(len(labels), WIDTH), labels

    losses = [lambda points, rows, i=i: (points * pulls[i][rows]).sum() for i in (0, 1)]
    return *losses, batches()


@pytest.mark.parametrize("cosine", [1.0, 0.0, -1.0, -0.5])
def test_noiseless_pairs_show_their_cosine(cosine):
    found = gradient_conflict(*constructed(cosine, 0.0, 20), least_probes=20)
    whole = found.components["whole"]
    assert found.kappa == pytest.approx(cosine, abs=1e-5)
    assert whole.raw == pytest.approx(cosine, abs=1e-5)
    assert (whole.reliability_a, whole.reliability_b) == pytest.approx((1, 1), abs=1e-5)
    assert whole.magnitude_similarity == pytest.approx(1, abs=1e-5)
    for estimated in found.labels.values():
        assert estimated.kappa == pytest.approx(cosine, abs=1e-5)
    assert len(found.labels) == LABELS


@pytest.mark.parametrize("cosine", [-0.5, 0.0])
def test_noise_hides_the_cosine_and_is_corrected(cosine):
    whole = gradient_conflict(*constructed(cosine, 0.425, 600)).components["whole"]
    assert whole.raw == pytest.approx(0.08 * cosine, abs=0.03)  # -0.5 shows as -0.04
    assert whole.kappa == pytest.approx(cosine, abs=0.05)
    assert whole.low < cosine < whole.high
    assert whole.abstains is None


def test_the_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    a, b = np.eye(2, 512)
    b = -0.5 * a + math.sqrt(0.75) * b
    covered = 0
    for _ in range(100):
        noise = 0.15 * random.normal(size=(100, 4, 512))
        rows = [cosines(a + n[0], a + n[1], b + n[2], b + n[3]) for n in noise]
        found = estimate(rows, least_probes=100, bootstrap=200)
        covered += found.low < -0.5 < found.high
    assert covered >= 88  # 95 expected


def test_conflict_along_the_embedding_is_told_from_conflict_across_it():
    labels = torch.arange(LABELS).repeat_interleave(PER_LABEL)
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(LABELS, WIDTH, generator=generator)
    across = torch.randn(LABELS, WIDTH, generator=generator)
    across = 0.3 * (
        across - (across * centers).sum(1, keepdim=True) / centers.square().sum(1, keepdim=True) * centers
    )

    def batches():
        for _ in range(20):
            yield centers[labels] * (0.5 + torch.rand(len(labels), 1, generator=generator)), labels

    found = gradient_conflict(
        lambda p, rows: p.norm(dim=1).sum() + (p * across[labels[rows]]).sum(),
        lambda p, rows: -p.norm(dim=1).sum() + (p * across[labels[rows]]).sum(),
        batches(),
        least_probes=20,
    )
    assert found.components["radial"].kappa == pytest.approx(-1, abs=1e-5)
    assert found.components["tangential"].kappa == pytest.approx(1, abs=1e-5)
    assert -1 < found.kappa < 1


def test_it_abstains_rather_than_guess():
    few = gradient_conflict(*constructed(-0.5, 0.425, 50)).components["whole"]
    assert few.abstains == "50 probes, 200 needed"
    assert math.isnan(few.kappa)
    rows = [(0.004, 0.5, -0.1, 0.0, 1.0)] * 300
    assert estimate(rows).abstains == "reliability 0.0040 is below 0.005: only noise"
    assert estimate([]).abstains.startswith("no probe had a gradient of both losses")
    normal = np.random.default_rng(0).normal(0.006, 0.5, (300, 5))
    normal[:, 1] = 0.5
    normal[:, 0] += 0.006 - normal[:, 0].mean()
    assert (
        estimate([tuple(row) for row in normal]).abstains == "the reliability is not distinguishable from 0"
    )


def test_a_loss_without_gradient_is_no_probe():
    labels = torch.arange(6) // 2
    probe = probe_embeddings(
        lambda p, r: p.sum() * 0, lambda p, r: p.square().sum(), torch.ones(6, 3), labels
    )
    assert math.isnan(probe.components["whole"][0])
    record = ConflictRecord()
    record.add(probe)
    whole = record.estimate(least_probes=1).components["whole"]
    assert (whole.probes, whole.idle) == (0, 1)
    lonely = probe_embeddings(lambda p, r: p.sum(), lambda p, r: p.sum(), torch.ones(6, 3), torch.arange(6))
    assert math.isnan(lonely.components["whole"][0])
    assert lonely.labels == {}


def test_a_detached_loss_counts_as_no_gradient():
    probe = probe_embeddings(
        lambda p, r: torch.zeros(()), lambda p, r: p.sum(), torch.ones(4, 3), torch.arange(4) // 2
    )
    assert math.isnan(probe.components["whole"][0])


def test_magnitude_similarity_is_its_formula():
    a, b = np.array([3.0, 0.0]), np.array([0.0, 1.0])
    assert cosines(a, a, b, b) == pytest.approx((1, 1, 0, 0, 2 * 3 / 10))


def test_halves_hold_the_same_labels_and_never_two_copies_of_one_image():
    labels = torch.tensor([5, 5, 5, 5, 5, 2, 2, 2, 9, 9, 7])
    indices = torch.tensor([0, 0, 1, 2, 2, 3, 4, 5, 6, 6, 7])
    first, second = split_in_halves(labels)
    assert sorted([*first.tolist(), *second.tolist()]) == list(range(10))
    assert set(labels[first].tolist()) == set(labels[second].tolist()) == {2, 5, 9}
    first, second = split_in_halves(labels, indices)
    assert not set(indices[first].tolist()) & set(indices[second].tolist())
    assert set(labels[first].tolist()) == set(labels[second].tolist()) == {2, 5}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Dropout(0.5))
        self.last = nn.Linear(7, 4)
        self.head = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3))


def test_a_model_and_its_losses_are_left_untouched():
    torch.manual_seed(0)
    net, triplet, f1 = Net(), TripletLoss(), SoftF1Loss(3, history=2)
    labels = torch.arange(24) % 3
    images = torch.randn(24, 5)
    triplet(torch.randn(24, 4), labels)
    f1(torch.randn(24, 3), labels)
    before = {k: v.clone() for m in (net, triplet, f1) for k, v in m.state_dict(prefix=f"{id(m)}.").items()}
    last, state, random = triplet.last, net.training, torch.get_rng_state()
    found = gradient_conflict(
        lambda p, rows: triplet(p, labels[rows]),
        lambda p, rows: f1(net.head(p), labels[rows]),
        ((images, labels) for _ in range(10)),
        embed=lambda x: net.last(net.body(x)),
        parameters=list(net.last.parameters()),
        guard=[net, triplet, f1],
        least_probes=5,
    )
    after = {k: v for m in (net, triplet, f1) for k, v in m.state_dict(prefix=f"{id(m)}.").items()}
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert (triplet.last, net.training) == (last, state)
    assert torch.equal(random, torch.get_rng_state())
    assert all(p.grad is None for p in net.parameters())
    assert found.components.keys() == {"whole", "tangential", "radial", "shared"}
    assert found.components["shared"].probes == 10


def test_what_would_change_without_the_guard():
    """The guard's test can fail: the same block without it leaves traces."""
    net = Net()
    before = net.body[1].running_mean.clone()
    net.body(torch.randn(24, 5))
    assert not torch.equal(before, net.body[1].running_mean)

    def meddle():
        with untouched(net):
            net.body(torch.randn(24, 5) + 9)
            net.stray = 1
            net.body[1].running_mean = torch.zeros(7)
            net.eval()
            raise RuntimeError("inside")

    before = net.body[1].running_mean.clone()
    with pytest.raises(RuntimeError, match="inside"):
        meddle()
    assert not hasattr(net, "stray")
    assert net.training
    assert net.body[0].training
    assert torch.equal(before, net.body[1].running_mean)


def test_at_the_shared_parameters_the_angle_is_that_of_their_gradients():
    torch.manual_seed(0)
    net = nn.Linear(5, 4, bias=False)
    aim = torch.randn(4)
    labels = torch.arange(16) % 4

    def measure(sign):
        return gradient_conflict(
            lambda p, rows: (p @ aim).sum(),
            lambda p, rows: sign * (p @ aim).sum(),
            ((torch.randn(16, 5), labels) for _ in range(30)),
            embed=net,
            parameters=[net.weight],
            least_probes=30,
        ).components["shared"]

    assert measure(1.0).raw == pytest.approx(1, abs=1e-6)
    assert measure(-1.0).raw == pytest.approx(-1, abs=1e-6)


def test_the_record_keeps_the_last_probes():
    record = ConflictRecord(keep=3)
    labels = torch.arange(4) // 2
    for sign in (1, 1, -1, -1, -1):
        points = torch.randn(4, 3)
        record.add(
            probe_embeddings(
                lambda p, r: p[:, 0].sum(), lambda p, r, s=sign: s * p[:, 0].sum(), points, labels
            )
        )
    fresh = ConflictRecord(keep=3)
    fresh.load_state_dict(record.state_dict())
    for kept in (record, fresh):
        whole = kept.estimate(least_probes=3).components["whole"]
        assert (whole.probes, whole.kappa) == (3, pytest.approx(-1))
        assert kept.estimate(least_probes=3).labels[1].probes == 3


def test_parameters_need_an_embedding_function():
    with pytest.raises(ArgumentError) as error:
        gradient_conflict(None, None, [], parameters=[nn.Parameter(torch.ones(1))])
    assert str(error.value).startswith("embed must be given with parameters")
