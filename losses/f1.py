"""A differentiable macro F1, to train beside cross-entropy on what macro F1 scores."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from metric_face.errors import ArgumentError

from .checks import as_integers, check_num_classes, check_targets
from .over_ranks import summed


class SoftF1Loss(nn.Module):
    """One minus macro soft F1 over the classes present: mean of 1 - 2 tp_c / (sum p_c + sum y_c).

    p is the softmax, y the one-hot target, tp_c = sum p_c y_c, each summed over the batch and, in training,
    over the `history` batches before it. Those enter as constants, so a small batch estimates the F1 of many;
    the gradient is scaled up by the number of batches summed, which makes it, in expectation, the gradient
    of the F1 over all of them. Of a mixed image y is the share of each class; the loss then costs more than 0 at its
    best, and the cross-entropy beside it decides where between the classes an answer lies.

    **Only beside cross-entropy, and ramped in.** Where the model is confidently wrong the softmax is flat and
    the gradient dies (at a logit gap of 10 it is 8e-6, that of cross-entropy 0.18): alone it cannot leave
    its mistakes. `JointLoss` therefore refuses it without a cross-entropy, and without a ramp.

    Corner cases. Classes absent from batch and history do not count: perfect predictions cost 0 whatever is
    present. (Scoring them 0 puts a floor of 1 - present / C under the loss, see `absent_class_floor`, and the
    sampler then moves the loss more than the model does.) In `eval()` the history is neither read nor
    written. Under ``torch.distributed`` the counts are summed over ranks: every rank returns the loss of the
    whole batch, and gradients averaged over ranks, as DDP does, are the whole's. All ranks must call it
    equally often. Sums are float32 or better. Any sampler; best one that shows most classes within `history`.

    Args:
        num_classes: C; sizes the one-hot targets, whatever the batch holds.
        history: number of earlier batches to sum over; 0 for the batch alone.

    Reference:
        The form is usually credited to A. Maiza's "macro double soft F1" (which also averages in the F1 of
        each class's complement; not done here). Related: Bénédict et al., sigmoidF1, TMLR 2022.
    """

    past: Tensor
    batches: Tensor

    def __init__(self, num_classes: int, *, history: int = 16) -> None:
        super().__init__()
        if not isinstance(history, int) or history < 0:
            raise ArgumentError(f"history must be an integer of at least 0, found {history!r}")
        self.num_classes = check_num_classes(num_classes)
        self.history = history
        self._floor: Tensor | None = None
        self.register_buffer("past", torch.zeros(history, 3, num_classes))
        self.register_buffer("batches", torch.zeros((), dtype=torch.long))

    def forward(self, logits: Tensor, targets: Tensor | Sequence[int]) -> Tensor:
        """Return the loss () of logits (B, C) for targets (B,) or (B, C); an empty batch gives a zero with gradient."""
        logits, targets = check_targets(logits, targets, self.num_classes)
        probability = logits.softmax(1)
        truth = (
            targets if targets.ndim == 2 else torch.zeros_like(probability).scatter_(1, targets[:, None], 1.0)
        )
        with torch.autocast(logits.device.type, enabled=False):
            counts = torch.stack([(probability * truth).sum(0), probability.sum(0), truth.sum(0)])
        counts = summed(counts)
        self._floor = counts.detach()
        if not (self.training and self.history):
            return _macro_cost(counts)
        window = counts + self.past.sum(0)
        loss = _macro_cost(window)
        seen = self.batches.to(loss.dtype)
        with torch.no_grad():
            self.past.copy_(torch.cat([self.past[1:], counts.detach()[None].to(self.past)]))
            self.batches.add_(1).clamp_(max=self.history)
        return loss + seen * (loss - loss.detach())

    def reset(self) -> None:
        """Forget the batches seen."""
        self.past.zero_()
        self.batches.zero_()

    def floors(self) -> dict[str, float]:
        """The value that the last batch gives a head that answers the same for every image and class."""
        if self._floor is None:
            return {}
        truth = self._floor[2]
        blind = torch.stack([truth / self.num_classes, truth.sum() / self.num_classes + 0 * truth, truth])
        return {"uniform answer": float(_macro_cost(blind))}

    def extra_repr(self) -> str:
        return f"{self.num_classes}, history={self.history}"


def absent_class_floor(targets: Tensor | Sequence[int], num_classes: int) -> float:
    """Return 1 - present / C: what a soft F1 that scores absent classes 0 costs a perfect model.

    The least that such a loss, common in shared code, can reach on a batch with these `targets` (B,).
    """
    present = len(torch.unique(as_integers(targets, "targets", torch.device("cpu"))))
    return 1.0 - present / check_num_classes(num_classes)


def _macro_cost(counts: Tensor) -> Tensor:
    """1 - soft F1, averaged over the classes with targets, from (3, C): hits, predicted, true."""
    hits, predicted, true = counts
    present = true > 0
    score = 2 * hits / torch.where(present, predicted + true, 1.0)
    cost: Tensor = torch.where(present, 1 - score, 0.0).sum() / present.sum().clamp_min(1)
    return cost + 0.0 * counts.sum()  # an empty batch has a gradient too, and NaN does not hide
