"""GracefulStop: Ctrl-C and SIGTERM end a training after its step, or at once where it has taken none."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

import lightning as L
from lightning.pytorch.callbacks import Callback

from metric_face.training.callbacks import at_a_step

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SAME = 1.0
"""Seconds within which another SIGTERM is the same one: timeout(1) sends one to the process and one to its group."""


class _EndNow(BaseException):
    """Leaves the trainer at once, through its own clean-up; no other error is taken for it."""


class GracefulStop(Callback):
    """Ends the training after its step, with validation and checkpoints, at the first Ctrl-C or SIGTERM.

    The second ends it at once, and so does the first where no step has been taken yet: the signal is then sent again
    to whatever handled it before. Used as a context around ``Trainer.fit``.

    Attributes:
        signal: the signal received, or None.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._received = 0.0
        self._process = os.getpid()
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            with suppress(ValueError):  # not in the main thread, where Python allows no handler
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}
        if kind is _EndNow and self.signal is not None:
            signal.raise_signal(self.signal)
            raise KeyboardInterrupt from None  # where the handler before did not end it

    def hand_on(self) -> None:
        """Leave a signal that came too late to stop anything to whatever handles it now."""
        if self.signal is not None:
            signal.raise_signal(self.signal)

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if self._any_received(trainer):
            raise _EndNow
        if self._previous:
            # Lightning has put a handler of its own in place, which ends the process with exit code 0.
            signal.signal(signal.SIGTERM, self._note)

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        if at_a_step(trainer):
            self._stop(trainer)

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._stop(trainer)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a worker that is being started
            return
        if self.signal is None:
            self.signal, self._received = signal.Signals(number), time.monotonic()
        elif number != signal.SIGTERM or time.monotonic() - self._received > _SAME:
            self.signal = signal.Signals(number)
            raise _EndNow

    def _stop(self, trainer: L.Trainer) -> None:
        if self._any_received(trainer):
            trainer.should_stop = True

    def _any_received(self, trainer: L.Trainer) -> bool:
        """Whether any rank received a signal; if each went by its own, some would wait for others forever."""
        received: bool = trainer.strategy.reduce_boolean_decision(self.signal is not None, all=False)
        if received:
            self.signal = self.signal or signal.SIGTERM
        return received


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM in this thread; a process started meanwhile never receives either."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
