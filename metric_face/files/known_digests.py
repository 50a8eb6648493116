"""known_sha256: a file is hashed once in a process, unless it changed."""

import os
import time
from pathlib import Path

from metric_face.files.atomic import sha256_of

_AT_REST = 2 * 10**9
"""Nanoseconds after a change before a checksum is remembered: a second change in the same tick of the file system's
clock would leave no trace. Git keeps its index by the same rule."""
_MOST = 256
_known: dict[tuple[int, ...], str] = {}


def known_sha256(file: Path) -> str:
    """The SHA-256 of a file, remembered by device, inode, size, and the times of content and state.

    The time of state cannot be set by a program, so no change of content goes unseen. Nothing outlives the process: on
    disk, a stamp could be damaged or copied as the file can.
    """
    seen = _state_of(file)
    if seen in _known:
        return _known[seen]
    digest = sha256_of(file)
    is_at_rest = time.time_ns() - max(seen[-2:]) > _AT_REST
    if is_at_rest and _state_of(file) == seen:
        if len(_known) >= _MOST:
            _known.clear()
        _known[seen] = digest
    return digest


def _state_of(file: Path) -> tuple[int, ...]:
    state = os.stat(file)
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
