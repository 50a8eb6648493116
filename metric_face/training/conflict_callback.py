"""A callback that measures, while a model trains, whether its losses pull against each other."""

from collections.abc import Collection, Mapping
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from metric_face.batches import METRIC
from metric_face.losses import (
    ConflictRecord,
    GradientConflict,
    JointLoss,
    probe_embeddings,
    probe_parameters,
    untouched,
)
from metric_face.models import EmbeddingModel, ModelOutput
from metric_face.training.objective import INPUTS, objective_inputs, output_of, over_all_ranks


class ConflictCallback(Callback):
    """Writes the angle between the metric loss and the heads' losses to the log.

    Every `every` steps the two gradients are compared at what the metric loss sees, the last place that both
    pass, from the step's own features and the heads just after it: no pass through the backbone. Every
    `shared_every` steps they are compared at the last shared weights too, which takes one forward pass. Model,
    losses and random generators are left as they were. At the end of an epoch the estimates over the last `keep`
    probes are logged as
    ``conflict/kappa``, ``conflict/low``, ``conflict/high``, ``conflict/raw``, ``conflict/tangential``,
    ``conflict/radial``, ``conflict/shared``, ``conflict/magnitude_similarity``, ``conflict/reliability_metric``,
    ``conflict/reliability_heads`` and ``conflict/probes``; an estimate that abstains is left out.

    Of several processes each compares the losses of all their images.

    It is idle where one of the two sides has no term. A triplet loss needs K >= 4 images of a label in a
    batch, for half a batch to hold a triplet.

    Args:
        every: steps between probes at the embedding; 0 is never.
        shared_every: steps between probes at the shared weights, a multiple of `every`; 0 is never.
        keep: number of last probes that an estimate is made from.
        least_probes: with fewer the estimates abstain.
        one_side: names of the terms whose sum is compared with that of all others.
        labels: the batch's column whose images are assigned to two halves.
    """

    def __init__(
        self,
        every: int = 1,
        shared_every: int = 50,
        *,
        keep: int = 1000,
        least_probes: int = 200,
        one_side: Collection[str] = (METRIC,),
        labels: str = METRIC,
    ) -> None:
        self.every = every
        self.shared_every = shared_every
        self.least_probes = least_probes
        self.one_side = frozenset(one_side)
        self.labels = labels
        self.record = ConflictRecord(keep)
        self._features: Tensor | None = None
        self._hook: Any = None
        self._step = 0

    def estimate(self) -> GradientConflict:
        """The angles over the probes kept."""
        return self.record.estimate(least_probes=self.least_probes)

    def on_train_batch_start(
        self, trainer: L.Trainer, module: L.LightningModule, batch: Any, batch_index: int
    ) -> None:
        model: EmbeddingModel = module.model  # type: ignore[assignment]
        objective: JointLoss = module.objective  # type: ignore[assignment]
        names = objective.terms.keys()
        self._step = trainer.global_step
        if names & self.one_side and names - self.one_side and _due(self._step, self.every):
            self._hook = model.register_forward_hook(torch.compiler.disable(self._keep_features))  # type: ignore[no-untyped-call]

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        module: L.LightningModule,
        outputs: Any,
        batch: Mapping[str, Tensor],
        batch_index: int,
    ) -> None:
        features, self._features = self._features, None
        mixed = getattr(module, "mixed_last", False)  # of a mixed batch there is no metric loss
        if features is None or mixed:
            return
        model: EmbeddingModel = module.model  # type: ignore[assignment]
        objective: JointLoss = module.objective  # type: ignore[assignment]
        seen, batch = over_all_ranks(ModelOutput(features, features, {}), batch)
        features = seen.metric
        sides = _Sides(model, objective, batch, self.one_side)
        labels, images = batch[self.labels], batch["index"]
        past_backbone = (model.neck, model.dropout, model.heads)
        with untouched(*past_backbone, objective):
            self.record.add(probe_embeddings(sides.one, sides.other, features, labels, images))
        if _due(self._step, self.shared_every):
            with untouched(model, objective), trainer.precision_plugin.forward_context():
                points = output_of(model, batch).metric
                weights = model.last_shared_parameters()
                self.record.add(probe_parameters(sides.one, sides.other, points, labels, weights, images))

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        found = self.estimate().components
        if not found:
            return
        row: dict[str, float] = {f"conflict/{k}": v.kappa for k, v in found.items() if k != "whole"}
        whole = found["whole"]
        row |= {
            "conflict/kappa": whole.kappa,
            "conflict/low": whole.low,
            "conflict/high": whole.high,
            "conflict/raw": whole.raw,
            "conflict/magnitude_similarity": whole.magnitude_similarity,
            "conflict/reliability_metric": whole.reliability_a,
            "conflict/reliability_heads": whole.reliability_b,
            "conflict/probes": float(whole.probes),
        }
        module.log_dict({name: value for name, value in row.items() if value == value})

    def state_dict(self) -> dict[str, Any]:
        return {"record": self.record.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.record.load_state_dict(state_dict["record"])

    def _keep_features(self, model: torch.nn.Module, images: Any, output: ModelOutput) -> None:
        self._features = output.metric.detach()
        self._hook.remove()


class _Sides:
    """The two losses of a subset of a batch, weighted as at this step, from the features that the metric loss sees."""

    def __init__(
        self,
        model: EmbeddingModel,
        objective: JointLoss,
        batch: Mapping[str, Tensor],
        one_side: Collection[str],
    ) -> None:
        self.model = model
        self.objective = objective
        self.columns = {name: value for name, value in batch.items() if name not in INPUTS}
        self.names = [name for name in objective.terms if name in one_side]
        self.other_names = [name for name in objective.terms if name not in one_side]

    def one(self, points: Tensor, rows: Tensor) -> Tensor:
        """The sum of the terms of one side."""
        return self._sum(points, rows, self.names)

    def other(self, points: Tensor, rows: Tensor) -> Tensor:
        """The sum of all others."""
        return self._sum(points, rows, self.other_names)

    def _sum(self, points: Tensor, rows: Tensor, names: Collection[str]) -> Tensor:
        selected = {name: column[rows] for name, column in self.columns.items()}
        inputs = objective_inputs(self.objective, self.model.read(points), selected)
        weights = self.objective.weights()
        return torch.stack(
            [weights[name] * self.objective.losses[name](*(inputs[name] or ())) for name in names]
        ).sum()


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
