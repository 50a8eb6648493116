"""Folders that are whole or absent: made beside their place and swapped; and what may be replaced at all.

The rule: a folder is replaced only where it is absent, empty, or holds one of ours and nothing else. The swap moves
the old one aside and the new one in; killed between the two, the next call that writes or reads it finishes the move.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from metric_face.errors import OutputError
from metric_face.files.atomic import PATIENCE, check_takes_files, flush_to_disk, mode_of
from metric_face.files.staging import claim, place_of, remove

_NOBODYS = (".DS_Store", "._*", "Thumbs.db", "desktop.ini")  # left by file browsers
_NEW, _READY, _OLD = "new", "ready", "old"
_SWAP_SECONDS = 5.0  # that a reader waits for a swap that is under way


@dataclass(frozen=True)
class FolderKind:
    """A folder that a command makes whole.

    Attributes:
        name: in words.
        description: the JSON file with the checksums of the others; it names a fingerprint.
        files: the others that are always there.
        more: patterns of those that may be there.
    """

    name: str
    description: str
    files: tuple[str, ...]
    more: tuple[str, ...] = ()

    def owns(self, name: str) -> bool:
        """Whether a file of this name belongs to such a folder."""
        return _is_one_of(name, (self.description, *self.files, *self.more))

    def is_at(self, folder: Path, names: set[str]) -> bool:
        """Whether a folder that holds these names is one, be it damaged."""
        if self.description not in names:
            return False
        with suppress(OSError):
            if b'"fingerprint"' in (folder / self.description).read_bytes():
                return True
        return names >= set(self.files)


EMBEDDINGS = FolderKind(
    "embeddings",
    "embeddings.json",
    ("vectors.npy", "images.parquet"),
    ("stamps.parquet", "logits-*.npy", "progress.json"),
)
PROJECTOR = FolderKind(
    "a projector", "projector_config.pbtxt", ("tensors.tsv", "metadata.tsv"), ("sprite.png",)
)
ALIGNED = FolderKind("aligned faces", "faces.json", ("images.csv",), ("*.png",))
INDEX = FolderKind("index", "index.json", ("index.faiss", "labels.parquet"), ("shard-*.faiss",))


def folder_target(path: str | os.PathLike[str], kind: FolderKind | None = None) -> Path:
    """Check that a folder may be made or replaced, before any work is done for it.

    Args:
        path: the folder.
        kind: what will stand there, and may be replaced; None replaces an empty folder only.

    Returns:
        The folder that will be made or replaced, links followed.

    Raises:
        OutputError: something else is there, or the folder above takes none.
    """
    target = Path(os.path.realpath(path))
    mode = mode_of(target)
    if mode is not None:
        if not stat.S_ISDIR(mode):
            raise OutputError(f"{path}: is a file, not a folder; name a new or empty folder")
        if target.is_mount() or target == Path(os.path.realpath(os.curdir)):
            raise OutputError(
                f"{path}: cannot be replaced while it is mounted or you are in it; name a folder inside it"
            )
        _check_content(path, target, kind)
    check_takes_files(target.parent, path)
    return target


def check_holds_nothing_else(path: str | os.PathLike[str], known: tuple[str, ...]) -> Path:
    """Check that a folder may be written into: it is absent, or holds nothing but entries of known names.

    Raises:
        OutputError: something else is there, or the folder takes no files.
    """
    target = Path(os.path.realpath(path))
    mode = mode_of(target)
    if mode is not None and not stat.S_ISDIR(mode):
        raise OutputError(f"{path}: is a file, not a folder; name a new or empty folder")
    if not holds_only(target, known):
        strange = sorted(name for name in _names(target) if not _is_one_of(name, known))
        raise OutputError(f"{path}: holds {_listed(strange)}; name a new or empty folder")
    check_takes_files(target, path)
    return target


def holds_only(folder: Path, known: tuple[str, ...]) -> bool:
    """Whether a folder is absent, or holds nothing but names of these patterns."""
    return not folder.exists() or all(_is_one_of(name, known) for name in _names(folder))


@contextmanager
def replace_folder(
    path: str | os.PathLike[str], kind: FolderKind | None = None, *, note: str | None = None
) -> Iterator[Path]:
    """Give a hidden folder that takes the place of ``path`` when the block ends without an error.

    Args:
        path: the folder to make or replace; what it held before is kept until the new one is complete.
        kind: what it will be, and what may be replaced.
        note: the name of a file beside the folder that states how far it is. Where it is there, the folder is given as
            an interrupted call left it, and left again.

    Yields:
        The folder to fill.

    Raises:
        OutputError: the folder may not be replaced, another command writes it, or the system refuses.
    """
    target = folder_target(path, kind)
    target.parent.mkdir(parents=True, exist_ok=True)
    # What takes long to make is refused at once; what is made already waits for its turn.
    wait = PATIENCE if note is None else 0
    kept = (_READY, _OLD, *([] if note is None else [note]))
    with claim(target, wait=wait, keep=kept) as place:
        _finish_swap(place, target)
        new = place / _NEW
        if note is None or not (place / note).exists():
            remove(new)
        new.mkdir(exist_ok=True)
        yield new
        for file in new.rglob("*"):
            if file.is_file():
                flush_to_disk(file)
        folder_target(path, kind)  # what came meanwhile is not ours to remove
        new.rename(place / _READY)
        _finish_swap(place, target)


def finish_interrupted_swap(path: str | os.PathLike[str]) -> None:
    """Put in its place a folder whose writer was killed between moving the old one out and the new one in."""
    target = Path(os.path.realpath(path))
    with suppress(OSError):  # a folder that may only be read is read as it is
        if not target.exists() and (place_of(target) / _READY).exists():
            with claim(target, wait=_SWAP_SECONDS, keep=(_READY, _OLD)) as place:
                _finish_swap(place, target)


def _finish_swap(place: Path, target: Path) -> None:
    ready, old = place / _READY, place / _OLD
    if ready.exists():
        if target.exists():
            remove(old)
            target.rename(old)
        try:
            ready.rename(target)
        except OSError:
            if old.exists() and not target.exists():
                old.rename(target)
            raise
    remove(old)


def _check_content(path: str | os.PathLike[str], target: Path, kind: FolderKind | None) -> None:
    names = _names(target)
    if not names:
        return
    if kind is None:
        raise OutputError(f"{path}: holds {_listed(sorted(names))}; name a new or empty folder")
    strange = sorted(
        name
        for name in names
        if not kind.owns(name) or (target / name).is_dir() or (target / name).is_symlink()
    )
    if strange or not kind.is_at(target, names):
        raise OutputError(
            f"{path}: holds {_listed(strange or sorted(names))}, which 'metric-face' did not write as {kind.name}; "
            "name a new or empty folder"
        )


def _names(target: Path) -> set[str]:
    try:
        names = os.listdir(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be read: {error.strerror}") from None
    return {name for name in names if not _is_one_of(name, _NOBODYS)}


def _is_one_of(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _listed(names: list[str]) -> str:
    return repr(names[0]) + (f" and {len(names) - 1} more" if len(names) > 1 else "")
