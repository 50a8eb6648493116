"""Files that are whole or absent: written beside and renamed, with checksums.

A killed command never leaves half a file, and a folder is replaced only when its new content is complete.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from metric_face.errors import DataError


def write_atomically(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a temporary file beside ``path`` and rename it onto ``path``.

    Args:
        path: where the file shall be; its folder is made.
        write: called with the temporary path, which ends in the same suffix as ``path``.

    Returns:
        The path written.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)  # mkstemp makes it private
        _flush_to_disk(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write ``text`` as UTF-8, atomically."""
    return write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


@contextmanager
def replace_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary folder beside ``path`` that takes its place when the block ends without an error.

    Args:
        path: the folder to make or replace; what it held before is kept until the new one is complete.

    Yields:
        The temporary folder to fill.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    temporary.chmod(0o755)  # mkdtemp makes it private
    try:
        yield temporary
        old = target.parent / f"{temporary.name}.old"
        if target.exists():
            target.rename(old)
        temporary.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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


def _flush_to_disk(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())
