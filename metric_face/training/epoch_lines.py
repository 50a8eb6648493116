"""What a training says of its epochs: how long one is, and a line after each where no bar shows it."""

import time
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar
from torch import Tensor

from metric_face.losses import ranks
from metric_face.plurals import counted
from metric_face.progress import Say, duration
from metric_face.training.callbacks import Deadline
from metric_face.training.checkpoints import Checkpoints
from metric_face.training.training_plan import TrainingPlan


def describe_epoch(plan: TrainingPlan) -> str:
    """The line that states how many images an epoch draws, and why, where that is not as many as there are."""
    batches, images = plan.sampler.epoch_batches(0), len(plan.train)
    steps = len(batches) // ranks()  # each process has a batch of a step
    line = (
        f"an epoch is {counted(steps, 'batches')} of {batches.size // steps} images: {batches.size:,} drawn"
    )
    share = batches.size / images
    if 0.9 <= share <= 1.1:
        return f"{line} from {images:,}"
    if share < 1:
        return f"{line} from {images:,}, {share:.2f} of them; the next ones draw others"
    return (
        f"{line} from {images:,}, {share:.2f} times as many: every image is seen, and a batch holds few of the common "
        "labels, so that rare ones come more often (sampler.batches=shuffled draws each image once)"
    )


class EpochLines(Callback):
    """Says one line after each epoch, for a log file or a caller: the mean loss of its batches, score, time left.

    Args:
        say: called with the line.
        checkpoints: know what the best is chosen by.
        deadline: ends the training in time.
    """

    def __init__(self, say: Say, checkpoints: Checkpoints, deadline: Deadline) -> None:
        self.say, self.checkpoints, self.deadline = say, checkpoints, deadline
        self._started, self._first = time.monotonic(), 0
        self._loss, self._batches = torch.zeros(()), 0  # the sum of the epoch's so far

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._started, self._first = time.monotonic(), trainer.current_epoch

    def on_train_batch_end(
        self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        loss: Tensor = outputs["loss"].detach().float()
        self._loss, self._batches = self._loss.to(loss.device) + loss, self._batches + 1

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        mean, batches = self._loss / max(1, self._batches), self._batches
        self._loss, self._batches = torch.zeros(()), 0
        if not trainer.is_global_zero:
            return
        done, total = trainer.current_epoch + 1, trainer.max_epochs or 0
        known, monitor = trainer.callback_metrics, self.checkpoints.monitor
        parts = [f"loss {float(mean):.3f}"] if batches else []
        if monitor in known:
            parts.append(f"{monitor} {float(known[monitor]):.3f}")
        spent = time.monotonic() - self._started
        left = spent / max(1, done - self._first) * (total - done)
        if self.deadline.seconds is not None:
            left = min(left, max(0.0, self.deadline.seconds - self.deadline.elapsed))
        if trainer.should_stop:
            parts.append("stops here")
        elif done < total:
            parts.append(f"{duration(left)} left")
        self.say(f"epoch {done} of {total}: {', '.join(parts)}")


class EpochBar(RichProgressBar):
    """Lightning's bar, with epochs counted from 1 as everywhere else."""

    def _get_train_description(self, current_epoch: int) -> str:
        total: Any = self.trainer.max_epochs
        return f"Epoch {current_epoch + 1} of {total}"
