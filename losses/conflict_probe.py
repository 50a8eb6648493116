"""One batch's comparison of two losses: the cosines between their gradients on two halves of the batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metric_face.arrays import Doubles

from .angles import Row, cosines
from .checks import as_integers

PartialLoss = Callable[[Tensor, Tensor], Tensor]
"""(embeddings (M, D), rows (M,) they have in the batch) -> scalar: the loss of a part of the batch."""

WHOLE, TANGENTIAL, RADIAL, SHARED = "whole", "tangential", "radial", "shared"


@dataclass(frozen=True)
class ConflictProbe:
    """The statistics of one batch: a row of cosines for each component, and for each label."""

    components: dict[str, Row]
    """``whole``, ``tangential`` and ``radial`` at the embedding; ``shared`` at the parameters."""
    labels: dict[int, Row]
    """Of the whole gradient, per label."""


def probe_embeddings(
    loss_a: PartialLoss, loss_b: PartialLoss, points: Tensor, labels: Tensor, indices: Tensor | None = None
) -> ConflictProbe:
    """Compare two losses at the embedding: two calls of ``torch.autograd.grad``, none through the backbone.

    Args:
        loss_a: (embeddings (M, D), rows (M,)) -> scalar.
        loss_b: likewise.
        points: (B, D) embeddings; their graph is not used.
        labels: (B,) integers.
        indices: (B,) which image each item is; copies of one image stay in one half, or they would feign reliability.
    """
    labels = as_integers(labels, "labels", points.device)
    first, second = split_in_halves(labels, indices)
    leaf = points.detach().float().requires_grad_()
    along = F.normalize(leaf.detach(), dim=1)
    sides: list[dict[str, tuple[Tensor, Tensor]]] = []
    with torch.enable_grad():
        for loss in (loss_a, loss_b):
            cost = loss(leaf[first], first) + loss(leaf[second], second) if len(first) else leaf.sum() * 0
            slope = _gradient(cost, [leaf])
            radial = (slope * along).sum(1, keepdim=True) * along
            parts = {WHOLE: slope, TANGENTIAL: slope - radial, RADIAL: radial}
            sides.append({k: (_means(v, labels, first), _means(v, labels, second)) for k, v in parts.items()})
    a, b = sides
    components = {k: _row(*(x.flatten() for x in (*a[k], *b[k]))) for k in (WHOLE, TANGENTIAL, RADIAL)}
    stacks = [x.double().cpu().numpy() for x in (*a[WHOLE], *b[WHOLE])]
    per_label = {
        int(label): cosines(*(stack[i] for stack in stacks))
        for i, label in enumerate(torch.unique(labels[first]).tolist())
    }
    return ConflictProbe(components, per_label)


def probe_parameters(
    loss_a: PartialLoss,
    loss_b: PartialLoss,
    points: Tensor,
    labels: Tensor,
    parameters: Sequence[nn.Parameter],
    indices: Tensor | None = None,
) -> ConflictProbe:
    """Compare two losses at shared parameters: four calls of ``torch.autograd.grad`` back to them.

    Arguments are those of `probe_embeddings`, but `points` (B, D) come with their graph, which is kept.
    """
    halves = split_in_halves(as_integers(labels, "labels", points.device), indices)
    slopes = [
        _gradient(loss(points[rows], rows) if len(rows) else points.sum() * 0, parameters)
        for loss in (loss_a, loss_b)
        for rows in halves
    ]
    return ConflictProbe({SHARED: _row(*slopes)}, {})


def split_in_halves(labels: Tensor, indices: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Assign each label's images in turn to two halves; return their rows, in batch order.

    Copies of one image (equal `indices`) go to one half. Labels with a single image are in neither.
    """
    cpu = torch.device("cpu")
    label = as_integers(labels, "labels", cpu).numpy()
    image = np.arange(len(label)) if indices is None else as_integers(indices, "indices", cpu).numpy()
    side = np.full(len(label), -1)
    for value in np.unique(label):
        rows = np.flatnonzero(label == value)
        images, which = np.unique(image[rows], return_inverse=True)
        if len(images) >= 2:
            side[rows] = which % 2
    return tuple(torch.from_numpy(np.flatnonzero(side == half)).to(labels.device) for half in (0, 1))  # type: ignore[return-value]


def _gradient(cost: Tensor, at: Sequence[Tensor]) -> Tensor:
    """The gradient at one tensor in its shape, at several as one row; zero where the cost does not reach."""
    if not cost.requires_grad:
        found: Sequence[Tensor | None] = [None] * len(at)
    else:
        found = torch.autograd.grad(cost, at, retain_graph=True, allow_unused=True)
    slopes = [torch.zeros_like(t) if g is None else g for g, t in zip(found, at, strict=True)]
    return slopes[0].detach() if len(slopes) == 1 else torch.cat([s.detach().flatten() for s in slopes])


def _means(slope: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
    """(P, D) mean of the slopes (B, D) of each label's items among the rows, labels ascending."""
    _, place = torch.unique(labels[rows], return_inverse=True)
    classes = int(place.max()) + 1 if len(rows) else 0
    total = slope.new_zeros(classes, slope.shape[1]).index_add_(0, place, slope[rows])
    return total / torch.bincount(place, minlength=classes)[:, None].clamp_min(1)


def _row(a1: Tensor, a2: Tensor, b1: Tensor, b2: Tensor) -> Row:
    arrays: list[Doubles] = [x.flatten().double().cpu().numpy() for x in (a1, a2, b1, b2)]
    return cosines(*arrays)
