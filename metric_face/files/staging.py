"""claim: a hidden folder beside a target, where what shall stand there is made, by one process at a time.

The folder is called ``.NAME.metric_face``. A killed process leaves it, and the next one that writes the same target
takes it over; its lock is the operating system's, so it ends with the process.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from metric_face.errors import MetricFaceError, OutputError

SUFFIX = ".metric_face"
_LOCK = "lock"
_LONGEST = (
    200  # bytes of a target's name; 255 is what file systems take, and ours is longer than the target's
)


def place_of(target: Path) -> Path:
    """Where the next content of a target is made."""
    name = target.name
    if len(os.fsencode(name)) > _LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:32]
    return target.parent / f".{name}{SUFFIX}"


@contextmanager
def claim(target: Path, *, wait: float = 0, keep: Iterable[str] = ()) -> Iterator[Path]:
    """Hold the place of a target for this process, and take it away at the end.

    Args:
        target: what will be written; its folder exists.
        wait: seconds to wait for another process that holds it.
        keep: leave the place, for a later call to go on with, where the block ends in an error and one of these
            names is in it.

    Yields:
        The place: a folder, which may hold what a killed process left.

    Raises:
        OutputError: another process holds it, or it cannot be made.
    """
    from filelock import FileLock, Timeout

    place = place_of(target)
    lock = FileLock(place / _LOCK)
    for attempt in range(20):
        try:
            place.mkdir(exist_ok=True)
            lock.acquire(timeout=wait)
            break
        except Timeout:
            raise OutputError(
                f"{target}: another command is writing it; wait until that one has ended, then call again"
            ) from None
        except FileNotFoundError:  # its holder has just removed the place
            if attempt == 19 or not target.parent.is_dir():
                raise
    try:
        with blaming(target):
            yield place
    except BaseException:
        if not any((place / name).exists() for name in keep):
            _take_away(place)
        raise
    else:
        _take_away(place)
    finally:
        lock.release()


def tidy(target: Path) -> None:
    """Take away the place that a killed process left after its target was whole; one that is held is left alone."""
    target = Path(os.path.realpath(target))
    with suppress(OSError):
        if place_of(target).exists():
            with claim(target):
                pass


@contextmanager
def blaming(target: Path) -> Iterator[None]:
    """Say of which output the system's refusal is: of files that are made for it, the names mean nothing to a user.

    Raises:
        OutputError: in place of an OSError on the target or its place, and of whatever a full disk makes of itself.
    """
    try:
        yield
    except MetricFaceError:
        raise
    except Exception as error:
        reason = refusal(error)
        own = {target, place_of(target)}
        where = getattr(error, "filename", None)
        elsewhere = isinstance(where, str | bytes) and not own & {
            Path(os.fsdecode(where)),
            *Path(os.fsdecode(where)).parents,
        }
        if reason is None or elsewhere:
            raise
        raise OutputError(f"{target}: cannot be written: {reason}") from error


def refusal(error: Exception) -> str | None:
    """What the operating system refused, in its words; None where the error is of another sort."""
    full = os.strerror(errno.ENOSPC)
    if full in str(error):  # FAISS, safetensors and PyTorch raise errors of their own
        return full
    if not isinstance(error, OSError):
        return None
    return error.strerror or " ".join(str(error).split()) or type(error).__name__


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder of ours, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _take_away(place: Path) -> None:
    """Remove the place, its lock last: a process that finds no lock may begin at once."""
    with suppress(OSError):
        for entry in list(place.iterdir()):
            if entry.name != _LOCK:
                remove(entry)
        (place / _LOCK).unlink(missing_ok=True)
        place.rmdir()
