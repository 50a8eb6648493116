"""A FAISS file read for its sizes alone: each stated length is compared with the file before FAISS allocates it.

FAISS trusts the lengths it reads: one changed byte of a file of 10 KB made it take 5.6 GB. What is walked through is
the layout that FAISS's ``index_write.cpp`` writes for the five kinds an index has.
"""

from pathlib import Path
from typing import Any

import numpy as np

from metric_face.errors import FileFormatError

_HEADER = 33  # bytes behind the magic: dimensions, count, two of no use, whether trained, metric


class _Damage(Exception):
    """What is wrong with the file, in words."""


def check_sizes(path: Path) -> None:
    """Walk through a FAISS file without reading its vectors.

    Raises:
        FileFormatError: a length does not fit the file, or an entry points outside of the index.
    """
    content = np.memmap(path, np.uint8, mode="r") if path.stat().st_size else np.empty(0, np.uint8)
    walk = _Walk(content)
    try:
        walk.index()
        if walk.at != len(content):
            raise _Damage(f"it states {walk.at} bytes and has {len(content)}")
    except _Damage as damage:
        raise FileFormatError(
            f"{path} does not fit what it says of itself ({damage}); build the index again"
        ) from None


class _Walk:
    def __init__(self, content: np.ndarray) -> None:
        self.content, self.at = content, 0

    def take(self, kind: str, count: int = 1) -> np.ndarray:
        """Return the next ``count`` numbers, as a view."""
        size = np.dtype(kind).itemsize * count
        if count < 0 or size > len(self.content) - self.at:
            raise _Damage(f"{count} numbers at byte {self.at} of {len(self.content)}")
        taken = self.content[self.at : self.at + size].view(kind)
        self.at += size
        return taken

    def one(self, kind: str) -> int:
        return int(self.take(kind)[0])

    def vector(self, kind: str, expected: int | None = None) -> np.ndarray:
        """Return a list that begins with its length."""
        count = self.one("<u8")
        if expected is not None and count != expected:
            raise _Damage(f"{count} numbers where {expected} belong")
        return self.take(kind, count)

    def word(self) -> bytes:
        return self.take("u1", 4).tobytes()

    def index(self) -> tuple[int, int]:
        """Pass over an index; return its count and dimensions."""
        magic = self.word()
        if magic not in _KINDS:
            raise _Damage(f"no index begins with {magic!r}")
        dimensions, count = self.one("<i4"), self.one("<i8")
        self.take("u1", _HEADER - 12)
        if dimensions < 1 or count < 0 or count > len(self.content):
            raise _Damage(f"{count} vectors of {dimensions} dimensions")
        _KINDS[magic](self, count, dimensions)
        return count, dimensions

    def flat(self, count: int, dimensions: int) -> None:
        self.vector("<f4", count * dimensions)

    def inverted(self, count: int, dimensions: int) -> None:
        self._lists_of(count, dimensions, self._coarse(dimensions), 4 * dimensions)

    def quantized(self, count: int, dimensions: int) -> None:
        lists = self._coarse(dimensions)
        self.take("u1")
        code_bytes, size, parts, bits = (self.one("<u8") for _ in range(4))
        if size != dimensions or not 1 <= bits <= 16 or code_bytes != (parts * bits + 7) // 8:
            raise _Damage(f"codes of {parts} times {bits} bits for {size} dimensions in {code_bytes} bytes")
        if not parts or dimensions % parts:
            raise _Damage(f"{dimensions} dimensions in {parts} parts")
        self.vector("<f4", dimensions << bits)
        self._lists_of(count, dimensions, lists, code_bytes)

    def in_bytes(self, count: int, dimensions: int) -> None:
        lists = self._coarse(dimensions)
        form = self.one("<i4")
        self.take("u1", 8)  # how the ranges of the numbers were found
        size, code_bytes = self.one("<u8"), self.one("<u8")
        if form != 0 or (size, code_bytes) != (dimensions, dimensions):
            raise _Damage(f"codes of the form {form} and {code_bytes} bytes for {size} dimensions")
        self.vector("<f4", 2 * dimensions)
        if self.one("<u8") != code_bytes or self.one("u1") > 1:
            raise _Damage("its codes are of another size than it says")
        self._lists_of(count, dimensions, lists, code_bytes)

    def _coarse(self, dimensions: int) -> int:
        lists, probes = self.one("<u8"), self.one("<u8")
        if not 1 <= lists <= len(self.content) or not probes >= 1:
            raise _Damage(f"{lists} lists of which {probes} are looked at")
        if self.index() != (lists, dimensions):
            raise _Damage("its lists and their middles differ in number")
        if self.one("u1"):
            raise _Damage("a direct map, which no index has")
        self.vector("<i8", 0)
        return lists

    def _lists_of(self, count: int, dimensions: int, lists: int, code_bytes: int) -> None:
        word = self.word()
        if word != b"ilar" or (self.one("<u8"), self.one("<u8")) != (lists, code_bytes):
            raise _Damage("its lists are of another number or size than it says")
        word = self.word()
        if word == b"full":
            sizes = self.vector("<u8", lists)
        elif word == b"sprs":
            pairs = self.vector("<u8")
            if len(pairs) % 2 or (pairs[::2] >= lists).any():
                raise _Damage("a list beyond the last")
            sizes = pairs[1::2]
        else:
            raise _Damage(f"lists of the kind {word!r}")
        if (sizes > count).any() or int(sizes.sum()) != count:
            raise _Damage(f"its lists do not hold {count} vectors")
        for size in sizes.tolist():
            self.take("u1", size * code_bytes)
            ids = self.take("u1", 8 * size).copy().view("<i8")
            if size and (ids.min() < 0 or ids.max() >= count):
                raise _Damage(f"a row beyond the {count} vectors")

    def linked(self, count: int, dimensions: int) -> None:
        self.vector("<f8")
        per_level = self.vector("<i4")
        levels, offsets = self.vector("<i4", count), self.vector("<u8", count + 1)
        links = self.vector("<i4")
        entry, deepest = self.one("<i4"), self.one("<i4")
        self.take("<i4", 3)
        inside = count == 0 or (
            0 <= entry < count
            and bool((levels >= 1).all() and (levels < len(per_level)).all())
            and 0 <= deepest == int(levels.max()) - 1
            and bool((np.diff(offsets.astype(np.int64)) == per_level[levels]).all())
        )
        if not inside or (len(links) and (links.min() < -1 or links.max() >= count)):
            raise _Damage(f"a link beyond the {count} vectors")
        if int(offsets[-1]) != len(links) or self.index() != (count, dimensions):
            raise _Damage("its links and its vectors differ in number")


_KINDS: dict[bytes, Any] = {
    b"IxFI": _Walk.flat,
    b"IxF2": _Walk.flat,
    b"IwFl": _Walk.inverted,
    b"IwSq": _Walk.in_bytes,
    b"IwPQ": _Walk.quantized,
    b"IHNf": _Walk.linked,
}
