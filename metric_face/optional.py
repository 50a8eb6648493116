"""optional: a part of an answer that may fail alone: one line reports it, and the rest is still computed.

What a user can cause (too few images, a folder that cannot be written) becomes a note. Anything else is a fault of
this package: it becomes a note too, so that the rest of the answer is kept, and a warning that names where it
happened, which the tests turn into an error.
"""

import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from metric_face.errors import MetricFaceError


class UnexpectedFailure(RuntimeWarning):
    """An optional part failed for a reason that no user can cause."""


@contextmanager
def optional(what: str, notes: list[str]) -> Iterator[None]:
    """Run a block that the rest of an answer can do without.

    Args:
        what: the part, as a user knows it, such as ``thresholds of age``.
        notes: where a line is added if the block fails; nothing is added otherwise.
    """
    try:
        yield
    except (MetricFaceError, OSError, MemoryError) as error:
        notes.append(f"{what}: left out; {_line(error)}")
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        cause = f"{type(error).__name__}: {_line(error)}"
        notes.append(f"{what}: left out; it failed in {where} ({cause}), which is a fault of metric_face")
        warnings.warn(f"{what} failed in {where}: {cause}", UnexpectedFailure, stacklevel=3)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
