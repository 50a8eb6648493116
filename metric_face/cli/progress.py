"""Progress on standard error, where that is a terminal: a bar that counts, or a spinner that names the step."""

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

from metric_face.cli.terminal import err, is_quiet
from metric_face.visible import visible


@contextmanager
def bar(label: str, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar from the first call on; yields the function to call with (done, in all)."""
    if not shown or is_quiet() or not err.is_terminal:
        yield lambda done, total: None
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
    if not shown or is_quiet() or not err.is_terminal:
        yield lambda step: None
        return
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}", markup=False), console=err, transient=True
    ) as progress:
        task = progress.add_task("")
        yield lambda step: progress.update(task, description=visible(step))
