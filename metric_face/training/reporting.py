"""What a training reports while it runs: lines, progress, and whether there is a progress bar."""

from collections.abc import Callable
from dataclasses import dataclass

Say = Callable[[str], object]
Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Reporting:
    """Where a training reports to.

    Attributes:
        say: called with each line that the user should know of.
        checking: called with (images checked, images in all) before training starts.
        quiet: no progress bar.
    """

    say: Say = lambda line: None
    checking: Progress | None = None
    quiet: bool = False
