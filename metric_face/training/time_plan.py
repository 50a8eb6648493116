"""The plan of a training that must end in time: how many epochs fit, by the speed of its first batches."""

import time
from collections.abc import Callable
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from metric_face.plurals import counted
from metric_face.progress import Say, duration
from metric_face.training.callbacks import Deadline

_TIMED = 20
"""Batches whose time is measured; the first of an epoch is not among them, for its loader starts."""


class TimePlan(Callback):
    """Says what is left of the time before the first step, and after some batches how many epochs fit into it.

    Args:
        say: called with each line.
        deadline: ends the training in time.
        clock: gives seconds.
    """

    def __init__(self, say: Say, deadline: Deadline, clock: Callable[[], float] = time.monotonic) -> None:
        self.say, self.deadline, self._clock = say, deadline, clock
        self._taken: list[float] = []
        self._last: float | None = None
        self._done = False

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        limit = self.deadline.seconds
        self._done = limit is None or trainer.should_stop or not trainer.is_global_zero
        if limit is not None and not self._done:
            self.say(
                f"time: {duration(limit)} in all, {duration(self.deadline.elapsed)} used before the first step"
            )

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._last = None

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        if self._done:
            return
        now = self._clock()
        if self._last is not None:
            self._taken.append(now - self._last)
        self._last = now
        if len(self._taken) >= _TIMED:
            self._plan(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if self._taken and not self._done:
            self._plan(trainer)

    def _plan(self, trainer: L.Trainer) -> None:
        self._done = True
        batch = sum(self._taken) / len(self._taken)
        done = trainer.fit_loop.epoch_loop.batch_progress.current.ready
        batches = int(trainer.num_training_batches)
        wanted = (trainer.max_epochs or 0) - trainer.current_epoch
        for line in plan_lines(batch, batches, batches * wanted - done, self.deadline.left):
            self.say(line)


def plan_lines(batch: float, batches: int, wanted: int, left: float) -> list[str]:
    """How many of the wanted batches fit, and what the learning rate goes by.

    Args:
        batch: seconds of one.
        batches: of an epoch.
        wanted: batches that the configuration has yet to train on.
        left: seconds.
    """
    epoch = batch * batches
    speed = f"a batch takes {batch:.2g} s, an epoch about {duration(epoch)} and its validation"
    if batch * wanted <= left:
        return [
            f"time: {speed}: the {_epochs(wanted / batches)} to come fit, in about {duration(batch * wanted)}",
            "time: the learning rate falls with the steps, as without a limit",
        ]
    return [
        f"time: {speed}: at most {left / epoch:.1f} of the {_epochs(wanted / batches)} to come fit in "
        f"{duration(left)}",
        "time: so the learning rate falls with the clock, and the best weights so far are the result",
    ]


def _epochs(number: float) -> str:
    return counted(round(number), "epochs") if abs(number - round(number)) < 0.05 else f"{number:.1f} epochs"
