"""RetrievalCallback: recall, MAP@R and R-precision of the validation images, in the loop of any Lightning module."""

from collections.abc import Callable
from typing import Any

import lightning as L
import torch
from torch import Tensor

from metric_face.errors import ArgumentError
from metric_face.metrics import MAX_QUERIES, retrieval_metrics

Embed = Callable[[Any, Any], tuple[Tensor, Any]]


class RetrievalCallback(L.Callback):
    """Logs ``retrieval/recall@1``, ``retrieval/recall@5``, ``retrieval/r_precision`` and ``retrieval/map_at_r``.

    Measured at the end of every validation on the images of all its batches. In one process: of several, each would
    see its own share.

    Args:
        embed: from (module, batch) to (B, D) embeddings and (B,) labels; called without gradients, in evaluation mode.
        max_queries: images that ask; more are drawn.
    """

    def __init__(self, embed: Embed, max_queries: int = MAX_QUERIES) -> None:
        self.embed, self.max_queries = embed, max_queries
        self._vectors: list[Tensor] = []
        self._labels: list[Tensor] = []

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._vectors, self._labels = [], []

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        with torch.no_grad():
            vectors, labels = self.embed(pl_module, batch)
        if len(vectors) != len(labels):
            raise ArgumentError(
                f"embed must return one label for each embedding, found {len(labels)} for {len(vectors)}"
            )
        self._vectors.append(vectors.detach().float().cpu())
        self._labels.append(torch.as_tensor(labels).cpu())

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not self._vectors or trainer.sanity_checking:
            return
        found = retrieval_metrics(torch.cat(self._vectors), torch.cat(self._labels), queries=self.max_queries)
        scores = {f"recall@{k}": value for k, value in found.recall.items()}
        scores |= {"r_precision": found.r_precision, "map_at_r": found.map_at_r}
        pl_module.log_dict({f"retrieval/{name}": float(value) for name, value in scores.items()})
