"""Any metric loss by name with its miner, distance, reducer and memory: trains, resumes, exports, or is refused."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pytorch_metric_learning import distances, losses, miners, reducers
from test_training import same, stop_at, weights
from torch import nn

from metric_face.config import OptimizerConfig, dump_config, load_config
from metric_face.errors import ArgumentError, ConfigError
from metric_face.losses import SummedLosses, TripletLoss, resolve_metric_loss
from metric_face.models import EmbeddingOnly
from metric_face.models.onnx import OnnxEmbedder, export_onnx
from metric_face.training.feasible import check_feasible
from metric_face.training.fitting import fit
from metric_face.training.metric_term import build_metric_loss
from metric_face.training.parameters import parameter_groups
from tests.test_feasible import labeled_data
from tests.training_cases import tiny_config

LOSSES: dict[str, dict[str, Any]] = {
    "ArcFace": {"metric": "pml.ArcFaceLoss"},
    "SubCenter": {"metric": "pml.SubCenterArcFaceLoss", "arguments": {"sub_centers": 2}},
    "ProxyAnchor": {"metric": "pml.ProxyAnchorLoss"},
    "SupCon": {"metric": "pml.SupConLoss", "arguments": {"temperature": 0.2}},
    "MultiSimilarity": {"metric": "pml.MultiSimilarityLoss", "miner": "MultiSimilarityMiner"},
    "Circle": {"metric": "pml.CircleLoss", "reducer": "MeanReducer"},
    "SoftTriple": {"metric": "pml.SoftTripleLoss", "arguments": {"centers_per_class": 3}},
    "triplets, mined": {
        "metric": "pml.TripletMarginLoss",
        "distance": "CosineSimilarity",
        "miner": {"name": "BatchEasyHardMiner", "pos_strategy": "easy"},
    },
    "memory": {"metric": "pml.ContrastiveLoss", "miner": "PairMarginMiner", "memory": 24},
    "several": {"metric": "triplet", "also": [{"metric": "pml.ProxyAnchorLoss", "weight": 0.5}]},
}
WITH_VECTORS = ("ArcFace", "SubCenter", "ProxyAnchor", "SoftTriple", "several")
CLASSES, WIDTH = 4, 16


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(24, WIDTH, generator=generator), torch.arange(24) % CLASSES


def loss_of(name: str) -> nn.Module:
    torch.manual_seed(0)
    return build_metric_loss(load_config({"loss": LOSSES[name]}).loss, CLASSES, WIDTH)


@pytest.mark.parametrize("name", LOSSES)
def test_it_falls_and_its_own_parameters_are_trained(name: str) -> None:
    points, labels = batch()
    loss, network = loss_of(name), nn.Linear(WIDTH, WIDTH)
    own = [p.detach().clone() for p in loss.parameters()]
    assert bool(own) == (name in WITH_VECTORS)
    optimizer = torch.optim.Adam([*network.parameters(), *loss.parameters()], lr=0.02)
    values = []
    for _ in range(60):
        optimizer.zero_grad()
        value = loss(network(points), labels)
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
    first = np.mean(values[6:9]) if name == "memory" else values[0]  # a memory has filled by then
    assert np.mean(values[-3:]) < 0.8 * first, values
    assert all(not torch.equal(a, b) for a, b in zip(own, loss.parameters(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in LOSSES if name != "triplets, mined"])
def test_a_training_with_it_learns_goes_on_to_the_same_and_exports(
    toy: Path, tmp_path: Path, name: str
) -> None:
    """Interrupted inside an epoch and resumed, to the bit; the exported model embeds as the trained one."""
    pytest.importorskip("onnxruntime")
    changes = {f"loss__{key}": value for key, value in LOSSES[name].items()}
    config = tiny_config(toy, data__size=[16, 16], trainer__epochs=2, **changes)
    straight = fit(config, tmp_path / "straight", quiet=True)
    with pytest.MonkeyPatch.context() as patch:
        stop_at(straight.facts["steps"] // 2 + 1, patch)
        assert fit(config, tmp_path / "run", quiet=True).facts["ended"] == "interrupted"
    resumed = fit({}, tmp_path / "run", resume=True, quiet=True)
    assert same(weights(resumed), weights(straight))
    columns = ["step", "loss", "loss/metric"]
    logged = straight.log[columns].dropna().reset_index(drop=True)
    rows = resumed.log[columns].dropna()  # one more than the other, of the step that it stopped at
    pd.testing.assert_frame_equal(rows[rows["step"].isin(logged["step"])].reset_index(drop=True), logged)
    assert np.isfinite(logged["loss/metric"]).all()
    if name == "several":
        parts = straight.log[["metric/triplet", "metric/pml.ProxyAnchorLoss", "loss/metric"]].dropna()
        whole = parts["metric/triplet"] + 0.5 * parts["metric/pml.ProxyAnchorLoss"]
        np.testing.assert_allclose(whole, parts["loss/metric"], rtol=1e-4)
    images = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    pytest.importorskip("onnxscript")
    model = EmbeddingOnly(straight.model)
    export_onnx(model, tmp_path / "model.onnx", images)
    embedded = OnnxEmbedder(tmp_path / "model.onnx")(images.numpy())
    np.testing.assert_allclose(embedded, model(images).detach().numpy(), atol=1e-4)


def by_hand(memory: int) -> Any:
    """The same as pytorch-metric-learning's documentation has it."""
    cosine = distances.CosineSimilarity()
    loss = losses.ContrastiveLoss(0.9, 0.1, distance=cosine, reducer=reducers.ThresholdReducer(low=0.05))
    miner = miners.PairMarginMiner(0.8, 0.2, distance=cosine)
    if memory:
        return losses.CrossBatchMemory(loss, WIDTH, memory, miner)
    return lambda points, labels: loss(points, labels, miner(points, labels))


@pytest.mark.parametrize("memory", [0, 40])
def test_loss_with_miner_distance_reducer_and_memory_is_pml_called_by_hand(memory: int) -> None:
    ours = resolve_metric_loss(
        "pml.ContrastiveLoss",
        {"pos_margin": 0.9, "neg_margin": 0.1},
        miner={"name": "PairMarginMiner", "pos_margin": 0.8, "neg_margin": 0.2},
        distance="CosineSimilarity",
        reducer={"name": "ThresholdReducer", "low": 0.05},
        memory=memory,
        embedding_size=WIDTH,
    )
    theirs, (points, labels) = by_hand(memory), batch()
    networks = [nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)]
    networks[1].load_state_dict(networks[0].state_dict())
    for step in range(5):
        shown, generator = [], torch.Generator().manual_seed(step)
        images = points + torch.randn(points.shape, generator=generator)
        for network, loss in zip(networks, (ours, theirs), strict=True):
            network.zero_grad()
            value = loss(network(images), labels)
            value.backward()
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter -= 0.1 * parameter.grad
            shown.append(float(value.detach()))
        assert shown[0] == pytest.approx(shown[1], rel=1e-6)
        assert shown[0] > 0
    for one, other in pairwise(networks):
        torch.testing.assert_close(one.weight, other.weight)


def test_several_losses_are_their_weighted_sum() -> None:
    points, labels = batch()
    points.requires_grad_()
    one, other = TripletLoss(0.3), resolve_metric_loss("pml.SupConLoss")
    both = SummedLosses({"a": (one, 2.0), "b.c": (other, 0.25)})
    expected = 2 * one(points, labels) + 0.25 * other(points, labels)
    torch.testing.assert_close(both(points, labels), expected)
    (slope,) = torch.autograd.grad(both(points, labels), points)
    torch.testing.assert_close(slope, torch.autograd.grad(expected, points)[0])
    assert both.parts == {"a": one(points, labels), "b.c": other(points, labels)}
    with pytest.raises(ArgumentError, match=r"losses: the weight of 'a' must be above 0, found 0"):
        SummedLosses({"a": (one, 0)})
    with pytest.raises(ArgumentError, match=r"losses must name at least one metric loss"):
        SummedLosses({})


def test_own_parameters_have_a_rate_of_their_own() -> None:
    module = nn.ModuleDict({"model": nn.Linear(WIDTH, WIDTH), "objective": loss_of("several")})
    groups = parameter_groups(module, OptimizerConfig(lr=0.5, loss_scale=100))  # type: ignore[arg-type]
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert groups[0]["lr"] == 0.5
    assert [rates[id(p)] for p in module["objective"].parameters()] == [50.0]
    assert {rates[id(p)] for p in module["model"].parameters()} == {0.5}
    without = nn.ModuleDict({"model": nn.Linear(2, 2), "objective": loss_of("SupCon")})
    assert len(parameter_groups(without, OptimizerConfig())) == 4  # type: ignore[arg-type]


def test_a_configuration_holds_them_by_name_or_with_arguments_and_reads_back() -> None:
    overrides = ["loss.metric=pml.TripletMarginLoss", "loss.miner=BatchHardMiner", "loss.distance=null"]
    overrides += [
        "loss.reducer={name: ThresholdReducer, low: 0.1}",
        "loss.also=[{metric: triplet, weight: 2}]",
    ]
    config = load_config(None, overrides)
    assert config.loss.miner == {"name": "BatchHardMiner"}
    assert config.loss.distance == {}
    assert config.loss.reducer == {"name": "ThresholdReducer", "low": 0.1}
    assert (config.loss.also[0].metric, config.loss.also[0].weight) == ("triplet", 2)
    import yaml

    assert load_config(yaml.safe_load(dump_config(config))) == config


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["loss.metric=triplet", "loss.miner=BatchHardMiner"],
            "loss.miner: is of a loss of pytorch-metric-learning, and loss.metric=triplet has "
            "loss.arguments={mining: batch_hard, distance: cosine}; set loss.metric=pml.TripletMarginLoss",
        ),
        (
            ["loss.metric=none", "loss.memory=64"],
            "loss.memory: is of a metric loss, and loss.metric=none; set loss.metric",
        ),
        (
            ["loss.metric=none", "loss.also=[{metric: triplet}]"],
            "loss.also: is of a metric loss, and loss.metric=none; set loss.metric",
        ),
        (
            ["loss.metric=triplet", "loss.also=[{metric: none}]"],
            "loss.also.0.metric=none: must be triplet or pml.NAME",
        ),
        (
            ["loss.metric=triplet", "loss.also=[{metric: triplet, memory: 64}]"],
            "loss.also.0.memory: is of a loss of pytorch-metric-learning, and loss.also.0.metric=triplet has",
        ),
        (
            ["loss.also=[{metric: triplet, wieght: 2}]"],
            "loss.also.0.wieght: no such key; did you mean loss.also.0.weight?",
        ),
        (["loss.miner={epsilon: 1}"], "must be a name, or a mapping with 'name' and arguments"),
        (["loss.memory=8"], "loss.memory=8: must be 0 (none) or at least 16, a small batch"),
    ],
)
def test_a_configuration_refuses_what_does_not_go_together(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, overrides)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["loss.metric=pml.ArcFaceLoss", "loss.miner=BatchHardMiner"],
            "loss.metric=pml.ArcFaceLoss: miner does not go with pml.ArcFaceLoss, which learns a vector for each class "
            "and has no pairs to mine: leave it out",
        ),
        (
            ["loss.metric=pml.ProxyAnchorLoss", "loss.memory=64"],
            "loss.metric=pml.ProxyAnchorLoss: memory does not go with pml.ProxyAnchorLoss, which learns a vector for "
            "each class and has no other images to compare an image with: leave it out",
        ),
        (
            ["loss.metric=triplet", "loss.also=[{metric: pml.SupConLos}]"],
            "loss.also.0.metric=pml.SupConLos: 'SupConLos' is no class of pytorch_metric_learning.losses: choose from "
            "['AngularLoss', 'ArcFaceLoss', 'BaseLossWrapper', 'BaseMetricLossFunction'] and",
        ),
        (
            ["loss.metric=pml.SupConLoss", "loss.miner=BatchHrdMiner"],
            "did you mean BatchHardMiner",
        ),
        (
            ["loss.metric=pml.SupConLoss", "loss.distance=CosineSimilarty"],
            "did you mean CosineSimilarity",
        ),
        (
            ["loss.metric=pml.SupConLoss", "loss.miner={name: BatchHardMiner, margn: 1}"],
            "arguments of BatchHardMiner do not fit",
        ),
        (
            ["loss.metric=pml.ArcFaceLoss", "loss.distance=LpDistance"],
            "arguments of pml.ArcFaceLoss do not fit",
        ),
        (
            ["loss.metric=pml.SupConLoss", "loss.arguments={miner: BatchHardMiner}"],
            "arguments of pml.SupConLoss hold a miner: give it as miner, beside the arguments",
        ),
        (
            [
                "loss.metric=pml.SupConLoss",
                "loss.arguments={distance: LpDistance}",
                "loss.distance=LpDistance",
            ],
            "distance of pml.SupConLoss is given twice, beside its arguments and among them: give one",
        ),
        (
            ["loss.metric=pml.FastAPLoss", "loss.memory=64"],
            "arguments of memory do not fit: CrossBatchMemory not supported for FastAPLoss",
        ),
        (
            [
                "loss.metric=pml.RankedListLoss",
                "loss.arguments={margin: 1, Tn: 1}",
                "loss.miner=BatchHardMiner",
            ],
            "pml.RankedListLoss cannot be the metric loss: called with",
        ),
        (
            ["loss.metric=pml.SupConLoss", "loss.memory=16", "sampler.identities=2", "sampler.instances=10"],
            "loss.memory=16: must hold at least the 20 images of a step; take more, or smaller batches",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_images_are_read(
    overrides: list[str], message: str, tmp_path: Path
) -> None:
    config = load_config(None, overrides).settled(has_classes=True)
    with pytest.raises(ConfigError) as caught:
        check_feasible(config, labeled_data(tmp_path, each=4))  # a table whose images do not exist
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
