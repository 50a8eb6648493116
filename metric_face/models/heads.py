"""The classifiers that read an embedding: linear, of angles, cumulative for ordered classes, and of a number."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAST_GAP = 1e-3
"""Between two thresholds of an ordinal head, so that no class loses all its probability."""
THRESHOLD_RATE = 100.0
"""Of a threshold to the parameter behind it. Adam moves a parameter by the learning rate a step, and a score, to which
all dimensions of the embedding add, by up to a hundred times that: thresholds that fall behind squeeze the classes
between them until none is the likeliest."""
LEAST_SCALE = 0.01
"""Of a regression head, in units of the spread of its numbers."""


def make_head(
    embedding_size: int,
    num_classes: int,
    kind: str = "softmax",
    *,
    of_angles: bool = False,
    **of_numbers: Any,
) -> nn.Module:
    """A head (B, D) -> logits (B, C).

    Args:
        embedding_size: D.
        num_classes: C.
        kind: ``softmax``, ``ordinal`` or ``regression``.
        of_angles: whether the embedding is read by its angle to learned weights.
        **of_numbers: ``cuts``, ``center`` and ``spread`` of a :class:`RegressionHead`.
    """
    if kind == "regression":
        return RegressionHead(_scores(embedding_size, 1, of_angles), **of_numbers)
    if kind == "ordinal":
        return OrdinalHead(_scores(embedding_size, 1, of_angles), num_classes)
    return _scores(embedding_size, num_classes, of_angles)


class OrdinalHead(nn.Module):
    """A cumulative link model: P(class > k) = sigmoid(score - threshold_k), thresholds ascending.

    The logits are the logarithms of the probabilities that follow, so their softmax is these probabilities, and all
    that takes logits of a softmax takes these. Arithmetic is float32 or better. It starts with all classes alike.

    Args:
        score: (B, D) -> (B, 1), one number that grows with the class.
        num_classes: C.

    Reference:
        McCullagh: Regression Models for Ordinal Data, JRSS B 1980 (the proportional odds model).
    """

    def __init__(self, score: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.score = score
        shares = torch.arange(1, num_classes) / num_classes
        thresholds = shares.logit()
        gaps = (thresholds.diff() - LEAST_GAP).expm1().log()  # softplus undoes it
        self.lowest = nn.Parameter(thresholds[:1] / THRESHOLD_RATE)
        self.spaces = nn.Parameter(gaps / THRESHOLD_RATE)

    def thresholds(self) -> Tensor:
        """(C - 1,) ascending."""
        lowest = THRESHOLD_RATE * self.lowest
        return torch.cat([lowest, lowest + self._gaps().cumsum(0)])

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, D) -> log probabilities (B, C)."""
        score = self.score(embedding)
        score = score.to(torch.promote_types(score.dtype, torch.float32))
        above = score - self.thresholds()
        # sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b)), which loses no digits
        below, over = F.logsigmoid(-above), F.logsigmoid(above)
        between = below[:, 1:] + over[:, :-1] + (-torch.expm1(-self._gaps())).log()
        return torch.cat([below[:, :1], between, over[:, -1:]], dim=1)

    def _gaps(self) -> Tensor:
        return F.softplus(THRESHOLD_RATE * self.spaces) + LEAST_GAP


class RegressionHead(nn.Module):
    """A number, and the classes that cuts make of it.

    The number is predicted as a logistic distribution whose scale is learned, the same for all images. A class has
    the logit -d / scale, d being how far the location is from its bin: the likeliest class is the bin that the
    location lies in, and of two classes each has the probability that the distribution gives it. Arithmetic is
    float32 or better.

    Args:
        score: (B, D) -> (B, 1), the number in units of ``spread``, from ``center``.
        cuts: C - 1 ascending numbers between the classes.
        center, spread: median and standard deviation of the numbers of the training images.
    """

    cuts: Tensor

    def __init__(self, score: nn.Module, cuts: Sequence[float], center: float, spread: float) -> None:
        super().__init__()
        self.score = score
        self.center, self.spread = center, spread
        self.register_buffer("cuts", torch.tensor(cuts, dtype=torch.float32), persistent=False)
        # A logistic distribution has the deviation 1 at the scale sqrt(3) / pi.
        start = torch.tensor(3**0.5 / math.pi - LEAST_SCALE)
        self.width = nn.Parameter(start.expm1().log())  # softplus undoes it

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, D) -> logits (B, C)."""
        return self.logits(self.numbers(embedding))

    def numbers(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, 2), location and logarithm of the scale."""
        score = self.score(embedding)
        score = score.to(torch.promote_types(score.dtype, torch.float32))
        log_scale = (self.spread * (F.softplus(self.width) + LEAST_SCALE)).log()
        return torch.cat([self.center + self.spread * score, log_scale.to(score).expand_as(score)], dim=1)

    def logits(self, numbers: Tensor) -> Tensor:
        """(B, 2) of :meth:`numbers` -> logits (B, C)."""
        location, log_scale = numbers[:, :1], numbers[:, 1:]
        cuts, none = self.cuts.to(numbers), numbers.new_zeros(len(numbers), 1)
        below = torch.cat([none, F.relu(cuts - location)], dim=1)
        ends = torch.nextafter(cuts, cuts - 1)  # a cut itself belongs to the class above it
        above = torch.cat([F.relu(location - ends), none], dim=1)
        return -(below + above) / log_scale.exp()


class CosineHead(nn.Module):
    """A classifier of angles: logits = scale * cos(embedding, class weight).

    Args:
        embedding_size: D.
        num_classes: C.
        scale: where the learned scale starts.
    """

    def __init__(self, embedding_size: int, num_classes: int, scale: float = 16.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_classes, embedding_size))
        self.log_scale = nn.Parameter(torch.tensor(scale).log())
        nn.init.normal_(self.weight, std=embedding_size**-0.5)

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, C)."""
        cosines = F.linear(F.normalize(embedding.float(), dim=1), F.normalize(self.weight.float(), dim=1))
        return self.log_scale.exp() * cosines


def _scores(embedding_size: int, count: int, of_angles: bool) -> nn.Module:
    return CosineHead(embedding_size, count) if of_angles else _linear_head(embedding_size, count)


def _linear_head(embedding_size: int, num_classes: int) -> nn.Linear:
    head = nn.Linear(embedding_size, num_classes)
    nn.init.normal_(head.weight, std=0.01)
    nn.init.zeros_(head.bias)
    return head
