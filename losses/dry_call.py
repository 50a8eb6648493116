"""Call a metric loss once on made-up vectors, to find out before a training whether it can be called as ours are."""

import copy

import torch
from torch import Tensor, nn

from metric_face.errors import ArgumentError

SIZE = 8


def dry_call(loss: nn.Module, name: str, num_classes: int | None, embedding_size: int | None) -> None:
    """Call a copy of a loss as ``loss(embeddings, labels)`` and look at what comes back.

    Args:
        loss: left as it is, and so are the random generators.
        name: of the loss, for the error.
        num_classes: C, or None where the loss does not count them.
        embedding_size: D; 8 where it is None.

    Raises:
        ArgumentError: if it raises, or returns something else than a number with a gradient.
    """
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(8, embedding_size or SIZE, generator=generator).requires_grad_()
    labels = torch.arange(8) // 2 % max(1, num_classes or 4)
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            trial = copy.deepcopy(loss).cpu()
            value = trial(points, labels)
    except Exception as error:  # theirs: it may raise anything
        raise ArgumentError(
            f"{name} cannot be the metric loss: called with embeddings {tuple(points.shape)} and labels (8,) it raises "
            f"{type(error).__name__}: {first_line(error)}"
        ) from error
    if not isinstance(value, Tensor) or value.ndim or not value.requires_grad:
        found = (
            f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        )
        raise ArgumentError(
            f"{name} cannot be the metric loss: it must return one number with a gradient, found {found}"
        )


def first_line(error: BaseException, most: int = 120) -> str:
    """An error's message on one line, cut where it is long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= most else f"{text[: most - 3]}..."
