"""Progress on standard error: a bar or a spinner on a terminal, elsewhere a line now and then, as logs want it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from metric_face.cli.terminal import err, is_quiet, say
from metric_face.progress import Say, duration
from metric_face.visible import visible

EVERY = 60.0
"""Seconds between two lines."""


class CountLines:
    """Says now and then how much is done, for a log file: ``embedding: 12,800 of 60,000, 12 min left``.

    Work that is over sooner says nothing.

    Args:
        label: of the work.
        say: called with each line.
        clock: the time in seconds.
    """

    def __init__(self, label: str, say: Say = say, clock: Callable[[], float] = time.monotonic) -> None:
        self.label, self.say, self.clock = label, say, clock
        self._first = self._done = 0
        self._begun = self._last = clock()

    def __call__(self, done: int, total: int) -> None:
        now = self.clock()
        if done < self._done or not self._done:  # another work has begun, or one that goes on
            self._first, self._begun, self._last = done, now, now
        self._done = done
        if now - self._last >= EVERY:
            self._last = now
            left = (now - self._begun) / max(1, done - self._first) * (total - done)
            end = f"{duration(left)} left" if done < total else f"after {duration(now - self._begun)}"
            self.say(f"{self.label}: {done:,} of {total:,}, {end}")
        if done >= total:
            self._done = 0  # another one may follow


@contextmanager
def bar(label: str, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar from the first call on; yields the function to call with (done, in all)."""
    if not shown or is_quiet():
        yield lambda done, total: None
        return
    if not err.is_terminal:
        yield CountLines(label)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=err, transient=True)
    task = progress.add_task(label, total=None)

    def show(done: int, total: int) -> None:
        progress.start()
        progress.update(task, completed=done, total=total)
        if done >= total:
            progress.stop()  # another one may follow

    try:
        yield show
    finally:
        progress.stop()


@contextmanager
def steps(shown: bool = True) -> Iterator[Callable[[str], None]]:
    """Show a spinner beside the current step; yields the function to call with each step."""
    if not shown or is_quiet():
        yield lambda step: None
        return
    if not err.is_terminal:
        with _step_lines(say) as name:
            yield name
        return
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}", markup=False), console=err, transient=True
    ) as progress:
        task = progress.add_task("")
        yield lambda step: progress.update(task, description=visible(step))


@contextmanager
def _step_lines(say: Say) -> Iterator[Callable[[str], None]]:
    """Say now and then which step is under way and for how long; a step counts nothing, so a thread keeps the time."""
    over, current = threading.Event(), ("starting", time.monotonic())

    def name(step: str) -> None:
        nonlocal current
        current = (step, time.monotonic())

    def watch() -> None:
        while not over.wait(EVERY):
            step, begun = current
            say(f"{step}: {duration(time.monotonic() - begun)} so far")

    thread = threading.Thread(target=watch, name="steps", daemon=True)
    thread.start()
    try:
        yield name
    finally:
        over.set()
        thread.join()
