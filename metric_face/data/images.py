"""Opening images: every way an image can be broken ends in one clear line."""

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from metric_face.data.boxes import box_of, cut_box, file_of
from metric_face.data.once_each import once_each
from metric_face.data.pixels import as_seen
from metric_face.errors import DataError, ImageError
from metric_face.progress import Progress, silent

MAX_PIXELS = 100_000_000
"""An image that declares more pixels than this is refused before it is decoded (a decompression bomb)."""


def open_image(
    path: str | Path | BinaryIO, *, at_least: tuple[int, int] | None = None, name: str | None = None
) -> Image.Image:
    """Open an image as RGB, upright, as a viewer shows it.

    Args:
        path: the file, perhaps with a box at its end (see :mod:`.boxes`), or one that is open in binary mode.
        at_least: (width, height) that suffice; a JPEG much larger is decoded at a half, a quarter or an eighth
            of its size, never below this, which saves most of the decoding.
        name: how a message calls an open file.

    Returns:
        The decoded image, as a viewer shows it; see :mod:`metric_face.data.pixels` for the rule of each mode.

    Raises:
        ImageError: the file is missing, no regular file, no image, truncated, declares more than ``MAX_PIXELS``
            pixels, or holds numbers that have no agreed meaning as brightness.
    """
    name = str(path) if name is None else name
    box = box_of(path) if isinstance(path, str | Path) else None
    try:
        if isinstance(path, str | Path):
            path = file_of(path)
            refuse_special(path)
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(
                    f"{name}: {image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are decoded; shrink it"
                )
            if box is not None:  # in pixels of the image as it is, so it is decoded in full
                return cut_box(as_seen(image, name), box, name)
            if at_least is not None:
                # An image that is stored sideways swaps its sides, so the larger bound holds for both.
                image.draft("RGB", (max(at_least), max(at_least)))
            return as_seen(image, name)
    except (ImageError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{name}: no such file; restore it or drop its row") from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name}: more than {MAX_PIXELS:,} pixels declared; shrink it or drop its row"
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name}: not an image that can be read; replace it or drop its row") from error
    except Exception as error:  # Pillow's decoders raise whatever they meet: struct.error, KeyError, ...
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ImageError(f"{name}: cannot be decoded ({reason}); replace it or drop its row") from error


def refuse_special(path: str | Path) -> None:
    """Refuse to open what is no regular file: a pipe waits for a writer for ever, a device never ends.

    Raises:
        ImageError: it is a folder, pipe, socket or device.
        OSError: there is nothing, or it cannot be looked at.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ImageError(
            f"{path}: not a regular file but a folder, pipe, socket or device; replace it or drop its row"
        )


def find_broken(paths: Sequence[Path], *, workers: int = 4, progress: Progress = silent) -> dict[int, str]:
    """Decode every image and say which cannot be used.

    Args:
        paths: N files.
        workers: threads; Pillow releases the interpreter while it decodes.
        progress: called with (images checked, images in all).

    Returns:
        The row of each broken image and the line that says why.
    """

    def check(path: Path) -> str | None:
        try:
            open_image(path, at_least=(32, 32))
        except ImageError as error:
            return str(error)
        return None

    broken: dict[int, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        for row, reason in enumerate(pool.map(check, paths)):
            if reason is not None:
                broken[row] = reason
            progress(row + 1, len(paths))
    return broken


def content_hashes(paths: Iterable[Path], *, boxes: bool = False, workers: int = 4) -> list[str]:
    """The SHA-256 of each file's bytes: equal for exact copies.

    Args:
        paths: N files, perhaps with boxes.
        boxes: whether two boxes of one file differ; otherwise they are equal, as parts of one photograph.
        workers: threads that read.

    Raises:
        ImageError: a file is missing or cannot be read.
    """

    def digest(file: Path) -> str:
        try:
            refuse_special(file)
            with open(file, "rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise ImageError(
                f"{file}: cannot be read ({error.strerror}); restore it or drop its row"
            ) from error

    listed = list(paths)
    digests = once_each(digest, map(file_of, listed), workers)
    if not boxes:
        return digests
    return [f"{one}{box_of(path) or ''}" for one, path in zip(digests, listed, strict=True)]


def refuse_broken(broken: dict[int, str]) -> None:
    """Raise a one-line error for broken images, if there are any.

    Raises:
        DataError: with the first one's reason and the number of the others.
    """
    if broken:
        first = next(iter(broken.values()))
        others = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise DataError(f"{first}{others}; --skip-broken drops and lists them")
