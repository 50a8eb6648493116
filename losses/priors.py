"""Class priors and class weights from the frequencies of the classes."""

from collections.abc import Sequence

import torch
from torch import Tensor

from metric_face.errors import ArgumentError

from .checks import as_integers, check_logits, check_num_classes


def class_prior(labels: Tensor | Sequence[int], num_classes: int, *, smoothing: float = 0.0) -> Tensor:
    """Return the share (C,) of each class among `labels` (N,).

    For the prior of a sampler hand over the labels it draws: ``labels[[i for batch in sampler for i in batch]]``.

    Args:
        labels: (N,) integers in 0..C-1, with repetitions where images are drawn again.
        num_classes: C.
        smoothing: added to each count, so that an unseen class keeps some mass.
    """
    device = labels.device if isinstance(labels, Tensor) else torch.device("cpu")
    classes = as_integers(labels, "labels", device)
    check_logits(
        torch.zeros(1, num_classes, device=device).expand(len(classes), -1),
        classes,
        check_num_classes(num_classes),
    )
    counts = torch.bincount(classes.cpu(), minlength=num_classes).float() + smoothing
    return counts / counts.sum().clamp_min(torch.finfo(counts.dtype).tiny)


def effective_number_weights(counts: Tensor | Sequence[float], beta: float = 0.999) -> Tensor:
    """Return class weights (C,) of mean 1, inverse to the effective number (1 - beta^n) / (1 - beta).

    Args:
        counts: (C,) images per class, each at least 1.
        beta: in [0, 1); 0 weighs alike, towards 1 the weights approach 1 / n.

    Reference:
        Cui et al.: Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019, sections 3 and 4.
    """
    images = torch.as_tensor(counts, dtype=torch.float64)
    if not 0 <= beta < 1:
        raise ArgumentError(f"beta must be in [0, 1), found {beta!r}")
    if images.ndim != 1 or not len(images) or not bool((images >= 1).all()):
        raise ArgumentError(
            "counts must be a row of at least one image per class, found a class without: drop it"
        )
    weights = (1 - beta) / (1 - beta**images)
    return (weights / weights.mean()).float()
