"""The deadline of a training, and where a training may be stopped without loss."""

import math
import time
from collections.abc import Callable
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback


class Deadline(Callback):
    """Ends the training in time for one more validation and the export.

    Args:
        seconds: wall time allowed, earlier parts of a resumed run included; None is no limit.
        reserve: share of it kept for what follows the last step, beside the time that a validation took.
        since: the clock's time from which it counts; default now.
        clock: gives seconds.
        after: seconds that are kept at least, up to a quarter of what is allowed.
        validation: seconds that a validation is expected to take, until one was measured that took longer.
    """

    def __init__(
        self,
        seconds: float | None,
        reserve: float = 0.03,
        since: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        after: float = 0.0,
        validation: float = 0.0,
    ) -> None:
        self.seconds = seconds
        self.after = after
        self.reserve = reserve
        self._before = 0.0
        self._clock = clock
        self._started = clock() if since is None else since
        self._validating = 0.0
        self._longest_validation = validation
        self._step_ended: float | None = None
        self._step = 0.0
        self._agreed: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds used so far, earlier parts included."""
        return self._before + self._clock() - self._started

    @property
    def left(self) -> float:
        """Seconds left for steps, the reserve kept; infinite where there is no limit."""
        return max(0.0, self._for_steps - self.elapsed)

    @property
    def _for_steps(self) -> float:
        """Seconds by which the last step but one must have ended; infinite where there is no limit."""
        if self.seconds is None:
            return math.inf
        kept = max(self.seconds * self.reserve, min(self.after, self.seconds / 4))
        return max(0.0, self.seconds - kept - self._longest_validation - self._step)

    def share_used(self) -> float:
        """Share of the allowed time that has passed; 0 where there is no limit.

        Of several processes all have the first one's, as it was after the last step: the learning rate goes by it.
        """
        return self._by_own_clock() if self._agreed is None else self._agreed

    def _by_own_clock(self) -> float:
        return self.elapsed / max(1e-9, self._for_steps)

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._agree(trainer)
        if self.share_used() >= 1:  # a run that its max_time ended is resumed with no more time
            trainer.should_stop = True

    def on_validation_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._validating = self.elapsed

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._longest_validation = max(self._longest_validation, self.elapsed - self._validating)

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._step_ended = None  # a validation lies between

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        now = self.elapsed
        if self._step_ended is not None:
            self._step = now - self._step_ended
        self._step_ended = now
        if self.seconds is not None and at_a_step(trainer):
            self._agree(trainer)
            # One clock decides for all ranks, or some would wait for others forever.
            trainer.should_stop = trainer.strategy.broadcast(trainer.should_stop or self.share_used() >= 1)

    def _agree(self, trainer: L.Trainer) -> None:
        if trainer.world_size > 1 and self.seconds is not None:
            self._agreed = trainer.strategy.broadcast(self._by_own_clock())

    def state_dict(self) -> dict[str, Any]:
        return {"elapsed": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._before = float(state_dict["elapsed"])


def at_a_step(trainer: L.Trainer) -> bool:
    """Whether the batch just trained on ended an optimizer step, so that no gathered gradient would be lost."""
    progress = trainer.fit_loop.epoch_loop.batch_progress
    return progress.is_last_batch or progress.current.ready % trainer.accumulate_grad_batches == 0
