import math

import loss_properties as keeps
import pytest
import torch
from torch import Tensor, nn

from metric_face.errors import ArgumentError
from metric_face.losses import (
    CrossEntropy,
    FocalLoss,
    LogitAdjustedCrossEntropy,
    adjust_logits,
    class_prior,
    effective_number_weights,
)

WEIGHTS = [0.5, 1.0, 2.0, 0.5]
PRIOR = [0.7, 0.2, 0.05, 0.05]
ALL = [
    CrossEntropy(4),
    CrossEntropy(4, label_smoothing=0.1, class_weights=WEIGHTS),
    FocalLoss(4),
    FocalLoss(4, gamma=0.5, class_weights=WEIGHTS),
    LogitAdjustedCrossEntropy(PRIOR),
    LogitAdjustedCrossEntropy(PRIOR, tau=2.0),
]


def batch(items: int = 20, classes: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(items, classes, dtype=torch.float64, generator=generator)
    return logits, torch.randint(classes, (items,), generator=generator)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_keeps_what_every_loss_keeps(loss):
    logits, targets = batch()
    loss = loss.double()
    keeps.assert_slope_is_derivative(loss, logits, targets)
    keeps.assert_order_does_not_matter(loss, logits, targets)
    keeps.assert_nan_is_not_silent(loss, logits, targets)
    loss = loss.float()
    keeps.assert_float32_under_autocast(loss, logits, targets)
    keeps.assert_finite(loss, 1e4 * logits.float(), targets)
    keeps.assert_idle_but_differentiable(loss, logits[:0], targets[:0])
    keeps.assert_state_travels(loss, logits.float(), targets)


def test_cross_entropy_is_torchs():
    logits, targets = batch()
    theirs = nn.CrossEntropyLoss(torch.tensor(WEIGHTS).double(), label_smoothing=0.1)
    ours = CrossEntropy(4, label_smoothing=0.1, class_weights=WEIGHTS).double()
    keeps.assert_same_value_and_slope(lambda z: ours(z, targets), lambda z: theirs(z, targets), logits, 1e-12)


def test_label_smoothing_is_really_on():
    logits, targets = torch.tensor([[100.0, 0.0, 0.0, 0.0]]), torch.tensor([0])
    assert CrossEntropy(4)(logits, targets) == 0
    assert float(CrossEntropy(4, label_smoothing=0.1)(logits, targets)) == pytest.approx(0.1 * 0.75 * 100)


@pytest.mark.parametrize("loss", [CrossEntropy(4), FocalLoss(4)], ids=repr)
def test_a_uniform_answer_sits_at_the_floor_named(loss):
    (floor,) = loss.floors().values()
    assert float(loss(torch.zeros(6, 4), torch.arange(6) % 4)) == pytest.approx(floor)


def test_focal_loss_is_its_formula_and_cross_entropy_at_gamma_0():
    logits, targets = batch()
    p = logits.softmax(1)[torch.arange(20), targets]
    assert float(FocalLoss(4)(logits, targets)) == pytest.approx(float((-((1 - p) ** 2) * p.log()).mean()))
    plain = nn.functional.cross_entropy(logits, targets)
    assert float(FocalLoss(4, gamma=0)(logits, targets)) == pytest.approx(float(plain))
    alpha = torch.tensor(WEIGHTS).double()
    weighted = nn.functional.cross_entropy(logits, targets, alpha)
    assert float(FocalLoss(4, gamma=0, class_weights=alpha)(logits, targets)) == pytest.approx(
        float(weighted)
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_gradient_is_finite_when_certain(gamma):
    keeps.assert_finite(FocalLoss(2, gamma=gamma), torch.tensor([[300.0, 0.0]]), torch.tensor([0]))
    keeps.assert_finite(FocalLoss(2, gamma=gamma), torch.tensor([[300.0, 0.0]]), torch.tensor([1]))


def test_logit_adjustment_recovers_the_balanced_answer():
    """Four points: where the density of two classes is equal the balanced answer is even, whatever the prior."""
    counts = torch.tensor(
        [[90, 5], [10, 5]]
    )  # rows: two places, columns: two classes; 90 % and 50 % at place 0
    places = torch.arange(2).repeat_interleave(counts.sum(1))
    targets = torch.cat([torch.arange(2).repeat_interleave(row) for row in counts])
    loss = LogitAdjustedCrossEntropy(class_prior(targets, 2))
    table = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([table], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        value = loss(table[places], targets)
        value.backward()
        return value

    optimizer.step(closure)
    balanced = table.detach().softmax(1)[:, 0]
    torch.testing.assert_close(balanced, torch.tensor([0.9 / 1.4, 0.1 / 0.6]).double(), atol=1e-5, rtol=0)
    posterior = torch.log(counts / counts.sum(1, keepdim=True))
    after = adjust_logits(posterior, class_prior(targets, 2)).softmax(1)[:, 0]
    torch.testing.assert_close(after.double(), balanced, atol=1e-5, rtol=0)


def test_an_even_prior_or_tau_0_is_cross_entropy():
    logits, targets = batch()
    plain = CrossEntropy(4)(logits, targets)
    torch.testing.assert_close(LogitAdjustedCrossEntropy([2, 2, 2, 2])(logits, targets), plain)
    torch.testing.assert_close(LogitAdjustedCrossEntropy(PRIOR, tau=0)(logits, targets), plain)


def test_class_prior_counts_what_is_drawn():
    torch.testing.assert_close(class_prior([0, 0, 0, 2], 3), torch.tensor([0.75, 0.0, 0.25]))
    torch.testing.assert_close(class_prior([0, 0, 0, 2], 3, smoothing=1), torch.tensor([4, 1, 2]) / 7)


def test_effective_number_weights_are_their_formula():
    counts, beta = torch.tensor([10.0, 100.0, 1000.0]), 0.99
    weights = effective_number_weights(counts, beta)
    assert float(weights.mean()) == pytest.approx(1)
    number = [(1 - beta**n) / (1 - beta) for n in counts.tolist()]
    torch.testing.assert_close(weights * torch.tensor(number), weights[:1].repeat(3) * number[0])
    assert effective_number_weights(counts, 0.0).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CrossEntropy(4, label_smoothing=1), "label_smoothing must be in [0, 1), found 1"),
        (
            lambda: CrossEntropy(2, class_weights=[1, 0]),
            "class_weights must be 2 finite numbers above 0, found [1.0, 0.0]",
        ),
        (lambda: CrossEntropy(True), "num_classes must be an integer of at least 2, found True"),
        (lambda: FocalLoss(4, gamma=-1), "gamma must be at least 0, found -1"),
        (lambda: LogitAdjustedCrossEntropy([1, 1], tau=math.nan), "tau must be at least 0, found nan"),
        (
            lambda: LogitAdjustedCrossEntropy([3, 0, 1]),
            "prior must be above 0 for every class, found 0.0 for class 1: "
            "drop the class or use class_prior(..., smoothing=1)",
        ),
        (
            lambda: LogitAdjustedCrossEntropy([1]),
            "prior must hold one value for each of 2 or more classes, found (1,)",
        ),
        (
            lambda: adjust_logits(torch.ones(2, 3), [1, 1]),
            "prior must have one value per class: 3 logits, 2 values",
        ),
        (
            lambda: CrossEntropy(4)(torch.ones(3, 4), torch.ones(3)),
            "targets must be integer classes of shape (3,), found torch.float32 of shape (3,)",
        ),
        (
            lambda: CrossEntropy(4)(torch.ones(3, 4), torch.tensor([0, -1, 2])),
            "targets must lie in 0..3, found -1: drop unlabeled rows or correct num_classes",
        ),
        (
            lambda: effective_number_weights([3, 0]),
            "counts must be a row of at least one image per class, found a class without: drop it",
        ),
        (lambda: effective_number_weights([3, 1], 1.0), "beta must be in [0, 1), found 1.0"),
    ],
)
def test_refuses_what_does_not_fit(call, message):
    with pytest.raises(ArgumentError) as error:
        call()
    assert str(error.value) == message
