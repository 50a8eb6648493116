"""The triplet loss: an anchor nearer to its positive than to its negative, by a margin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metric_face.errors import ArgumentError

from .active_triplets import hinge_violations, softplus_violations
from .checks import check_batch
from .distances import (
    DISTANCES,
    all_distances,
    gradient_of_distances,
    poison,
    safe_root,
    with_gradient,
)

MININGS = ("batch_hard", "batch_all", "semi_hard")


@dataclass(frozen=True)
class TripletStatistics:
    """What the last batch held, beside its loss."""

    triplets: int
    """Triplets the batch offered: valid anchors for ``batch_hard``, all (a, p, n) otherwise."""
    active: int
    """Those that cost something and so move the embedding."""
    anchors: int
    """B, the items of the batch."""
    valid_anchors: int
    """Items with at least one positive and one negative."""
    empty_batches: int
    """Batches without any valid triplet since this loss was made."""

    @property
    def share_active(self) -> float:
        """Active triplets as a share of those offered; 0 where none was offered."""
        return self.active / self.triplets if self.triplets else 0.0


class TripletLoss(nn.Module):
    """The triplet loss with online mining: mean of max(0, d(a, p) - d(a, n) + margin).

    The triplets are those of the batch, chosen by `mining`:

    - ``batch_hard``: each anchor with its farthest positive and its nearest negative (Hermans et al.);
    - ``batch_all``: every anchor, positive and negative (ibid.), exactly, in O(B^2 log B);
    - ``semi_hard``: every triplet whose negative lies beyond the positive but inside the margin,
      d(a, p) < d(a, n) < d(a, p) + margin (Schroff et al., section 3.2).

    Use it with a sampler that puts several images of each label in a batch, such as `RandomIdentitySampler`:
    in a shuffled batch of few images per label there are hardly any positives.

    Corner cases. A batch without a valid triplet gives a zero that still carries a (zero) gradient, and is
    counted in `last`. An image is never its own positive; two copies of one image (a padded label) are no
    positive pair if `indices` are given. The gradient of a distance of zero is zero. Arithmetic is float32
    or better, also under autocast. Embeddings that are not finite give a loss that is not finite.

    Args:
        margin: how much nearer the positive must be, in units of the distance; or ``"soft"`` for
            log(1 + exp(d(a, p) - d(a, n))), which never stops pulling (for ``batch_all`` and ``semi_hard``
            that is O(B^2 M), M the images of a label in the batch; ``semi_hard`` then has no upper bound).
        mining: ``"batch_hard"``, ``"batch_all"`` or ``"semi_hard"``.
        distance: ``"euclidean"``, ``"squared_euclidean"`` or ``"cosine"`` (1 - cosine similarity).
        normalize: divide each embedding by its length first; distances are then at most 2 (4 squared).
            The cosine distance is the same either way.
        average: over ``"active"`` triplets, those with a cost (the default of pytorch-metric-learning), or
            over ``"all"`` mined ones, whose value fades as fewer triplets are active.

    Reference:
        Schroff, Kalenichenko, Philbin: FaceNet, CVPR 2015, section 3. Hermans, Beyer, Leibe: In Defense of the
        Triplet Loss for Identity Re-Identification, arXiv 1703.07737, 2017, section 2.
    """

    def __init__(
        self,
        margin: float | Literal["soft"] = 0.2,
        mining: Literal["batch_hard", "batch_all", "semi_hard"] = "batch_hard",
        distance: Literal["euclidean", "squared_euclidean", "cosine"] = "euclidean",
        *,
        normalize: bool = True,
        average: Literal["active", "all"] = "active",
    ) -> None:
        super().__init__()
        _one_of("mining", mining, MININGS)
        _one_of("distance", distance, DISTANCES)
        _one_of("average", average, ("active", "all"))
        number = isinstance(margin, int | float) and not isinstance(margin, bool)
        if margin != "soft" and not (number and 0 < float(margin) < float("inf")):
            raise ArgumentError(f"margin must be a number above 0 or 'soft', found {margin!r}")
        self.margin = margin
        self.mining = mining
        self.distance = distance
        self.normalize = normalize
        self.average = average
        self.empty_batches = 0
        self.last: TripletStatistics | None = None
        """Statistics of the last batch; None before the first."""

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor | Sequence[int],
        indices: Tensor | Sequence[int] | None = None,
    ) -> Tensor:
        """Return the loss of one batch.

        Args:
            embeddings: (B, D) floating point.
            labels: (B,) integers in a list, an array or a tensor; equal labels are positives.
            indices: (B,) which image each item is; equal indices are copies and no positive pair.

        Returns:
            () the mean cost of the mined triplets, float32 (float64 for float64 embeddings).

        Raises:
            ArgumentError: if shapes or types are not these.
        """
        labels, indices = check_batch(embeddings, labels, indices)
        with torch.autocast(embeddings.device.type, enabled=False):
            points = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
            if self.normalize or self.distance == "cosine":
                points = F.normalize(points, dim=1, eps=1e-6)  # a zero embedding gets a finite gradient
            positive, negative = _relations(labels, indices)
            anchor = (positive.any(1) & negative.any(1)).nonzero().squeeze(1)
            if not len(anchor):
                self._note(0, 0, 0, len(points))
                return with_gradient(points, poison(points), torch.zeros_like(points))
            if self.mining == "batch_hard":
                return self._hardest(points, positive, negative, anchor)
            return self._every(points, positive, negative, anchor)

    def floors(self) -> dict[str, float]:
        """Values that the loss has when all distances are alike and it carries no signal."""
        return {"ln 2": 0.6931471805599453} if self.margin == "soft" else {"margin": float(self.margin)}

    def _hardest(self, points: Tensor, positive: Tensor, negative: Tensor, anchor: Tensor) -> Tensor:
        with torch.no_grad():  # a rough distance is enough to choose by; the chosen are measured exactly
            away = all_distances(points, "squared_euclidean")
            farthest = away.masked_fill(~positive, -1.0).argmax(1)[anchor]
            nearest = away.masked_fill_(~negative, torch.inf).argmin(1)[anchor]
        a, p, n = points[anchor], points[farthest], points[nearest]
        gap = self._between(a, p) - self._between(a, n)
        cost = F.softplus(gap) if self.margin == "soft" else F.relu(gap + float(self.margin))
        active = int((cost > 0).sum())
        self._note(len(anchor), active, len(anchor), len(points))
        return cost.sum() / max(1, active if self.average == "active" else len(anchor))

    def _every(self, points: Tensor, positive: Tensor, negative: Tensor, anchor: Tensor) -> Tensor:
        semi = self.mining == "semi_hard"
        with torch.no_grad():
            away = all_distances(points, self.distance)
            if self.margin == "soft":
                found = softplus_violations(away, positive, negative, semi)
            else:
                found = hinge_violations(away, positive, negative, float(self.margin), semi)
            offered, active = int((positive.sum(1) * negative.sum(1)).sum()), int(found.active)
            self._note(offered, active, len(anchor), len(points))
            mined = max(1, active if semi or self.average == "active" else offered)
            value = (found.cost / mined).to(points.dtype) + poison(points)
            gradient = gradient_of_distances(points, away, found.slope.div_(mined), self.distance)
        return with_gradient(points, value, gradient)

    def _between(self, one: Tensor, other: Tensor) -> Tensor:
        if self.distance == "cosine":
            return 1 - (one * other).sum(1)
        square = (one - other).square().sum(1)
        return square if self.distance == "squared_euclidean" else safe_root(square)

    def _note(self, triplets: int, active: int, valid: int, items: int) -> None:
        self.empty_batches += not triplets
        self.last = TripletStatistics(triplets, active, items, valid, self.empty_batches)

    def extra_repr(self) -> str:
        return (
            f"margin={self.margin!r}, mining={self.mining!r}, distance={self.distance!r}, "
            f"normalize={self.normalize}, average={self.average!r}"
        )


def _relations(labels: Tensor, indices: Tensor | None) -> tuple[Tensor, Tensor]:
    same = labels[:, None] == labels
    positive = same.clone()
    if indices is None:
        positive.fill_diagonal_(False)
    else:
        positive &= indices[:, None] != indices
    return positive, ~same


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ArgumentError(f"{name} must be one of {', '.join(map(repr, allowed))}, found {value!r}")
