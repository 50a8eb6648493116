import pytest
import torch
from torch import nn

from metric_face.errors import ArgumentError
from metric_face.losses import pcgrad_backward, torchjd_backward


def stepped(*slopes):
    """Losses with the given gradients at one parameter, and what the surgery makes of them."""
    parameter = nn.Parameter(torch.zeros(len(slopes[0])))
    pcgrad_backward([(parameter * torch.tensor(s)).sum() for s in slopes], [parameter])
    return parameter.grad


def test_agreeing_losses_are_summed():
    torch.testing.assert_close(stepped([1.0, 0.5], [0.0, 2.0]), torch.tensor([1.0, 2.5]))


def test_opposed_losses_lose_what_opposes():
    # a = (1, 0), b = (-1, 1): a - (a.b / b.b) b = (1/2, 1/2); b - (b.a / a.a) a = (0, 1)
    torch.testing.assert_close(stepped([1.0, 0.0], [-1.0, 1.0]), torch.tensor([0.5, 1.5]))
    torch.testing.assert_close(stepped([1.0, 0.0], [-1.0, 0.0]), torch.zeros(2))


def test_the_step_increases_neither_of_two_losses():
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        a, b = torch.randn(2, 4, generator=generator)
        step = stepped(a.tolist(), b.tolist())
        assert min(torch.dot(step, a), torch.dot(step, b)) >= -1e-5


def test_a_zero_gradient_changes_nothing():
    torch.testing.assert_close(stepped([1.0, -1.0], [0.0, 0.0]), torch.tensor([1.0, -1.0]))


def test_adds_to_what_is_there_and_reaches_heads_of_one_loss():
    body, head = nn.Linear(3, 3), nn.Linear(3, 1)
    x = torch.randn(5, 3)
    losses = [body(x).square().sum(), -head(body(x)).sum()]
    parameters = [*body.parameters(), *head.parameters()]
    expected = torch.autograd.grad(losses[1], list(head.parameters()), retain_graph=True)
    head.bias.grad = torch.ones(1)
    pcgrad_backward(losses, parameters)
    torch.testing.assert_close(head.bias.grad, expected[1] + 1)
    assert all(p.grad is not None for p in parameters)


def test_torchjd_aggregates():
    aggregation = pytest.importorskip("torchjd.aggregation")
    parameter = nn.Parameter(torch.zeros(2))
    losses = [(parameter * torch.tensor(s)).sum() for s in ([1.0, 0.0], [-1.0, 1.0])]
    torchjd_backward(losses, [parameter], aggregation.Sum())
    torch.testing.assert_close(parameter.grad, torch.tensor([0.0, 1.0]))


@pytest.mark.parametrize("surgery", [pcgrad_backward, lambda x, p: torchjd_backward(x, p, None)])
def test_refuses_what_needs_no_surgery(surgery):
    parameter = nn.Parameter(torch.ones(1))
    with pytest.raises(ArgumentError, match="losses must be two or more, found 1"):
        surgery([parameter.sum()], [parameter])
    with pytest.raises(ArgumentError, match="parameters must hold one that requires a gradient, found none"):
        surgery([parameter.sum()] * 2, [])
