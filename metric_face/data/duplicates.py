"""Images that are there twice: the same bytes, or the same picture saved again."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metric_face.data.fingerprints import perceptual_bits

_BANDS, _BAND = 10, 25
MOST_BITS = _BANDS - 1
"""Two pictures whose 250 bits differ in more than this are not compared."""
_LIKE = 0.985  # correlation of the two small pictures: recompressed copies have 0.99 and more
_ONES = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.int64)
_FLAT = 4.0  # grey levels; a picture that varies less, such as a blank one, is like any other
_CROWD = 400  # images that share a band: looked at in the order of the table, neighbours only


def exact_groups(digests: Sequence[str]) -> list[tuple[int, ...]]:
    """The rows of files with equal bytes, in groups of two or more.

    Args:
        digests: (N,) of the bytes; "" for a file that could not be read.
    """
    rows: dict[str, list[int]] = {}
    for row, digest in enumerate(digests):
        if digest:
            rows.setdefault(digest, []).append(row)
    return [tuple(group) for group in rows.values() if len(group) > 1]


def near_pairs(pictures: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Pairs of rows that show the same picture, resized or recompressed.

    Their perceptual hashes differ in at most nine of 250 bits, so that at least one of ten bands of 25 bits is
    equal, and their small pictures correlate at 0.985 or more.

    Args:
        pictures: (N, 32, 32) small and grey.

    Returns:
        Pairs (i, j), i < j, sorted; rows of equal bytes among them.
    """
    flat = pictures.reshape(len(pictures), -1)
    usable = np.flatnonzero(flat.std(axis=1) > _FLAT)
    if usable.size < 2:
        return []
    bits = perceptual_bits(pictures[usable])
    packed = np.packbits(bits, axis=1)
    powers = 1 << np.arange(_BAND, dtype=np.int64)
    found: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        key = bits[:, band * _BAND : (band + 1) * _BAND] @ powers
        order = np.argsort(key, kind="stable")
        ranked = key[order]
        for step in range(1, min(_CROWD, usable.size)):
            same = np.flatnonzero(ranked[step:] == ranked[:-step])
            if not same.size:
                break
            for start in range(0, same.size, 1 << 16):
                some = same[start : start + (1 << 16)]
                first, second = order[some], order[some + step]
                apart = _ONES[packed[first] ^ packed[second]].sum(axis=1)
                close = apart <= MOST_BITS
                first, second = usable[first[close]], usable[second[close]]
                alike = _correlation(flat[first], flat[second]) >= _LIKE
                found.update(zip(first[alike].tolist(), second[alike].tolist(), strict=True))
    return sorted((min(pair), max(pair)) for pair in found)


def _correlation(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(M,) of M pairs of pictures (M, 1024)."""
    x = a - a.mean(axis=1, keepdims=True)
    y = b - b.mean(axis=1, keepdims=True)
    return np.asarray((x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1)))
