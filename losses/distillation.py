"""Losses towards what a teacher made of the same images: its embedding, and its logits."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metric_face.errors import ArgumentError


class EmbeddingDistillation(nn.Module):
    """1 - cosine between an embedding and the teacher's of the same image; the mean over the batch.

    Where the teacher's embedding has other dimensions, a linear projection is learned beside; it is not part of the
    model. Arithmetic is float32 or better.

    Args:
        targets: (N, T) the teacher's embeddings of the N training images; they are not part of the state dict.
        embedding_size: D of the embeddings that come.

    Reference:
        Romero et al.: FitNets, ICLR 2015 (hints through a learned projection).
    """

    targets: Tensor

    def __init__(self, targets: Tensor, embedding_size: int) -> None:
        super().__init__()
        _check_table(targets)
        self.register_buffer("targets", F.normalize(targets.float(), dim=1), persistent=False)
        same = embedding_size == targets.shape[1]
        self.projection: nn.Module = (
            nn.Identity() if same else nn.Linear(embedding_size, targets.shape[1], bias=False)
        )

    def forward(self, embeddings: Tensor, rows: Tensor) -> Tensor:
        """Return the loss () of embeddings (B, D) of the training images ``rows`` (B,)."""
        wanted = self.targets[rows]
        if not len(rows):
            return embeddings.sum()
        with torch.autocast(embeddings.device.type, enabled=False):
            found = self.projection(embeddings.to(torch.promote_types(embeddings.dtype, torch.float32)))
            return (1 - F.cosine_similarity(found, wanted.to(found.dtype), dim=1)).mean()


class LogitDistillation(nn.Module):
    """T^2 KL(teacher || student) of softmax(logits / T); the mean over the batch, in float32 or better.

    Args:
        targets: (N, C) the teacher's logits of the N training images; they are not part of the state dict.
        temperature: T, above 0.

    Reference:
        Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015.
    """

    targets: Tensor

    def __init__(self, targets: Tensor, temperature: float = 2.0) -> None:
        super().__init__()
        _check_table(targets)
        if not temperature > 0:
            raise ArgumentError(f"temperature must be above 0, found {temperature!r}")
        self.temperature = temperature
        self.register_buffer("targets", targets.float(), persistent=False)

    def forward(self, logits: Tensor, rows: Tensor) -> Tensor:
        """Return the loss () of logits (B, C) of the training images ``rows`` (B,)."""
        if logits.shape[1:] != self.targets.shape[1:]:
            raise ArgumentError(
                f"logits must be (B, {self.targets.shape[1]}) as the teacher's, found {tuple(logits.shape)}"
            )
        if not len(rows):
            return logits.sum()
        wide = logits.to(torch.promote_types(logits.dtype, torch.float32)) / self.temperature
        wanted = (self.targets[rows].to(wide.dtype) / self.temperature).log_softmax(dim=1)
        divergence = F.kl_div(wide.log_softmax(dim=1), wanted, reduction="batchmean", log_target=True)
        return self.temperature**2 * divergence


def _check_table(targets: Tensor) -> None:
    if targets.ndim != 2 or not targets.numel():
        raise ArgumentError(f"targets must be (N, C) with N and C at least 1, found {tuple(targets.shape)}")
    if not bool(targets.isfinite().all()):
        raise ArgumentError("targets must be finite, found NaN or infinity; the teacher is broken")
