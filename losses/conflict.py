"""Estimate the angle between the gradients of two losses, corrected for noise: do they pull in opposite directions?

A gradient of one batch is mostly noise, and noise draws every cosine to 0: a true -0.5 shows as -0.04. So each
batch is split in two halves that hold the same labels. The cosine of a loss with itself on the other half
measures how reliable its gradient is, and dividing by that undoes the shrinkage (see `angles`).
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from metric_face.errors import ArgumentError

from .angles import AngleEstimate, Row, estimate
from .conflict_probe import SHARED, WHOLE, ConflictProbe, PartialLoss, probe_embeddings, probe_parameters
from .untouched import untouched


@dataclass(frozen=True)
class GradientConflict:
    """The angle between two losses, by component and by label.

    Conflict along the embedding's own direction only (`radial` below 0, `tangential` not) changes lengths:
    normalize, or put a batch norm between the losses. Conflict across it (`tangential` below 0) is a conflict
    of aims.
    """

    components: dict[str, AngleEstimate]
    labels: dict[int, AngleEstimate]

    def __repr__(self) -> str:
        name = WHOLE if WHOLE in self.components else SHARED
        found = self.components[name]
        told = f"kappa {found.kappa:.2f} ({found.low:.2f} to {found.high:.2f}), {found.probes} probes"
        return f"GradientConflict({name}: {found.abstains or told})"

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


def _table(rows: Iterable[Row]) -> Tensor:
    return torch.tensor(list(rows), dtype=torch.float64).reshape(-1, 5)
