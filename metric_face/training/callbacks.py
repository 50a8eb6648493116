"""What happens around the steps of a training: the deadline, and Ctrl-C or SIGTERM."""

import os
import signal
import time
from contextlib import suppress
from types import FrameType
from typing import Any

import lightning as L
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

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if self.share_used() >= 1:  # a run that its max_time ended is resumed with no more time
            trainer.should_stop = True

    def on_validation_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._validating = time.monotonic()

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._longest_validation = max(self._longest_validation, time.monotonic() - self._validating)

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        if self.seconds is not None and at_a_step(trainer):
            # One clock decides for all ranks, or some would wait for others forever.
            trainer.should_stop = trainer.strategy.broadcast(trainer.should_stop or self.share_used() >= 1)

    def state_dict(self) -> dict[str, Any]:
        return {"elapsed": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._before, self._started = float(state_dict["elapsed"]), time.monotonic()


class GracefulStop(Callback):
    """The first Ctrl-C or SIGTERM ends the training after its step, with validation and checkpoints.

    The second ends it at once.

    Attributes:
        signal: the signal received, or None.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def on_fit_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError):  # not in the main thread, where Python allows no handler
                self._previous[number] = signal.signal(number, self._note)

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if signal.SIGTERM not in self._previous:
            return
        if self.signal == signal.SIGTERM:  # nothing has been trained yet
            _die_of_sigterm()
        # Lightning has put a handler of its own in place, which ends the process with exit code 0.
        signal.signal(signal.SIGTERM, self._note)

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        if at_a_step(trainer):
            self._stop(trainer)

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._stop(trainer)

    def teardown(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = signal.Signals(number)
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            _die_of_sigterm()

    def _stop(self, trainer: L.Trainer) -> None:
        # Of any rank, or some would wait for others forever.
        if trainer.strategy.reduce_boolean_decision(self.signal is not None, all=False):
            trainer.should_stop = True


def _die_of_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def at_a_step(trainer: L.Trainer) -> bool:
    """Whether the batch just trained on ended an optimizer step, so that no gathered gradient would be lost."""
    progress = trainer.fit_loop.epoch_loop.batch_progress
    return progress.is_last_batch or progress.current.ready % trainer.accumulate_grad_batches == 0
