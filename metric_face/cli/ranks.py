"""as_one: of several processes with one command line, the first speaks, and all end together."""

import os
import sys
import time
from typing import TextIO

from metric_face.processes import forget_launcher, this_process

SHARED = frozenset({"embed", "train"})
"""The commands whose work several processes share; any other is done by the first process alone."""
_PATIENCE = 10.0
"""Seconds that a process with an error waits to be ended by the launcher: the first one mostly has the same error."""


class Speaker:
    """What this process may say of an error.

    Args:
        errors: where the line goes at last; None in the first process, which prints as ever.
    """

    def __init__(self, errors: TextIO | None = None) -> None:
        self.errors = errors

    def last_words(self, line: str, alone: bool = False) -> None:
        """Print a line that ends the process, in the first process at once, in another where no other ended it.

        Args:
            line: to print.
            alone: whether it is known that no other process prints it.
        """
        if self.errors is None:
            sys.stderr.write(line)
            return
        if not alone:
            self.wait_for_the_end()
        self.errors.write(line)
        self.errors.flush()

    @staticmethod
    def wait_for_the_end() -> None:
        """Wait to be ended by the launcher, so that it does not end the process that still has to speak."""
        time.sleep(_PATIENCE)


def as_one(words: list[str]) -> Speaker:
    """Leave the command to the first process where it is not shared, and silence the others where it is.

    Args:
        words: the command line without its program.

    Raises:
        SystemExit: this process has nothing to do.
        ConfigError: the launcher's variables are wrong.
    """
    process = this_process()
    if process.world_size == 1:
        return Speaker()
    if not SHARED & set(words[:1]) or "--backbone" in words:
        if not process.is_first:
            sys.exit(0)
        forget_launcher()
        return Speaker()
    if process.is_first:
        return Speaker()
    sys.stdout.flush()
    sys.stderr.flush()
    errors = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return Speaker(errors)
