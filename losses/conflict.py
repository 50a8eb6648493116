"""Do two losses pull the embedding in opposite directions? The angle between their gradients, corrected for noise.

A gradient of one batch is mostly noise, and noise draws every cosine to 0: a true -0.5 shows as -0.04. So each
batch is split in two halves that hold the same labels. The cosine of a loss with itself on the other half says
how reliable its gradient is, and dividing by that undoes the shrinkage (see `angles`).
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metric_face.arrays import Doubles
from metric_face.errors import ArgumentError

from .angles import AngleEstimate, Row, cosines, estimate
from .checks import as_integers
from .untouched import untouched

PartialLoss = Callable[[Tensor, Tensor], Tensor]
"""(embeddings (M, D), rows (M,) they have in the batch) -> scalar: the loss of a part of the batch."""

WHOLE, TANGENTIAL, RADIAL, SHARED = "whole", "tangential", "radial", "shared"


@dataclass(frozen=True)
class ConflictProbe:
    """What one batch says: a row of cosines for each component, and for each label."""

    components: dict[str, Row]
    """``whole``, ``tangential`` and ``radial`` at the embedding; ``shared`` at the parameters."""
    labels: dict[int, Row]
    """Of the whole gradient, per label."""


@dataclass(frozen=True)
class GradientConflict:
    """The angle between two losses, by component and by label.

    Conflict along the embedding's own direction only (`radial` below 0, `tangential` not) changes lengths:
    normalize, or put a batch norm between the losses. Conflict across it (`tangential` below 0) is a conflict
    of aims.
    """

    components: dict[str, AngleEstimate]
    labels: dict[int, AngleEstimate]

    @property
    def kappa(self) -> float:
        """Of the whole gradient; NaN if its estimate abstains."""
        return self.components[WHOLE if WHOLE in self.components else SHARED].kappa


def gradient_conflict(
    loss_a: PartialLoss,
    loss_b: PartialLoss,
    batches: Iterable[tuple[Any, Tensor]],
    *,
    embed: Callable[[Any], Tensor] | None = None,
    parameters: Sequence[nn.Parameter] = (),
    guard: Sequence[nn.Module] = (),
    least_probes: int = 200,
    seed: int = 0,
) -> GradientConflict:
    """Measure whether two losses pull against each other, over many batches.

    ::

        found = gradient_conflict(
            lambda e, rows: triplet(e, labels[rows]), lambda e, rows: ce(head(e), labels[rows]),
            ((embeddings, labels) for embeddings, labels in loader), guard=[head, triplet, ce])

    The loss of a half batch must be defined: a triplet loss needs K >= 4 images of a label in a batch, hence a
    P x K sampler such as `RandomIdentitySampler`. Labels with fewer than two images in a batch are left out.
    At the embedding the gradients of a label's images are averaged, so that halves with other images can be
    compared; at `parameters` they are summed as in training.

    Args:
        loss_a: (embeddings (M, D), rows (M,)) -> scalar; called on half batches.
        loss_b: likewise.
        batches: of (inputs, labels (B,)); the inputs are embeddings (B, D), or whatever `embed` takes. Both losses
            read what else they need by `rows`, so they must know the current batch.
        embed: inputs -> embeddings (B, D); None if the inputs are the embeddings.
        parameters: measure at these as well (the last shared block); needs `embed`.
        guard: modules that must not change; see `untouched`.
        least_probes: batches below which the estimate abstains.
        seed: of the interval's resampling.

    Returns:
        The estimates.

    Raises:
        ArgumentError: if `parameters` are given without `embed`.

    Reference:
        Magnitude similarity: Yu et al., Gradient Surgery for Multi-Task Learning, NeurIPS 2020. Correction for
        attenuation: Spearman, 1904.
    """
    if parameters and embed is None:
        raise ArgumentError(
            "embed must be given with parameters: without it their gradient is unknown, found None"
        )
    record = ConflictRecord(keep=None)
    with untouched(*guard):
        for inputs, labels in batches:
            points = inputs if embed is None else embed(inputs)
            record.add(probe_embeddings(loss_a, loss_b, points, labels))
            if parameters:
                record.add(probe_parameters(loss_a, loss_b, points, labels, parameters))
    return record.estimate(least_probes=least_probes, seed=seed)


class ConflictRecord:
    """The probes so far, to estimate from at any time.

    Args:
        keep: number of last probes to keep; None keeps all.
    """

    def __init__(self, keep: int | None = 1000) -> None:
        self._components: dict[str, deque[Row]] = defaultdict(lambda: deque(maxlen=keep))
        self._labels: dict[int, deque[Row]] = defaultdict(lambda: deque(maxlen=keep))

    def add(self, probe: ConflictProbe) -> None:
        """Keep a probe."""
        for component, row in probe.components.items():
            self._components[component].append(row)
        for label, row in probe.labels.items():
            self._labels[label].append(row)

    def state_dict(self) -> dict[str, dict[Any, Tensor]]:
        """The rows kept, for a checkpoint."""
        return {
            "components": {name: _table(rows) for name, rows in self._components.items()},
            "labels": {label: _table(rows) for label, rows in self._labels.items()},
        }

    def load_state_dict(self, state: dict[str, dict[Any, Tensor]]) -> None:
        """Go on from a checkpoint's rows."""
        for kept, stored in ((self._components, state["components"]), (self._labels, state["labels"])):
            kept.clear()
            for key, rows in stored.items():
                kept[key].extend(tuple(row) for row in rows.tolist())

    def estimate(self, *, least_probes: int = 200, seed: int = 0) -> GradientConflict:
        """Estimate every angle; those with fewer probes than `least_probes` abstain."""
        return GradientConflict(
            {
                name: estimate(list(rows), least_probes=least_probes, seed=seed)
                for name, rows in self._components.items()
            },
            {
                label: estimate(list(rows), least_probes=least_probes, seed=seed)
                for label, rows in sorted(self._labels.items())
            },
        )


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
    """Deal each label's images in turn to two halves; return their rows, in batch order.

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


def _table(rows: Iterable[Row]) -> Tensor:
    return torch.tensor(list(rows), dtype=torch.float64).reshape(-1, 5)


def _row(a1: Tensor, a2: Tensor, b1: Tensor, b2: Tensor) -> Row:
    arrays: list[Doubles] = [x.flatten().double().cpu().numpy() for x in (a1, a2, b1, b2)]
    return cosines(*arrays)
