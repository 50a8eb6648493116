"""Images to classify as they come: named on the command line, line by line, or put into a watched folder."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from metric_face.data import file_of, images_below
from metric_face.errors import DataError, ImageError

T = TypeVar("T")
Predict = Callable[[str], T]
Stamp = tuple[int, int]

_LAZINESS = 9
"""A watch rests this many times as long as its last look took, so that a huge folder costs a tenth of a core."""


def image_files(names: Sequence[str]) -> list[str]:
    """The image files behind names: a file as it is, a folder searched.

    Raises:
        DataError: a name is neither a file nor a folder with images.
    """
    found: list[str] = []
    for name in names:
        path = Path(name)
        try:
            inside = images_below(path) if path.is_dir() else None
            there = inside is not None or file_of(path).is_file()
            special = not there and path.exists()
        except (OSError, ValueError) as error:  # a name too long, a folder closed to us, a null byte
            raise DataError(f"{path}: cannot be looked up ({error}); check the path") from None
        if special:
            raise DataError(
                f"{path}: neither an image file nor a folder but a pipe, socket or device; leave it out"
            )
        if not there:
            raise DataError(f"{path}: no such file or folder; check the path")
        if inside == []:
            raise DataError(f"{path}: holds no image; check the path")
        found += [name] if inside is None else map(str, inside)
    return found


def gather(names: Sequence[str]) -> tuple[list[str], dict[str, DataError]]:
    """The image files behind names, as :func:`image_files`; a name that leads to none does not stop the others.

    Returns:
        The files, and why a name leads to none, by name.
    """
    found: list[str] = []
    failed: dict[str, DataError] = {}
    for name in names:
        try:
            found += image_files([name])
        except DataError as error:
            failed[name] = error
    return found, failed


def predict_lines(lines: Iterable[str], predict: Predict[T]) -> Iterator[tuple[str, T | DataError]]:
    """Classify the images of each line before the next is read; a line that names none does not stop the others.

    Args:
        lines: each a file or a folder, such as ``sys.stdin``; empty ones are skipped.
        predict: classifies one file; an ``ImageError`` that it raises is yielded in place of the answer.

    Yields:
        A file and its answer, or what is wrong with it; a folder gives one of them for each of its images.
    """
    for line in lines:
        name = line.rstrip("\r\n")
        if not name.strip():
            continue
        try:
            files = image_files([name])
        except DataError as error:
            yield name, error
            continue
        for file in files:
            try:
                yield file, predict(file)
            except ImageError as error:
                yield file, error


def watch_folder(
    folder: str | Path,
    predict: Predict[T],
    *,
    patience: float = 3.0,
    interval: float = 0.2,
    rest: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[str, T | ImageError]]:
    """Classify each image that appears in a folder or changes there, until the caller stops.

    An image is classified when two looks find it equally long and old. If it cannot be read even so, it may
    be half-written: it is tried again while ``patience`` lasts, and anew whenever it changes.

    Args:
        folder: searched with its subfolders; names that start with a dot are skipped.
        predict: classifies one file; ``ImageError`` means that it cannot be read, or not yet.
        patience: seconds without a change after which an unreadable image is given up as damaged.
        interval: seconds between looks, at least.
        rest: called with the seconds to wait.
        clock: gives the time in seconds.

    Returns:
        An iterator over each file with its answer, or with why it was given up. What lies there when this is
        called is not classified.

    Raises:
        DataError: the folder is not there, or is no longer.
    """
    home = Path(folder)
    there = _stamps(home)  # now, and not when the caller first waits: whatever comes after this call counts
    return _watch(home, there, predict, patience, interval, rest, clock)


def _watch(
    home: Path,
    done: dict[Path, Stamp],
    predict: Predict[T],
    patience: float,
    interval: float,
    rest: Callable[[float], object],
    clock: Callable[[], float],
) -> Iterator[tuple[str, T | ImageError]]:
    waiting: dict[Path, tuple[Stamp, float]] = {}
    while True:
        began = clock()
        stamps = _stamps(home)
        looked = clock() - began
        done = {path: stamp for path, stamp in done.items() if path in stamps}
        waiting = {path: since for path, since in waiting.items() if path in stamps}
        for path, stamp in stamps.items():
            if done.get(path) == stamp:
                continue
            if path not in waiting or waiting[path][0] != stamp:
                waiting[path] = (stamp, clock())
                continue
            try:
                result: T | ImageError = predict(str(path))
            except ImageError as error:
                if clock() - waiting[path][1] < patience:
                    continue
                result = error
            done[path] = stamp
            del waiting[path]
            yield str(path), result
        rest(max(interval, _LAZINESS * looked))


def _stamps(folder: Path) -> dict[Path, Stamp]:
    """The images of a folder with their sizes and times of change."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder to watch; check the path")
    found = {}
    for path in images_below(folder):
        try:
            state = path.stat()
        except OSError:  # gone since the folder was listed
            continue
        found[path] = (state.st_size, state.st_mtime_ns)
    return found
