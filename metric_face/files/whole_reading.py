"""read_whole: one state of a folder is read, though another process swaps it meanwhile."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from metric_face.errors import MetricFaceError
from metric_face.files.folders import finish_interrupted_swap

Made = TypeVar("Made")
_ATTEMPTS = 20  # a writer that swaps faster than a reader reads is given up on


def read_whole(folder: str | os.PathLike[str], read: Callable[[], Made]) -> Made:
    """What ``read`` makes of a folder; it is called again where the folder was swapped while it read.

    A swap moves the old folder aside and the new one in, so a reader may find no folder for a moment, or files of both.

    Args:
        folder: that :func:`replace_folder` writes.
        read: reads the folder, and changes nothing.

    Raises:
        MetricFaceError, OSError: as ``read`` does of a folder that stays.
    """
    for _ in range(_ATTEMPTS):
        finish_interrupted_swap(folder)
        before = _state(folder)
        try:
            made = read()
        except (MetricFaceError, OSError):
            finish_interrupted_swap(folder)  # waits for a swap that is under way
            if _state(folder) == before:
                raise
        else:
            if _state(folder) == before:
                return made
    return read()


def _state(folder: str | os.PathLike[str]) -> tuple[int, int, int] | None:
    """What another folder of the same name differs in; None where there is none. A number alone is given again."""
    try:
        state = os.stat(Path(folder))
    except OSError:
        return None
    return state.st_dev, state.st_ino, state.st_ctime_ns
