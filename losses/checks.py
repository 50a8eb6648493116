"""Are logits, targets, classes and weights what a classification loss needs?"""

from collections.abc import Sequence

import torch
from torch import Tensor

from metric_face.errors import ArgumentError


def check_logits(logits: Tensor, targets: Tensor, num_classes: int) -> Tensor:
    """Return `logits` (B, C) as float32 or better; raise if they and `targets` (B,) do not fit."""
    if logits.ndim != 2 or logits.shape[1] != num_classes:
        raise ArgumentError(
            f"logits must be of shape (B, {num_classes}), one column per class, found {tuple(logits.shape)}: "
            "does num_classes match the head?"
        )
    if targets.shape != logits.shape[:1] or targets.is_floating_point():
        raise ArgumentError(
            f"targets must be integer classes of shape ({len(logits)},), found {targets.dtype} "
            f"of shape {tuple(targets.shape)}"
        )
    if targets.device.type == "cpu" and len(
        targets
    ):  # elsewhere a look would stall the device, and it asserts
        low, high = int(targets.min()), int(targets.max())
        if low < 0 or high >= num_classes:
            raise ArgumentError(
                f"targets must lie in 0..{num_classes - 1}, found {low if low < 0 else high}: "
                "drop unlabelled rows or correct num_classes"
            )
    return logits if logits.dtype == torch.float64 else logits.float()


def check_num_classes(num_classes: int) -> int:
    """Return `num_classes`, or raise if it is no integer of at least 2."""
    if not isinstance(num_classes, int) or isinstance(num_classes, bool) or num_classes < 2:
        raise ArgumentError(f"num_classes must be an integer of at least 2, found {num_classes!r}")
    return num_classes


def check_weights(weights: Tensor | Sequence[float] | None, num_classes: int) -> Tensor | None:
    """Return class weights (C,) as float32, or None; raise if they are not positive or not C."""
    if weights is None:
        return None
    row = torch.as_tensor(weights, dtype=torch.float32)
    if row.shape != (num_classes,) or not bool((row > 0).all()) or not bool(torch.isfinite(row).all()):
        raise ArgumentError(
            f"class_weights must be {num_classes} finite numbers above 0, found {row.tolist()}"
        )
    return row
