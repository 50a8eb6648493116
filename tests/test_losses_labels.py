"""Every loss takes labels in any form that holds integers, and refuses the rest in words."""

import numpy as np
import pandas as pd
import pytest
import torch

from metric_face.errors import ArgumentError
from metric_face.losses import (
    CrossEntropy,
    FocalLoss,
    LogitAdjustedCrossEntropy,
    SoftF1Loss,
    TripletLoss,
    absent_class_floor,
    class_prior,
    probe_embeddings,
    resolve_metric_loss,
)

LABELS = [0, 0, 1, 1, 2, 2, 0, 0]
POINTS = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
LOSSES = {
    "triplet": TripletLoss(),
    "semi-hard": TripletLoss(mining="semi_hard"),
    "pml": resolve_metric_loss("pml.ContrastiveLoss", miner="MultiSimilarityMiner"),
    "cross-entropy": CrossEntropy(3),
    "focal": FocalLoss(3, class_weights=[1, 2, 3]),
    "logit-adjusted": LogitAdjustedCrossEntropy([1, 2, 3]),
    "soft F1": SoftF1Loss(3, history=0),
}
FORMS = {
    "list": LABELS,
    "tuple": tuple(LABELS),
    "list of tensors": [torch.tensor(x) for x in LABELS],
    "pandas": pd.Series(LABELS, index=range(3, 11)),
    "int32 tensor": torch.tensor(LABELS, dtype=torch.int32),
    "uint8 tensor": torch.tensor(LABELS, dtype=torch.uint8),
} | {
    f"{kind} array": np.array(LABELS, dtype=kind)
    for kind in ("int64", "int8", "uint8", "uint16", "uint64", ">i4")
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LOSSES)
def test_a_label_may_come_in_any_form(name, form):
    loss = LOSSES[name]
    points = POINTS.clone().requires_grad_()
    value = loss(points, FORMS[form])
    value.backward()
    assert torch.equal(value, loss(POINTS, torch.tensor(LABELS)))
    assert points.grad.isfinite().all()


@pytest.mark.parametrize("name", ["triplet", "pml"])
def test_the_image_of_an_item_may_come_in_any_form(name):
    images = [0, 0, 1, 2, 3, 4, 5, 6]
    wanted = LOSSES[name](POINTS, torch.tensor(LABELS), torch.tensor(images))
    assert torch.equal(LOSSES[name](POINTS, LABELS, np.array(images)), wanted)


def test_the_other_functions_take_them_too():
    assert absent_class_floor(LABELS, 4) == absent_class_floor(np.array(LABELS), 4) == 0.25
    assert torch.equal(class_prior(np.array(LABELS, "uint16"), 3), class_prior(torch.tensor(LABELS), 3))
    losses = (lambda e, rows: e.square().sum(), lambda e, rows: e.sum())
    found, wanted = (probe_embeddings(*losses, POINTS, x) for x in (LABELS, torch.tensor(LABELS)))
    assert found.labels.keys() == wanted.labels.keys()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    "labels",
    [
        ["a"] * 8,
        [0.5] * 8,
        [None] * 8,
        [[0], [0, 1]],
        3,
        None,
        [2**63] * 8,
        torch.zeros(8),
        [0] * 7,
        object(),
    ],
)
def test_what_holds_no_integers_is_refused_in_words(name, labels):
    with pytest.raises(ArgumentError, match=r"^(labels|targets) must (be|have)"):
        LOSSES[name](POINTS, labels)


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_no_tensor_has_no_gradient_and_is_refused(name):
    with pytest.raises(ArgumentError, match=r"must be floating point of shape .* a torch tensor, found"):
        LOSSES[name](POINTS.numpy(), LABELS)
    with pytest.raises(ArgumentError, match="must be floating point"):
        LOSSES[name](POINTS.long(), LABELS)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("VICRegLoss", {}),
        ("BaseMetricLossFunction", {}),
        ("ManifoldLoss", {"l": 4}),
        ("MultipleLosses", {"losses": [1]}),
        ("TripletMarginLoss", {"margin": "wide"}),
        ("TripletMarginLoss", {"nope": 3}),
        ("ContrastiveLoss", {"miner": {"name": "MultiSimilarityMiner", "epsilon": "x"}}),
        ("ArcFaceLoss", {"num_classes": 3, "embedding_size": "x"}),
        ("NoSuchLoss", {}),
    ],
)
def test_a_loss_that_cannot_be_called_so_is_refused_when_it_is_built(name, arguments):
    with pytest.raises(ArgumentError) as caught:
        resolve_metric_loss(f"pml.{name}", arguments, num_classes=5, embedding_size=6)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_module_that_is_no_metric_loss_is_refused_when_it_is_built():
    with pytest.raises(ArgumentError, match="Linear cannot be the metric loss: called with embeddings"):
        resolve_metric_loss(torch.nn.Linear(6, 6), embedding_size=6)


def test_the_dry_call_leaves_the_loss_and_the_generators_alone():
    before = torch.get_rng_state()
    loss = resolve_metric_loss(TripletLoss(), embedding_size=6)
    assert (loss.last, loss.empty_batches) == (None, 0)
    resolve_metric_loss("pml.ContrastiveLoss")
    assert torch.equal(torch.get_rng_state(), before)
