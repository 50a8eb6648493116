"""Images that are there twice: the same bytes, or the same picture saved again."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metric_face.data import SIDE, perceptual_bits

_BANDS = 8  # of 12 or 13 bits: two hashes that differ in seven bits or fewer agree in one band at least
_MOST_BITS = 12
_LIKE = 0.995  # correlation at 16 x 16 pixels; benchmarks/results/robustness-advice.md has what it finds and accuses
_ONES = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.int64)
_FLAT = 4.0  # gray levels; a picture that varies less, such as a blank one, is like any other
_CROWD = 400  # images that share a band: looked at in the order of the table, neighbors only


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


def near_pairs(pictures: NDArray[np.uint8], digests: Sequence[str] | None = None) -> list[tuple[int, int]]:
    """Pairs of rows that show the same picture, resized or recompressed.

    Their perceptual hashes agree in one of eight bands and differ in at most 12 of 100 bits, and at 16 x 16 pixels
    they correlate at 0.995 or more: two photographs of one identity in one pose, with and without a mask, do not. How
    many copies are found and how many pairs of one identity are taken for copies is in
    ``benchmarks/results/robustness-advice.md``.

    Args:
        pictures: (N, 32, 32) small and gray.
        digests: (N,) of the bytes; with them only the first row of equal bytes is compared. A file that is there a
            thousand times then costs no more than once, and crowds no other picture out.

    Returns:
        Pairs (i, j), i < j, sorted; without digests, rows of equal bytes among them.
    """
    if digests is None:
        return _near(pictures)
    later = {row for group in exact_groups(digests) for row in group[1:]}
    kept = [row for row in range(len(pictures)) if row not in later]
    return [(kept[i], kept[j]) for i, j in _near(pictures[kept])]


def _near(pictures: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Pairs of pictures that are the same by their hashes and their pixels."""
    half = pictures.reshape(-1, SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4), dtype=np.float32)
    coarse = half.reshape(len(pictures), -1)
    usable = np.flatnonzero(coarse.std(axis=1) > _FLAT)
    if usable.size < 2:
        return []
    centered = coarse[usable] - coarse[usable].mean(axis=1, keepdims=True)
    unit = centered / np.linalg.norm(centered, axis=1, keepdims=True)  # whose products are correlations
    bits = perceptual_bits(pictures[usable])
    packed = np.packbits(bits, axis=1)
    found: set[tuple[int, int]] = set()
    for band in np.array_split(bits, _BANDS, axis=1):
        key = band @ (1 << np.arange(band.shape[1], dtype=np.int64))
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
                close = apart <= _MOST_BITS
                first, second = first[close], second[close]
                alike = np.einsum("ij,ij->i", unit[first], unit[second]) >= _LIKE
                found.update(zip(usable[first[alike]].tolist(), usable[second[alike]].tolist(), strict=True))
    return sorted((min(pair), max(pair)) for pair in found)
