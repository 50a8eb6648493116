"""Stopped: Ctrl-C or SIGTERM lets a command clean up, say one line and end with 130 or 143."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from metric_face.visible import shell_word

_SAME = 1.0
"""Seconds within which another SIGTERM is the same one: timeout(1) sends one to the process and one to its group."""


class Stopped(BaseException):
    """Raised where a signal found the command; no ``except Exception`` takes it for an error.

    Attributes:
        code: the exit code that a shell expects, 128 and the signal's number.
        remedy: how to go on.
    """

    def __init__(self, number: int) -> None:
        self.name = signal.Signals(number).name
        self.code = 128 + number
        self.remedy = "call the command again"
        super().__init__(number)

    def __str__(self) -> str:
        return f"stopped by {self.name}; {self.remedy}"


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into :class:`Stopped`, in the main thread of this process alone."""
    own, received = os.getpid(), 0.0

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal received
        if os.getpid() != own:  # a child that has not set a handler of its own
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        before, received = received, time.monotonic()
        if number != signal.SIGTERM or not before or received - before > _SAME:
            raise Stopped(number)

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def going_on(folder: Path, *marks: str, resumes: bool) -> Iterator[None]:
    """Name ``train --resume`` as the remedy where a training is stopped that has begun to write its run.

    Args:
        folder: of the run or the folds.
        marks: files, one of which is there once the training has begun.
        resumes: whether it had begun before.
    """
    before = any((folder / mark).exists() for mark in marks)
    try:
        yield
    except Stopped as stopped:
        if any((folder / mark).exists() for mark in marks) and (resumes or not before):
            stopped.remedy = f"go on with: metric-face train --resume --out {shell_word(folder)}"
        raise
