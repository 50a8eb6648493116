"""Are logits, targets, classes and weights what a classification loss needs?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from metric_face.arrays import column_of
from metric_face.errors import ArgumentError


def as_integers(values: Any, name: str, device: torch.device) -> Tensor:
    """Return labels of any form as int64 on a device.

    Args:
        values: (B,) integers: a list, an array, a pandas column or frame of one, or a tensor.
        name: the parameter's name, for the error.
        device: where the embeddings or logits are.

    Raises:
        ArgumentError: if they are no integers, or have no one shape.
    """
    if isinstance(values, Tensor):
        if values.is_floating_point() or values.is_complex():
            raise ArgumentError(
                f"{name} must be integers (floats merge large ids), found {values.dtype}: use .long()"
            )
        return values.detach().to(device, torch.int64)
    try:
        array = column_of(values) if hasattr(values, "columns") else np.asarray(values)
    except (ValueError, TypeError, RuntimeError):
        array = np.empty((), dtype=object)
    if array.dtype.kind not in "iub" and array.size:
        raise ArgumentError(
            f"{name} must be integers in a list, an array or a tensor, found {type(values).__name__} of "
            f"{array.dtype}: number them first"
        )
    if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise ArgumentError(f"{name} must be below 2^63, found {array.max()}: number them first")
    return torch.from_numpy(array.astype(np.int64)).to(device)


def check_tensor(values: Any, name: str, shape: str) -> Tensor:
    """Return a floating-point tensor, or raise: anything else has no gradient to give back."""
    if not isinstance(values, Tensor) or not values.is_floating_point():
        found = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise ArgumentError(
            f"{name} must be floating point of shape {shape}, a torch tensor, found {found}"
            + (f" of shape {tuple(values.shape)}" if isinstance(values, Tensor) else "")
        )
    return values


def check_batch(embeddings: Any, labels: Any, indices: Any) -> tuple[Tensor, Tensor | None]:
    """Return labels (B,) and indices (B,) of embeddings (B, D) as int64; raise if they do not fit."""
    points = check_tensor(embeddings, "embeddings", "(B, D)")
    if points.ndim != 2:
        raise ArgumentError(
            f"embeddings must be floating point of shape (B, D), found {points.dtype} of shape {tuple(points.shape)}"
        )
    rows = [
        None if values is None else as_integers(values, name, points.device)
        for name, values in (("labels", labels), ("indices", indices))
    ]
    for name, row in zip(("labels", "indices"), rows, strict=True):
        if row is not None and row.shape != points.shape[:1]:
            raise ArgumentError(
                f"{name} must have one entry per embedding, shape ({len(points)},), found {tuple(row.shape)}"
            )
    if rows[0] is None:
        raise ArgumentError("labels must be integers, one per embedding, found None")
    return rows[0], rows[1]


def check_logits(logits: Any, targets: Any, num_classes: int) -> tuple[Tensor, Tensor]:
    """Return `logits` (B, C) as float32 or better and `targets` (B,) as int64; raise if they do not fit."""
    logits = check_tensor(logits, "logits", f"(B, {num_classes})")
    if logits.ndim != 2 or logits.shape[1] != num_classes:
        raise ArgumentError(
            f"logits must be of shape (B, {num_classes}), one column per class, found {tuple(logits.shape)}: "
            "does num_classes match the head?"
        )
    if isinstance(targets, Tensor) and targets.is_floating_point():
        raise ArgumentError(
            f"targets must be integer classes of shape ({len(logits)},), found {targets.dtype} "
            f"of shape {tuple(targets.shape)}"
        )
    on_cpu = not isinstance(targets, Tensor) or targets.device.type == "cpu"
    classes = as_integers(targets, "targets", logits.device)
    if classes.shape != logits.shape[:1]:
        raise ArgumentError(
            f"targets must be integer classes of shape ({len(logits)},), found {classes.dtype} "
            f"of shape {tuple(classes.shape)}"
        )
    if on_cpu and len(classes):  # elsewhere a look would stall the device, and it asserts
        low, high = int(classes.min()), int(classes.max())
        if low < 0 or high >= num_classes:
            raise ArgumentError(
                f"targets must lie in 0..{num_classes - 1}, found {low if low < 0 else high}: "
                "drop unlabeled rows or correct num_classes"
            )
    return logits if logits.dtype == torch.float64 else logits.float(), classes


def check_targets(logits: Any, targets: Any, num_classes: int) -> tuple[Tensor, Tensor]:
    """Return `logits` (B, C) as `check_logits` does, and `targets` as classes (B,) int64 or shares (B, C) like them.

    Shares are what a mixed image has of each class; each row is at least 0 and sums to 1.
    """
    if not (isinstance(targets, Tensor) and targets.is_floating_point() and targets.ndim == 2):
        return check_logits(logits, targets, num_classes)
    items = len(targets) if not isinstance(logits, Tensor) else len(logits)
    logits, _ = check_logits(logits, torch.zeros(items, dtype=torch.int64), num_classes)
    if targets.shape != logits.shape:
        raise ArgumentError(
            f"targets must be classes (B,) or shares of shape {tuple(logits.shape)}, found {tuple(targets.shape)}"
        )
    if targets.device.type == "cpu" and len(targets):  # as in check_logits
        off = (targets.sum(1) - 1).abs()
        if bool((targets < 0).any()) or not bool((off <= 1e-2).all()):
            bad = int(((targets < 0).any(1) | ~(off <= 1e-2)).nonzero()[0])
            raise ArgumentError(
                f"targets must be shares of at least 0 that sum to 1, found {targets[bad].tolist()} in row {bad}"
            )
    return logits, targets.detach().to(logits)


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
