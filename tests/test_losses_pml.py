import loss_properties as keeps
import pytest
import torch
from pytorch_metric_learning import distances, losses, miners, reducers

from metric_face.errors import ArgumentError
from metric_face.losses import PMLLoss, TripletLoss, resolve_metric_loss


def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(16, 6, generator=generator), torch.arange(16) % 4


def test_by_name_with_components_is_the_object():
    points, labels = batch()
    named = resolve_metric_loss(
        "pml.TripletMarginLoss",
        {"margin": 0.3},
        distance="CosineSimilarity",  # the miner's too
        reducer={"name": "ThresholdReducer", "low": 0.1},
        miner={"name": "MultiSimilarityMiner", "epsilon": 0.2},
    )
    cosine = distances.CosineSimilarity()
    loss = losses.TripletMarginLoss(margin=0.3, distance=cosine, reducer=reducers.ThresholdReducer(low=0.1))
    miner = miners.MultiSimilarityMiner(epsilon=0.2, distance=cosine)
    keeps.assert_same_value_and_slope(
        lambda p: named(p, labels), lambda p: loss(p, labels, miner(p, labels)), points, 1e-6
    )


@pytest.mark.parametrize("name", ["ArcFaceLoss", "CosFaceLoss", "ProxyAnchorLoss", "SubCenterArcFaceLoss"])
def test_trainable_parameters_are_the_modules_and_travel(name):
    points, labels = batch()
    loss = resolve_metric_loss(f"pml.{name}", num_classes=4, embedding_size=6)
    before = [p.detach().clone() for p in loss.parameters()]
    assert before
    optimizer = torch.optim.SGD(loss.parameters(), lr=1.0)
    loss(points, labels).backward()
    optimizer.step()
    assert any(not torch.equal(b, p) for b, p in zip(before, loss.parameters(), strict=True))
    keeps.assert_state_travels(loss, points, labels)


@pytest.mark.parametrize(
    "name", ["ContrastiveLoss", "MultiSimilarityLoss", "SupConLoss", "CircleLoss", "NTXentLoss"]
)
def test_common_losses_run_under_autocast_and_without_pairs(name):
    points, labels = batch()
    loss = resolve_metric_loss(f"pml.{name}")
    keeps.assert_float32_under_autocast(loss, points, labels)
    _, slope = keeps.value_and_slope(lambda p: loss(p, torch.arange(16)), points)
    assert slope.isfinite().all()


def test_a_loss_may_hold_a_loss():
    points, labels = batch()
    bank = resolve_metric_loss(
        "pml.CrossBatchMemory",
        {"loss": {"name": "ContrastiveLoss", "pos_margin": 0.1}, "memory_size": 64},
        embedding_size=6,
    )
    assert bank(points, labels).isfinite()
    assert bank.loss.loss.pos_margin == 0.1


@pytest.mark.parametrize("miner", ["BatchHardMiner", "MultiSimilarityMiner"])
def test_mined_pairs_of_copies_are_dropped(miner):
    points, _ = batch()
    labels, indices = torch.arange(16) // 2, torch.arange(16) // 2  # every label one image, twice
    kept = []

    class Spy(torch.nn.Module):
        def forward(self, points, labels, mined):
            kept.append(mined)
            return points.sum()

    chosen = getattr(miners, miner)()
    PMLLoss(Spy(), chosen)(points, labels)
    PMLLoss(Spy(), chosen)(points, labels, indices)
    assert len(kept[0][0]) > 0
    assert len(kept[1][0]) == 0
    assert len(kept[0]) == len(kept[1])
    if len(kept[0]) == 4:  # pairs: the negative ones stay
        assert torch.equal(kept[0][2], kept[1][2])


def test_objects_and_ours_are_accepted():
    ours = TripletLoss()
    assert resolve_metric_loss(ours) is ours
    assert isinstance(resolve_metric_loss(losses.ContrastiveLoss()), PMLLoss)
    built = resolve_metric_loss("triplet", {"margin": "soft", "mining": "semi_hard"})
    assert (built.margin, built.mining) == ("soft", "semi_hard")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: resolve_metric_loss("arcface"),
            "loss must be 'triplet' or 'pml.' and a class of its losses, found 'arcface'",
        ),
        (
            lambda: resolve_metric_loss("pml.os"),
            "'os' is no class of pytorch_metric_learning.losses: choose from ['AngularLoss'",
        ),
        (lambda: resolve_metric_loss("pml.torch.nn.Module"), "'torch.nn.Module' is no class of"),
        (lambda: resolve_metric_loss("pml.__builtins__"), "'__builtins__' is no class of"),
        (
            lambda: resolve_metric_loss("pml.ContrastiveLoss", {"reducer": "system"}),
            "'system' is no class of pytorch_metric_learning.reducers",
        ),
        (
            lambda: resolve_metric_loss("pml.ContrastiveLoss", miner={"epsilon": 1}),
            "miner must be a name, or a mapping with 'name' and arguments, found {'epsilon': 1}",
        ),
        (lambda: resolve_metric_loss("pml.ArcFaceLoss"), "arguments of pml.ArcFaceLoss do not fit: "),
        (lambda: resolve_metric_loss("triplet", {"margn": 1}), "arguments of triplet do not fit: "),
        (
            lambda: resolve_metric_loss(abs),
            "loss must be a name or a torch module, found builtin_function_or_method",
        ),
        (
            lambda: resolve_metric_loss(TripletLoss(), {"margin": 1}),
            "arguments go with a name, found ['margin'] beside a loss object",
        ),
    ],
)
def test_refuses_what_it_cannot_resolve(call, message):
    with pytest.raises(ArgumentError) as error:
        call()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
