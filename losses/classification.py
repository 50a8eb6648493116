"""Cross-entropies for imbalanced classes: smoothed, weighted, focal and logit-adjusted.

Targets are classes (B,), or the shares (B, C) that a mixed image has of each class; a share of 1 is the class itself.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metric_face.errors import ArgumentError

from .checks import check_num_classes, check_targets, check_weights


class CrossEntropy(nn.Module):
    """Cross-entropy whose number of classes, smoothing and weights are checked, never assumed.

    The mean over the batch of -sum_c q_c log softmax(logits)_c, where q puts 1 - `label_smoothing` on the
    target and spreads the rest evenly over all classes. With weights it is the weighted mean (weights of the
    batch's targets sum to 1). Works with any sampler. Arithmetic is float32 or better.

    Args:
        num_classes: C; logits of another width are refused.
        label_smoothing: in [0, 1).
        class_weights: (C,) such as `effective_number_weights`; None weighs alike.

    Reference:
        Szegedy et al.: Rethinking the Inception Architecture, CVPR 2016, section 7 (label smoothing).
    """

    class_weights: Tensor | None

    def __init__(
        self,
        num_classes: int,
        *,
        label_smoothing: float = 0.0,
        class_weights: Tensor | Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ArgumentError(f"label_smoothing must be in [0, 1), found {label_smoothing!r}")
        self.num_classes = check_num_classes(num_classes)
        self.label_smoothing = label_smoothing
        self.register_buffer("class_weights", check_weights(class_weights, num_classes))

    def forward(self, logits: Tensor, targets: Tensor | Sequence[int]) -> Tensor:
        """Return the loss () of logits (B, C) for targets (B,) or (B, C); an empty batch gives a zero with gradient."""
        logits, targets = check_targets(logits, targets, self.num_classes)
        if not len(logits):
            return logits.sum()
        weights = None if self.class_weights is None else self.class_weights.to(logits)
        if weights is None or targets.ndim == 1:
            return F.cross_entropy(logits, targets, weights, label_smoothing=self.label_smoothing)
        # torch divides by B here, and by the weights of the targets where these are classes
        smoothing = self.label_smoothing
        cost = F.cross_entropy(logits, targets, weights, reduction="sum", label_smoothing=smoothing)
        return cost / (targets * weights).sum()

    def floors(self) -> dict[str, float]:
        """The value of a head that answers the same for every image and class."""
        return {f"ln {self.num_classes}": float(torch.tensor(float(self.num_classes)).log())}

    def extra_repr(self) -> str:
        weighted = "given" if self.class_weights is not None else None
        return f"{self.num_classes}, label_smoothing={self.label_smoothing}, class_weights={weighted}"


class FocalLoss(nn.Module):
    """Cross-entropy that looks away from what is already right: mean of -(1 - p)^gamma log p.

    p is the softmax probability of the target; of shares the mean over them is taken. `gamma` 0 is cross-entropy.
    Works with any sampler. The gradient stays finite where p is 0 or 1. Arithmetic is float32 or better.

    Args:
        num_classes: C; logits of another width are refused.
        gamma: at least 0; 2 in the paper.
        class_weights: (C,) or None, the paper's alpha; with weights the weighted mean.

    Reference:
        Lin et al.: Focal Loss for Dense Object Detection, ICCV 2017, section 3.2 (there for two classes).
    """

    class_weights: Tensor | None

    def __init__(
        self,
        num_classes: int,
        *,
        gamma: float = 2.0,
        class_weights: Tensor | Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if not gamma >= 0:
            raise ArgumentError(f"gamma must be at least 0, found {gamma!r}")
        self.num_classes = check_num_classes(num_classes)
        self.gamma = gamma
        self.register_buffer("class_weights", check_weights(class_weights, num_classes))

    def forward(self, logits: Tensor, targets: Tensor | Sequence[int]) -> Tensor:
        """Return the loss () of logits (B, C) for targets (B,) or (B, C); an empty batch gives a zero with gradient."""
        logits, targets = check_targets(logits, targets, self.num_classes)
        if not len(logits):
            return logits.sum()
        log_p = F.log_softmax(logits, dim=1)
        if targets.ndim == 1:
            log_p = log_p.gather(1, targets[:, None]).squeeze(1)
        # expm1 keeps the small 1 - p exact; the clamp keeps the power's slope finite at 0 for gamma < 1
        miss = (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).tiny)
        cost = -(miss**self.gamma) * log_p
        if self.class_weights is None:
            return cost.mean() if targets.ndim == 1 else (targets * cost).sum(1).mean()
        weight = self.class_weights.to(cost.dtype)
        weight = weight[targets] if targets.ndim == 1 else weight * targets
        return (weight * cost).sum() / weight.sum()

    def floors(self) -> dict[str, float]:
        """The value of a head that answers the same for every image and class."""
        classes = torch.tensor(float(self.num_classes))
        value = (1 - 1 / classes) ** self.gamma * classes.log()
        return {f"(1 - 1/{self.num_classes})^gamma ln {self.num_classes}": float(value)}

    def extra_repr(self) -> str:
        weighted = "given" if self.class_weights is not None else None
        return f"{self.num_classes}, gamma={self.gamma}, class_weights={weighted}"


class LogitAdjustedCrossEntropy(nn.Module):
    """Cross-entropy of logits + tau log prior, so that the bare logits serve balanced classes.

    Minimizing it makes argmax of the *unadjusted* logits consistent for the balanced error, the mean of the
    per-class errors. The prior must be that of the batches the model is trained on, and is therefore an
    explicit choice: with a shuffled loader that of the training set, under P x K sampling **the sampler's**,
    whatever the data set's is (equal for each label if the sampler draws labels evenly; then this loss is
    plain cross-entropy). `class_prior` counts either from the labels really drawn.

    Args:
        prior: (C,) probabilities or counts, all above 0; normalized to sum to 1.
        tau: strength; 1 is the consistent choice, 0 is cross-entropy.

    Raises:
        ArgumentError: if a class has no mass: the model cannot be adjusted for what it never sees.

    Reference:
        Menon et al.: Long-tail Learning via Logit Adjustment, ICLR 2021, "logit adjusted softmax
        cross-entropy"; `adjust_logits` is its "post-hoc logit adjustment".
    """

    prior: Tensor

    def __init__(self, prior: Tensor | Sequence[float], tau: float = 1.0) -> None:
        super().__init__()
        if not tau >= 0:
            raise ArgumentError(f"tau must be at least 0, found {tau!r}")
        mass = torch.as_tensor(prior, dtype=torch.float64)
        if mass.ndim != 1 or len(mass) < 2:
            raise ArgumentError(
                f"prior must hold one value for each of 2 or more classes, found {tuple(mass.shape)}"
            )
        if not bool((mass > 0).all()) or not bool(torch.isfinite(mass).all()):
            bad = int((~((mass > 0) & torch.isfinite(mass))).nonzero()[0])
            raise ArgumentError(
                f"prior must be above 0 for every class, found {float(mass[bad])} for class {bad}: "
                "drop the class or use class_prior(..., smoothing=1)"
            )
        self.tau = tau
        self.register_buffer("prior", (mass / mass.sum()).float())

    @property
    def num_classes(self) -> int:
        """C, the length of the prior."""
        return len(self.prior)

    def forward(self, logits: Tensor, targets: Tensor | Sequence[int]) -> Tensor:
        """Return the loss () of logits (B, C) for targets (B,) or (B, C); an empty batch gives a zero with gradient."""
        logits, targets = check_targets(logits, targets, self.num_classes)
        if not len(logits):
            return logits.sum()
        return F.cross_entropy(logits + self.tau * self.prior.log(), targets)

    def extra_repr(self) -> str:
        return f"num_classes={self.num_classes}, tau={self.tau}"


def adjust_logits(logits: Tensor, prior: Tensor | Sequence[float], tau: float = 1.0) -> Tensor:
    """Return logits - tau log prior: the post-hoc form, for a model trained with plain cross-entropy.

    Args:
        logits: (B, C) or (..., C).
        prior: (C,) the prior that the model was trained under, all above 0.
        tau: strength; 1 is the consistent choice.

    Reference:
        Menon et al.: Long-tail Learning via Logit Adjustment, ICLR 2021, "post-hoc logit adjustment".
    """
    adjusted = LogitAdjustedCrossEntropy(prior, tau)
    if logits.shape[-1] != adjusted.num_classes:
        raise ArgumentError(
            f"prior must have one value per class: {logits.shape[-1]} logits, {adjusted.num_classes} values"
        )
    return logits - tau * adjusted.prior.log().to(logits)
