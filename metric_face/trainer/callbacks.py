"""What happens around the steps of a training: the deadline, Ctrl-C, and a checkpoint that resumes exactly."""

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback


class Deadline(Callback):
    """Ends the training in time for one more validation and the export.

    Args:
        seconds: wall time allowed, earlier parts of a resumed run included; None is no limit.
        reserve: share of it kept for what follows the last step, beside the time that a validation took.
    """

    def __init__(self, seconds: float | None, reserve: float = 0.03) -> None:
        self.seconds = seconds
        self.reserve = reserve
        self._before = 0.0
        self._started = time.monotonic()
        self._validating = 0.0
        self._longest_validation = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds trained so far, earlier parts included."""
        return self._before + time.monotonic() - self._started

    def share_used(self) -> float:
        """Share of the allowed time that has passed; 0 where there is no limit."""
        if self.seconds is None:
            return 0.0
        return self.elapsed / max(1e-9, self.seconds * (1 - self.reserve) - self._longest_validation)

    def on_validation_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._validating = time.monotonic()

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._longest_validation = max(self._longest_validation, time.monotonic() - self._validating)

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        if self.seconds is not None:
            # One clock decides for all ranks, or some would wait for others forever.
            trainer.should_stop = trainer.strategy.broadcast(trainer.should_stop or self.share_used() >= 1)

    def state_dict(self) -> dict[str, Any]:
        return {"elapsed": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._before, self._started = float(state_dict["elapsed"]), time.monotonic()


class GracefulInterrupt(Callback):
    """The first Ctrl-C ends the training after its batch, with validation and checkpoints; the second at once."""

    def __init__(self) -> None:
        self.interrupted = False
        self._previous: Any = None
        self._trainer: L.Trainer | None = None

    def on_fit_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._trainer = trainer
        try:
            self._previous = signal.signal(signal.SIGINT, self._stop)
        except ValueError:  # not in the main thread, where Python allows no handler
            self._previous = None

    def teardown(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        if self._trainer is not None:
            self._trainer.should_stop = True


class LastCheckpoint(Callback):
    """Writes ``last.ckpt``, from which a run goes on exactly: after each epoch, every ten minutes, and when stopped.

    Kept beside what Lightning keeps: where the sampler stood, counted in batches that the model has seen (workers
    fetch ahead), and the random state.

    Args:
        file: where to write.
        sampler: the batch sampler, with ``state_dict(consumed=...)`` and ``load_state_dict``.
        dataset: of training, with ``set_epoch``.
        every: seconds between two checkpoints inside an epoch.
    """

    def __init__(self, file: Path, sampler: Any, dataset: Any, every: float = 600.0) -> None:
        self.file = file
        self.sampler = sampler
        self.dataset = dataset
        self.every = every
        self._saved = time.monotonic()
        self._stopped_inside = False
        self._random_state: torch.Tensor | None = None

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any) -> None:
        if self._random_state is not None:
            torch.set_rng_state(self._random_state)
            self._random_state = None

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        progress = trainer.fit_loop.epoch_loop.batch_progress
        due = trainer.should_stop or time.monotonic() - self._saved > self.every
        if trainer.strategy.broadcast(due) and not progress.is_last_batch:
            self._stopped_inside = trainer.should_stop
            self._save(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        # A stop inside an epoch passes here too; Lightning would then take the epoch for finished.
        if not self._stopped_inside:
            self._save(trainer)

    def _save(self, trainer: L.Trainer) -> None:
        trainer.save_checkpoint(self.file)
        self._saved = time.monotonic()

    def on_save_checkpoint(
        self, trainer: L.Trainer, module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        consumed = trainer.fit_loop.epoch_loop.batch_progress.current.ready
        checkpoint["metric_face"] = {
            "sampler": self.sampler.state_dict(consumed=consumed),
            "rng": torch.get_rng_state(),
        }

    def on_load_checkpoint(
        self, trainer: L.Trainer, module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self.sampler.load_state_dict(checkpoint["metric_face"]["sampler"])
        # Batches are fetched before the epoch's first hook runs.
        self.dataset.set_epoch(self.sampler.epoch)
        self._random_state = checkpoint["metric_face"]["rng"]
