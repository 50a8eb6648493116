import itertools
import math

import loss_properties as keeps
import pytest
import torch
from pytorch_metric_learning import distances, losses, miners
from torch import Tensor, nn

from metric_face.errors import ArgumentError
from metric_face.losses import TripletLoss, active_triplets
from metric_face.losses.triplet import DISTANCES, MININGS

MARGINS = (0.2, 1.0, "soft")
EVERY = list(itertools.product(MININGS, DISTANCES, (True, False), MARGINS))


def batch(items: int = 36, width: int = 8, classes: int = 9, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    points = 0.5 * torch.randn(items, width, dtype=torch.float64, generator=generator)
    return points, torch.randint(classes, (items,), generator=generator)


def peer(mining: str, distance: str, normalize: bool, margin: float | str) -> nn.Module:
    """The same loss made of pytorch-metric-learning's parts."""
    metric = {
        "euclidean": distances.LpDistance(normalize_embeddings=normalize),
        "squared_euclidean": distances.LpDistance(power=2, normalize_embeddings=normalize),
        "cosine": distances.CosineSimilarity(),
    }[distance]
    soft = margin == "soft"
    loss = losses.TripletMarginLoss(margin=0 if soft else margin, smooth_loss=soft, distance=metric)
    if mining == "batch_all":
        return loss
    if mining == "batch_hard":
        miner = miners.BatchHardMiner(distance=metric)
    else:
        band = 1e9 if soft else margin
        miner = miners.TripletMarginMiner(margin=band, type_of_triplets="semihard", distance=metric)
    return lambda points, labels: loss(points, labels, miner(points, labels))


@pytest.mark.parametrize(("mining", "distance", "normalize", "margin"), EVERY)
def test_agrees_with_pytorch_metric_learning(mining, distance, normalize, margin):
    points, labels = batch()
    ours, theirs = (
        TripletLoss(margin, mining, distance, normalize=normalize),
        peer(mining, distance, normalize, margin),
    )
    keeps.assert_same_value_and_slope(lambda p: ours(p, labels), lambda p: theirs(p, labels), points, 1e-12)
    single = points.float()
    keeps.assert_same_value_and_slope(lambda p: ours(p, labels), lambda p: theirs(p, labels), single, 2e-6)


@pytest.mark.parametrize(("mining", "distance", "normalize", "margin"), EVERY)
def test_keeps_what_every_loss_keeps(mining, distance, normalize, margin):
    points, labels = batch(12, 3, 4)
    loss = TripletLoss(margin, mining, distance, normalize=normalize)
    keeps.assert_slope_is_derivative(loss, points, labels)
    keeps.assert_order_does_not_matter(loss, points, labels)
    keeps.assert_float32_under_autocast(loss, points, labels)
    keeps.assert_nan_is_not_silent(loss, points, labels)
    keeps.assert_finite(loss, torch.zeros(12, 3), labels)  # every image the same, at the origin
    keeps.assert_finite(loss, torch.ones(12, 3), labels)
    keeps.assert_finite(loss, 1e4 * points.float(), labels)
    keeps.assert_idle_but_differentiable(loss, points, torch.arange(12))  # no positive
    keeps.assert_idle_but_differentiable(loss, points, torch.zeros(12, dtype=torch.long))  # no negative
    keeps.assert_idle_but_differentiable(loss, points[:1], labels[:1])
    keeps.assert_idle_but_differentiable(loss, points[:0], labels[:0])


@pytest.mark.parametrize("average", ["active", "all"])
@pytest.mark.parametrize("with_copies", [False, True])
@pytest.mark.parametrize(("mining", "margin"), list(itertools.product(MININGS, MARGINS)))
def test_agrees_with_the_definition_triple_by_triple(mining, margin, with_copies, average):
    points, labels = batch(14, 3, 4, seed=1)
    indices = torch.arange(14)
    if with_copies:
        points[7], labels[7], indices[7] = points[2], labels[2], 2
        points[9], labels[9], indices[9] = points[2], labels[2], 2
    loss = TripletLoss(margin, mining, average=average)
    expected, offered, active = by_hand(points, labels, indices, margin, mining, average)
    assert float(loss(points, labels, indices)) == pytest.approx(expected, abs=1e-12)
    assert (loss.last.triplets, loss.last.active) == (offered, active)


def by_hand(points, labels, indices, margin, mining, average):
    points = nn.functional.normalize(points)
    away = (points[:, None] - points).norm(dim=2).tolist()
    items = range(len(points))

    def cost(a, p, n):
        gap = away[a][p] - away[a][n]
        return math.log1p(math.exp(gap)) if margin == "soft" else max(0.0, gap + margin)

    costs, offered = [], 0
    for a in items:
        friends = [p for p in items if labels[p] == labels[a] and indices[p] != indices[a]]
        foes = [n for n in items if labels[n] != labels[a]]
        if not friends or not foes:
            continue
        if mining == "batch_hard":
            offered += 1
            costs.append(cost(a, max(friends, key=lambda p: away[a][p]), min(foes, key=lambda n: away[a][n])))
            continue
        offered += len(friends) * len(foes)
        pairs = itertools.product(friends, foes)
        if mining == "semi_hard":
            pairs = [(p, n) for p, n in pairs if away[a][p] < away[a][n]]
            if margin != "soft":
                pairs = [(p, n) for p, n in pairs if away[a][n] < away[a][p] + margin]
        costs += [cost(a, p, n) for p, n in pairs]
    active = [c for c in costs if c > 0]
    return sum(costs) / len(active if average == "active" else costs), offered, len(active)


@pytest.mark.parametrize("mining", ["batch_all", "semi_hard"])
@pytest.mark.parametrize("margin", MARGINS)
def test_blocks_of_anchors_change_nothing(mining, margin, monkeypatch):
    points, labels = batch()
    loss = TripletLoss(margin, mining)
    whole = keeps.value_and_slope(lambda p: loss(p, labels), points)
    monkeypatch.setattr(active_triplets, "BLOCK", 5 * len(points))
    torch.testing.assert_close(whole, keeps.value_and_slope(lambda p: loss(p, labels), points))


@pytest.mark.parametrize("mining", MININGS)
def test_ties_and_uneven_labels(mining):
    points = torch.tensor([[0.0], [1.0], [1.0], [2.0], [2.0], [2.0], [5.0], [6.0]], dtype=torch.float64)
    labels = torch.tensor([0, 0, 1, 1, 0, 1, 2, 2])
    ours, theirs = TripletLoss(0.5, mining, normalize=False), peer(mining, "euclidean", False, 0.5)
    assert float(ours(points, labels)) == pytest.approx(float(theirs(points, labels)), abs=1e-12)


@pytest.mark.parametrize("mining", MININGS)
def test_two_copies_of_one_image_are_no_positive_pair(mining):
    points, _ = batch(12, 3)
    points[1] = points[0]
    labels = torch.tensor([0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2])  # a label of one image, padded to two
    loss = TripletLoss(margin=5.0, mining=mining)
    indices = torch.arange(12)
    loss(points, labels, indices)
    assert loss.last.valid_anchors == 12
    indices[1] = 0
    loss(points, labels, indices)
    assert loss.last.valid_anchors == 10


@pytest.mark.parametrize("mining", ["batch_hard", "batch_all"])
def test_a_collapsed_embedding_sits_at_the_floor_it_names(mining):
    labels = torch.arange(12) // 3
    for margin in MARGINS:
        loss = TripletLoss(margin, mining)
        (floor,) = loss.floors().values()
        assert float(loss(torch.ones(12, 4), labels)) == pytest.approx(floor)


def test_counts_active_triplets_and_empty_batches():
    points = torch.tensor([[1.0, 0.0], [0.99, 0.1], [-1.0, 0.0], [-0.99, 0.1]])
    loss = TripletLoss()
    assert loss.last is None
    loss(points, torch.tensor([0, 0, 1, 1]))
    assert (loss.last.triplets, loss.last.active, loss.last.share_active) == (4, 0, 0.0)
    loss(points, torch.tensor([0, 1, 0, 1]))
    assert (loss.last.active, loss.last.share_active, loss.last.empty_batches) == (4, 1.0, 0)
    loss(points, torch.arange(4))
    assert (loss.last.valid_anchors, loss.last.anchors, loss.last.empty_batches) == (0, 4, 1)
    assert loss.last.share_active == 0.0


@pytest.mark.parametrize("distance", ["euclidean", "squared_euclidean"])
def test_far_from_the_origin_small_distances_survive(distance):
    points, labels = batch(24, 4, 6)
    points = (1e-2 * points).float()
    loss = TripletLoss(0.01, "batch_all", distance, normalize=False)
    near = loss(points.double(), labels)
    torch.testing.assert_close(loss(points + 64, labels).double(), near, rtol=2e-3, atol=0)


@pytest.mark.parametrize("mining", MININGS)
def test_evaluates_without_a_gradient(mining):
    points, labels = batch()
    with torch.no_grad():
        assert not TripletLoss(mining=mining)(points, labels).requires_grad


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margin": 0}, "margin must be a number above 0 or 'soft', found 0"),
        ({"margin": math.nan}, "margin must be a number above 0 or 'soft', found nan"),
        ({"margin": "hard"}, "margin must be a number above 0 or 'soft', found 'hard'"),
        ({"mining": "all"}, "mining must be one of 'batch_hard', 'batch_all', 'semi_hard', found 'all'"),
        (
            {"distance": "l2"},
            "distance must be one of 'euclidean', 'squared_euclidean', 'cosine', found 'l2'",
        ),
        ({"average": "sum"}, "average must be one of 'active', 'all', found 'sum'"),
    ],
)
def test_refuses_wrong_settings(arguments, message):
    with pytest.raises(ArgumentError) as error:
        TripletLoss(**arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("points", "labels", "indices", "message"),
    [
        (torch.ones(4), torch.ones(4).long(), None, "embeddings must be floating point of shape (B, D)"),
        (torch.ones(4, 2).long(), torch.ones(4).long(), None, "embeddings must be floating point"),
        (
            torch.ones(4, 2),
            torch.ones(3).long(),
            None,
            "labels must have one entry per embedding, shape (4,), found (3,)",
        ),
        (
            torch.ones(4, 2),
            torch.ones(4),
            None,
            "labels must be integers (floats merge large ids), found torch.float32",
        ),
        (
            torch.ones(4, 2),
            torch.ones(4).long(),
            torch.ones(5).long(),
            "indices must have one entry per embedding",
        ),
    ],
)
def test_refuses_wrong_batches(points, labels, indices, message):
    with pytest.raises(ArgumentError) as error:
        TripletLoss()(points, labels, indices)
    assert str(error.value).startswith(message)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize(("mining", "distance", "normalize", "margin"), EVERY)
def test_cuda_gives_what_the_cpu_gives(mining, distance, normalize, margin):
    points, labels = batch()
    loss = TripletLoss(margin, mining, distance, normalize=normalize)
    value, slope = keeps.value_and_slope(lambda p: loss(p, labels), points)
    there, there_slope = keeps.value_and_slope(lambda p: loss(p, labels.cuda()), points.cuda())
    torch.testing.assert_close((there.cpu(), there_slope.cpu()), (value, slope))
