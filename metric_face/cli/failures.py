"""What an exception says to a user: one line, with the path and the reason where it has them.

``METRIC_FACE_DEBUG=1`` in the environment shows where it was raised as well.
"""

import os
import traceback

from metric_face.errors import MetricFaceError
from metric_face.extras import missing_line
from metric_face.visible import is_text, visible

DEBUG = "METRIC_FACE_DEBUG"
_LONGEST = 160
_LONGEST_LINE = 290
_COMMAND = ": metric-face "


def line_of(error: BaseException) -> str:
    """One line for any exception, without the word ``error``."""
    if isinstance(error, MetricFaceError):
        return _cut(visible(error))
    if missing := missing_line(error):
        return missing
    if isinstance(error, OSError):
        reason = error.strerror or _one_line(str(error)) or type(error).__name__
        names = [_shortened(name) for name in (error.filename, error.filename2) if name is not None]
        return visible(": ".join([" to ".join(names), reason] if names else [reason]))
    if isinstance(error, MemoryError):
        return (
            _one_line(f"out of memory: {error}".removesuffix(": ")) + "; take fewer images or smaller batches"
        )
    if isinstance(error, UnicodeEncodeError) and not is_text(error.object):
        before, after = error.object[: error.start], error.object[error.start :]
        word = before.rpartition("\n")[2][-_LONGEST:] + after.partition("\n")[0][:_LONGEST]
        return f"{visible(word.strip())}: a name here is no UTF-8, and cannot be stored; rename the file or folder"
    message = _one_line(str(error))
    return f"{_shortened(f'{type(error).__name__}: {message}')} (unexpected; {DEBUG}=1 shows where)"


def trace_of(error: BaseException) -> str:
    """Where it was raised, if the environment asks for it; else nothing."""
    return "".join(traceback.format_exception(error)) if os.environ.get(DEBUG) else ""


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))


def _cut(line: str) -> str:
    """A line without its middle where it is long: the key is at its beginning, and a command at its end stays whole."""
    before, mark, command = line.partition(_COMMAND)
    cut = before if len(before) <= _LONGEST_LINE else f"{before[:145]} ... {before[-140:]}"
    return cut + mark + command


def _shortened(name: object) -> str:
    text = os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else str(name)
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}...{text[-half:]}"
