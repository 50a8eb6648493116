"""Files that are whole or absent: made beside their place and renamed; and what may be replaced at all.

The rule: a file is replaced only where a regular file is, or nothing. Links are followed, so that the link stays and
what it names is replaced. Folders have the same rule in ``folders.py``.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from metric_face.errors import DataError, OutputError
from metric_face.files.staging import claim, refusal

PATIENCE = 60.0
"""Seconds that a file waits for another process that writes the same one."""
_SYSTEM = ("/dev/", "/proc/", "/sys/")


def file_target(path: str | os.PathLike[str]) -> Path:
    """Check that a file may be made or replaced, before any work is done for it.

    Args:
        path: where it shall be; missing folders are made when it is written.

    Returns:
        The file that will be made or replaced, links followed.

    Raises:
        OutputError: something else than a regular file is there, or the folder takes no file.
    """
    target = Path(os.path.realpath(path))
    mode = mode_of(target)
    given = os.path.abspath(path)
    if mode is not None and stat.S_ISDIR(mode):
        raise OutputError(f"{path}: is a folder; name a file to write")
    is_system = given.startswith(_SYSTEM) and not given.startswith("/dev/shm/")
    if is_system or (mode is not None and not stat.S_ISREG(mode)):
        raise OutputError(f"{path}: is no regular file, so it is not replaced; name another")
    check_takes_files(target.parent, path)
    return target


def holds_text(path: str | os.PathLike[str]) -> bool:
    """Whether a file is empty, absent or text: a page or a table that a command may write anew."""
    try:
        with open(path, "rb") as file:
            return b"\0" not in file.read(4096)
    except FileNotFoundError:
        return True


def mode_of(target: Path) -> int | None:
    """What is there: its mode, or None for nothing.

    Raises:
        OutputError: the system does not say, as where a folder on the way is a file, or a name is too long.
    """
    try:
        return target.stat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {refusal(error)}") from None


def check_takes_files(folder: Path, path: str | os.PathLike[str]) -> None:
    """Check that a folder, or the nearest one above it that exists, takes a new file.

    Raises:
        OutputError: names ``path``, for which it would be.
    """
    there = folder
    while mode_of(there) is None and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise OutputError(f"{path}: cannot be written: {there} is a file, not a folder")
    try:
        with tempfile.TemporaryFile(dir=there):  # without a name, so that a kill leaves nothing
            pass
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {there}: {refusal(error)}") from None


def write_atomically(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a file in a hidden place beside ``path`` and rename it onto ``path``.

    Args:
        path: where the file shall be; its folder is made.
        write: called with the temporary path, which ends in the same suffix as ``path``.

    Returns:
        The path written.

    Raises:
        OutputError: it may not be replaced, or the system refuses.
    """
    target = file_target(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with claim(target, wait=PATIENCE) as place:
        temporary = place / f"new{target.suffix}"
        temporary.unlink(missing_ok=True)
        write(temporary)
        flush_to_disk(temporary)
        temporary.replace(target)
    return Path(path)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write ``text`` as UTF-8, atomically."""
    return write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def flush_to_disk(path: Path) -> None:
    """Wait until a file is on the disk, so that a rename never comes before its content."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(root: Path, name: str) -> Path:
    """Resolve a path that a table names, refusing one that leaves the table's folder.

    Args:
        root: the data root.
        name: a path relative to ``root``, or an absolute path of an existing file.

    Returns:
        The path, not resolved through links.

    Raises:
        DataError: ``name`` is relative and leaves ``root``, or absolute and names no file.
    """
    path = Path(name)
    if path.is_absolute():
        if not path.is_file():
            raise DataError(
                f"path {name!r}: an absolute path must name an existing file; correct or drop the row"
            )
        return path
    joined = Path(os.path.normpath(root / path))
    if not joined.is_relative_to(os.path.normpath(root)):
        raise DataError(
            f"path {name!r}: a relative path must stay inside {root}; move the file or give an absolute path"
        )
    return root / path
