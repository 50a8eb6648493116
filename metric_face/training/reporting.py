"""What a training reports while it runs: lines, progress, and whether there is a progress bar."""

from dataclasses import dataclass

from metric_face.progress import Progress, Say, silent


@dataclass(frozen=True)
class Reporting:
    """Where a training reports to.

    Attributes:
        say: called with each line that the user should know of.
        progress: called with (images done, images in all) before training starts.
        quiet: no progress bar.
    """

    say: Say = silent
    progress: Progress = silent
    quiet: bool = False
