"""Which files below a folder are images: what was seen, what is taken, and what is left out and why."""

import os
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from PIL import Image

from metric_face.files import MARK

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
"""The usual endings of an image's name, in lower case; :func:`image_suffixes` has all."""
_NOT_DECODED = frozenset(
    {"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"}
)  # known by name alone, or programs
_SYSTEM = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information"})
_OWN_PICTURES = frozenset({"map.png", "map3d.png", "faces.png", "attribution.png"})
_OF_A_RUN = ("config.yaml", "images.parquet")


@dataclass
class Scan:
    """What lies below a folder.

    Attributes:
        taken: the images, by path.
        left_out: the reason of each other entry, by path; a folder that is left out stands for all in it.
        barren: folders below in which no image was taken, nor in a folder of theirs.
    """

    taken: list[Path] = field(default_factory=list)
    left_out: dict[Path, str] = field(default_factory=dict)
    barren: list[Path] = field(default_factory=list)

    def line(self, folder: Path) -> str:
        """What was seen, taken and left out, in one line."""
        reasons = Counter(self.left_out.values()).most_common()
        reasons_given = [f"{count} {reason}" for reason, count in reasons[:6]]
        if len(reasons) > 6:
            reasons_given.append(f"{sum(count for _, count in reasons[6:])} for other reasons")
        if self.barren:
            names = ", ".join(path.relative_to(folder).as_posix() for path in self.barren[:3])
            more = ", ..." if len(self.barren) > 3 else ""
            reasons_given.append(f"{len(self.barren)} folders without an image ({names}{more})")
        left = f"left out: {', '.join(reasons_given)}" if reasons_given else "nothing left out"
        return f"{folder}: {len(self.taken)} images taken; {left}"


@cache
def image_suffixes() -> frozenset[str]:
    """What a file's name ends in, in lower case, where Pillow, with the plugins it has, can open it."""
    Image.init()
    known = (suffix for suffix, name in Image.registered_extensions().items() if _decodes(name))
    return SUFFIXES | {".mpo"} | {suffix.lower() for suffix in known}


def is_image_name(name: str) -> bool:
    """Whether a file's name ends as an image's does."""
    suffix = Path(name).suffix.lower()
    return suffix in SUFFIXES or (suffix != "" and suffix in image_suffixes())


def images_below(folder: Path) -> list[Path]:
    """The images in a folder and its subfolders, by path, as :func:`scan_folder` takes them."""
    return scan_folder(folder).taken


def scan_folder(folder: Path) -> Scan:
    """Look through a folder and its subfolders, links included.

    A link to a folder is followed unless it leads to what is read anyway: a folder around it, or one inside
    ``folder``, or one that another link has led to. Names that start with a dot, what systems put beside
    files, and the runs and maps of this program are no images of the user's.

    Args:
        folder: where to begin.

    Returns:
        Every entry below, taken or left out.

    Raises:
        OSError: ``folder`` itself cannot be listed.
    """
    scan = Scan()
    state = os.stat(folder)
    _walk(folder, folder.resolve(), {(state.st_dev, state.st_ino)}, scan)
    scan.taken.sort()
    return scan


def _walk(folder: Path, home: Path, met: set[tuple[int, int]], scan: Scan) -> None:
    with os.scandir(folder) as listed:
        entries = sorted(listed, key=lambda entry: entry.name)
    for entry in entries:
        path = folder / entry.name
        try:
            reason = _reason(entry, path, home, met)
            if reason is not None:
                scan.left_out[path] = reason
            elif entry.is_dir():
                before = len(scan.taken)
                _walk(path, home, met, scan)
                if len(scan.taken) == before:
                    scan.barren.append(path)
            else:
                scan.taken.append(path)
        except OSError as error:
            scan.left_out[path] = f"that cannot be read ({error.strerror})"


def _reason(entry: os.DirEntry[str], path: Path, home: Path, met: set[tuple[int, int]]) -> str | None:
    """Why an entry is left out; None where it is taken or looked into."""
    if entry.name.startswith("."):
        return "hidden"
    if not entry.name.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in entry.name):
        return "with a name that is not UTF-8"
    if entry.name.lower() in _SYSTEM:
        return "folders of the system"
    if entry.is_dir():
        return _reason_of_folder(entry, path, home, met)
    if not is_image_name(entry.name):
        return f"that Pillow does not open ({path.suffix.lower() or 'no suffix'})"
    if not entry.is_file():
        return "links that lead nowhere" if entry.is_symlink() else "that are no files"
    return "pictures that metric-face drew" if _is_ours(path) else None


def _reason_of_folder(
    entry: os.DirEntry[str], path: Path, home: Path, met: set[tuple[int, int]]
) -> str | None:
    if all((path / name).is_file() for name in _OF_A_RUN) or (path / "fold-0" / "config.yaml").is_file():
        return "folders that metric-face wrote"
    if entry.is_symlink():
        real = path.resolve()
        if real.is_relative_to(home) or home.is_relative_to(real):
            return "links to folders that are read anyway"
    state = os.stat(path)
    if (state.st_dev, state.st_ino) in met:
        return "links to folders that are read anyway"
    met.add((state.st_dev, state.st_ino))
    return None


def _is_ours(path: Path) -> bool:
    """Whether a picture was drawn by this program: a PNG marked as such in its first bytes."""
    if path.name not in _OWN_PICTURES:
        return False
    try:
        with open(path, "rb") as file:
            return MARK.encode() in file.read(512)
    except OSError:
        return False


def _decodes(name: str) -> bool:
    return name in Image.OPEN and name not in _NOT_DECODED
