"""Targets that are shares of classes, as a mixed image has them: one-hot shares are the classes themselves."""

import loss_properties as keeps
import pytest
import torch
from torch import Tensor, nn

from metric_face.errors import ArgumentError
from metric_face.losses import (
    CrossEntropy,
    FocalLoss,
    JointLoss,
    LogitAdjustedCrossEntropy,
    LossTerm,
    SoftF1Loss,
    TripletLoss,
)

WEIGHTS = [0.5, 1.0, 2.0, 0.7]
PRIOR = [0.1, 0.2, 0.3, 0.4]
LOSSES = [
    CrossEntropy(4),
    CrossEntropy(4, label_smoothing=0.1),
    CrossEntropy(4, class_weights=WEIGHTS),
    CrossEntropy(4, label_smoothing=0.1, class_weights=WEIGHTS),
    FocalLoss(4),
    FocalLoss(4, gamma=0.5, class_weights=WEIGHTS),
    LogitAdjustedCrossEntropy(PRIOR),
    SoftF1Loss(4, history=0),
]


def batch(items: int = 12) -> tuple[Tensor, Tensor, Tensor, float]:
    """Logits in float64, the classes of both images of each pair, and the share of the first."""
    generator = torch.Generator().manual_seed(5)
    logits = 2 * torch.randn(items, 4, generator=generator, dtype=torch.float64)
    first, second = torch.randint(4, (2, items), generator=generator)
    return logits, first, second, 0.7


def one_hot(classes: Tensor) -> Tensor:
    return nn.functional.one_hot(classes, 4).double()


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_one_hot_shares_are_the_classes(loss: nn.Module) -> None:
    logits, first, _, _ = batch()
    keeps.assert_same_value_and_slope(
        lambda z: loss(z, one_hot(first)), lambda z: loss(z, first), logits, 1e-12
    )


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_slope_is_the_derivative(loss: nn.Module) -> None:
    logits, first, second, share = batch()
    mixed = share * one_hot(first) + (1 - share) * one_hot(second)
    keeps.assert_slope_is_derivative(loss, logits, mixed)
    keeps.assert_idle_but_differentiable(loss, logits[:0], mixed[:0])
    keeps.assert_float32_under_autocast(loss, logits.float(), mixed.float())


@pytest.mark.parametrize(
    "loss",
    [CrossEntropy(4, label_smoothing=0.1), FocalLoss(4), LogitAdjustedCrossEntropy(PRIOR)],
    ids=repr,
)
def test_a_mixture_costs_the_mixture_of_both_costs(loss: nn.Module) -> None:
    """mixup's own formula: share * loss(first) + (1 - share) * loss(second)."""
    logits, first, second, share = batch()
    mixed = share * one_hot(first) + (1 - share) * one_hot(second)
    expected = share * loss(logits, first) + (1 - share) * loss(logits, second)
    torch.testing.assert_close(loss(logits, mixed), expected, rtol=1e-12, atol=0)


def test_a_weighted_mixture_is_the_weighted_mean_written_out() -> None:
    logits, first, second, share = batch()
    weights = torch.tensor(WEIGHTS).double()
    log_p = logits.log_softmax(1)
    for loss, power in (
        (CrossEntropy(4, class_weights=WEIGHTS), 0.0),
        (FocalLoss(4, class_weights=WEIGHTS), 2.0),
    ):
        top = bottom = 0.0
        for row in range(len(logits)):
            for code, part in ((int(first[row]), share), (int(second[row]), 1 - share)):
                cost = -((1 - log_p[row, code].exp()) ** power) * log_p[row, code]
                top, bottom = top + float(part * weights[code] * cost), bottom + float(part * weights[code])
        mixed = share * one_hot(first) + (1 - share) * one_hot(second)
        assert float(loss(logits, mixed)) == pytest.approx(top / bottom, rel=1e-6)


def test_soft_f1_counts_shares() -> None:
    logits, first, second, share = batch()
    mixed = share * one_hot(first) + (1 - share) * one_hot(second)
    p = logits.softmax(1)
    scores = [
        2 * float((p[:, c] * mixed[:, c]).sum()) / float(p[:, c].sum() + mixed[:, c].sum()) for c in range(4)
    ]
    assert float(SoftF1Loss(4, history=0)(logits, mixed)) == pytest.approx(1 - sum(scores) / 4, rel=1e-12)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (torch.ones(2, 3), "targets must be classes (B,) or shares of shape (2, 4), found (2, 3)"),
        (
            torch.tensor([[0.5, 0.5, 0, 0], [0.5, 0.25, 0, 0]]),
            "targets must be shares of at least 0 that sum to 1, found [0.5, 0.25, 0.0, 0.0] in row 1",
        ),
        (
            torch.tensor([[1.5, -0.5, 0, 0], [1, 0, 0, 0]]),
            "targets must be shares of at least 0 that sum to 1, found [1.5, -0.5, 0.0, 0.0] in row 0",
        ),
    ],
)
def test_refuses_what_are_no_shares(targets: Tensor, message: str) -> None:
    for loss in LOSSES:
        with pytest.raises(ArgumentError) as error:
            loss(torch.zeros(2, 4), targets)
        assert str(error.value) == message


def test_a_term_that_is_left_out_counts_nothing_and_its_parameters_get_zeros() -> None:
    logits, first, _, _ = batch()

    class Learned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))

        def forward(self, points: Tensor) -> Tensor:
            return (points.mean(0)[:3] * self.weight).sum()

    joint = JointLoss({"metric": LossTerm(Learned(), 2.0), "triplet": TripletLoss(), "ce": CrossEntropy(4)})
    result = joint({"metric": None, "triplet": None, "ce": (logits, first)})
    assert list(result.terms) == ["ce"]
    assert result.total.item() == CrossEntropy(4)(logits, first).item()
    result.total.backward()
    learned = joint.losses["metric"].weight
    assert torch.equal(learned.grad, torch.zeros(3))
    assert joint.step == 1
