"""The Lightning module: one training step, one validation, and what is logged of both."""

import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor

from metric_face.batches import METRIC
from metric_face.config import Config
from metric_face.data import LabelSpace
from metric_face.errors import TrainingError
from metric_face.features import recall_at_1
from metric_face.losses import JointLoss, pcgrad_backward, ranks
from metric_face.metrics import macro_f1
from metric_face.models import EmbeddingModel
from metric_face.training.mixing import BatchMixing, is_mixed
from metric_face.training.objective import (
    INPUTS,
    TEACHER,
    mean_output,
    mirror_of,
    objective_inputs,
    output_of,
    over_all_ranks,
)
from metric_face.training.parameters import hold_statistics, parameter_groups
from metric_face.training.process_group import from_each
from metric_face.training.schedule import learning_rate_factor
from metric_face.training.shared_norm import SharedBatchNorm, has_batch_norm
from metric_face.training.step_log import StepLog


class TrainingModule(L.LightningModule):
    """Trains an :class:`EmbeddingModel` with a joint loss.

    Args:
        model: to train.
        objective: the joint loss; its own parameters are trained and checkpointed too.
        config: of the run.
        space: the attributes, or None.
        deadline: share of the allowed time that has passed, 0 to 1; 0 where there is no limit.
        log_every: steps between two rows of the log.
        network: what training steps call for the model, such as its compiled forward pass; by default the model.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        objective: JointLoss,
        config: Config,
        space: LabelSpace | None,
        deadline: Callable[[], float] = lambda: 0.0,
        log_every: int = 10,
        network: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.objective = objective
        self.config = config
        self.space = space
        self.deadline = deadline
        self.log_every = log_every
        self.network = network
        self._seen: list[dict[str, Tensor]] = []
        self._epoch_started = time.monotonic()
        self._images = 0
        self._terms: dict[str, Tensor] = {}
        self.mixing = BatchMixing.of(config)
        self._step_log = StepLog(objective, self.mixing is not None)
        self.mixed_last = False

    def configure_optimizers(self) -> Any:
        """AdamW; weight decay on matrices only; linear warm-up, then a cosine over steps or time, whichever leads."""
        wanted = self.config.optimizer
        optimizer = torch.optim.AdamW(parameter_groups(self, wanted), lr=wanted.lr)
        steps = max(1, int(self.trainer.estimated_stepping_batches))

        def factor(step: int) -> float:
            return learning_rate_factor(
                max(step / steps, self.deadline()), wanted.warmup, wanted.final, 1 / steps
            )

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        """The joint loss of a batch; of several processes each has the loss of all their images."""
        if self.mixing is not None:
            batch = dict(self.mixing(batch, self.objective.step, self.model.widths[1]))
        self.mixed_last = is_mixed(batch)
        with SharedBatchNorm() if ranks() > 1 and has_batch_norm(self.model) else nullcontext():
            output = output_of(self.network or self.model, batch)
        output, labels = over_all_ranks(output, batch, embedding=TEACHER in self.objective.terms)
        images = len(labels["index"])
        result = self.objective(objective_inputs(self.objective, output, labels))
        self._images += images
        for name, value in self._step_log.values(result, self.mixed_last).items():
            self.log(name, value, prog_bar=name == "loss", batch_size=images)
        self._terms = {name: term.weighted for name, term in result.terms.items()}
        total: Tensor = result.total
        return total

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """The usual pass; or, with surgery, one for the metric loss and one for the others, without what is opposed."""
        if self.config.loss.surgery == "none" or METRIC not in self._terms or len(self._terms) < 2:
            super().backward(loss, *args, **kwargs)
            return
        scale = (
            loss.detach() / torch.stack([*self._terms.values()]).sum().detach()
        )  # Lightning divides by accumulated batches
        metric, *others = self._terms.values()  # build_objective puts the metric loss first
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        pcgrad_backward([scale * metric, scale * torch.stack(others).sum()], trained)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Stop where the loss or a gradient is not finite, before the weights are.

        Raises:
            TrainingError: names the step, and what is not finite.
        """
        gradients = {
            name: parameter.grad for name, parameter in self.named_parameters() if parameter.grad is not None
        }
        lengths = torch._foreach_norm(list(gradients.values()))
        whole = torch.stack(
            [
                *(length.float() for length in lengths),
                *(term.detach().float() for term in self._terms.values()),
            ]
        )
        if bool(whole.isfinite().all()):
            return
        broken = [
            name for name, length in zip(gradients, lengths, strict=True) if not bool(length.isfinite())
        ]
        losses_finite = all(bool(term.isfinite().all()) for term in self._terms.values())
        what = f"the gradient of {broken[0]}" if losses_finite else "the loss"
        batch = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
        raise TrainingError(
            f"training broke in epoch {self.current_epoch + 1}, batch {batch}: {what} is not finite; train anew with "
            f"a lower optimizer.lr (it is {self.config.optimizer.lr:g}) or trainer.precision=fp32"
        )

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        """Frozen batch-norm statistics stay, whatever put the network into training mode since the last batch."""
        if self.config.model.batch_norm == "frozen":
            hold_statistics(self.model.backbone)

    def on_train_epoch_start(self) -> None:
        self._epoch_started, self._images = time.monotonic(), 0
        self.trainer.train_dataloader.dataset.set_epoch(self.current_epoch)  # type: ignore[union-attr]

    def on_train_epoch_end(self) -> None:
        self.log("images_per_second", self._images / (time.monotonic() - self._epoch_started))
        self.log("batches", float(self.trainer.fit_loop.epoch_loop.batch_progress.current.completed))
        self.log("batches_promised", float(self.trainer.num_training_batches))
        for floor in self.objective.at_floor():
            self.log(f"at_floor/{floor.term}", floor.value)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """One step; now and then with what it really did: the learning rate applied, |update| / |weight|."""
        if (self.trainer.global_step + 1) % self.log_every:  # Lightning writes a row after these
            super().optimizer_step(*args, **kwargs)
            return
        optimizer = self.trainer.optimizers[0]
        applied = float(optimizer.param_groups[0]["lr"])
        weights = [p for p in self.model.parameters() if p.requires_grad]
        before = [p.detach().clone() for p in weights]
        super().optimizer_step(*args, **kwargs)
        moved = torch.stack(
            [(p.detach() - old).norm() for p, old in zip(weights, before, strict=True)]
        ).norm()
        size = torch.stack([old.norm() for old in before]).norm()
        self.log_dict({"lr": applied, "update_ratio": float(moved / size.clamp_min(1e-12))})

    def validation_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        """Keep the outputs of a batch; scores are computed on the whole set."""
        output = output_of(self.model, batch)
        if self.config.model.tta == "flip":
            output = mean_output(output, output_of(self.model, mirror_of(batch)))
        outputs = {f"logits/{name}": value.float().cpu() for name, value in output.logits.items()}
        kept = {name: value.cpu() for name, value in batch.items() if name not in INPUTS}
        self._seen.append(outputs | kept | {"embedding": output.embedding.float().cpu()})

    def on_validation_epoch_end(self) -> None:
        """Macro F1 of the heads, per attribute and joint; recall@1 of the embedding by the metric label."""
        whole = self._whole_set()
        scores: dict[str, float] = {}
        if whole and not self.trainer.sanity_checking:
            scores = self._f1(whole) | _recall(whole)
        for name, value in scores.items():
            self.log(name, value, prog_bar=name in ("val/macro_f1", "val/recall@1"))

    @torch.no_grad()
    def score(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """The scores of the model as it is, on the whole validation set, outside a training."""
        training = self.training
        self.eval()
        for number, batch in enumerate(batches):
            self.validation_step(batch, number)
        self.train(training)
        whole = self._whole_set()
        return self._f1(whole) | _recall(whole)

    def _whole_set(self) -> dict[str, np.ndarray]:
        """The validation set as all ranks together have seen it, each image once, by row."""
        seen, self._seen = self._seen, []
        mine = {name: torch.cat([batch[name] for batch in seen]) for name in (seen[0] if seen else ())}
        shares = [share for share in from_each(mine) if share]
        if not shares:
            return {}
        whole = {name: torch.cat([share[name] for share in shares]).numpy() for name in shares[0]}
        _, first = np.unique(whole["index"], return_index=True)
        return {name: values[first] for name, values in whole.items()}

    def _f1(self, whole: dict[str, np.ndarray]) -> dict[str, float]:
        if self.space is None or not self.model.head_names:
            return {}
        predicted = self.space.head_classes({name: whole[f"logits/{name}"] for name in self.model.head_names})
        true = {name: whole[name] for name in self.space.names}
        scores = {
            f"val/macro_f1/{name}": macro_f1(true[name], predicted[name], self.space[name].num_classes)
            for name in self.space.names
        }
        joint = macro_f1(self.space.joint(true), self.space.joint(predicted), self.space.num_classes)
        return scores | {"val/macro_f1": joint}


def _recall(whole: dict[str, np.ndarray]) -> dict[str, float]:
    """Recall@1 by the metric label, of the images that share it with another one."""
    if METRIC not in whole:
        return {}
    recall = recall_at_1(whole["embedding"], whole[METRIC])
    return {} if recall is None else {"val/recall@1": recall}
