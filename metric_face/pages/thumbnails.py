"""Thumbnails on WebP sheets, as large as a budget of bytes allows."""

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from metric_face.arrays import Floats, Ints
from metric_face.data import open_image
from metric_face.errors import ImageError
from metric_face.progress import Progress, silent

ACROSS = 16
"""Tiles along each side of a sheet."""

# Sides and WebP qualities, best first. Sides are multiples of WebP's 16-pixel blocks, so that tiles hardly bleed into
# each other; of two that take as many bytes, the larger side at the lower quality shows more of an image.
_LADDER = ((128, 60), (96, 50), (80, 40), (64, 35), (48, 30), (32, 35))
_SAMPLE = 128
_SPREAD = 24
_BROKEN = (128, 128, 128)


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """Square thumbnails of some of N images.

    Attributes:
        side: of a tile, in pixels.
        order: (T,) which image is on each tile; tiles run along the rows of a sheet, sheet after sheet.
        sheets: WebP images of ``ACROSS`` x ``ACROSS`` tiles, the last one with as many rows as it needs.
        broken: rows of images that could not be read; their tiles are gray.
    """

    side: int
    order: Ints
    sheets: list[bytes]
    broken: tuple[int, ...]


def make_thumbnails(
    images: Sequence[str | Path],
    coords: Floats,
    *,
    budget: int,
    first: Sequence[int] | Ints = (),
    workers: int = 4,
    progress: Progress = silent,
) -> Thumbnails:
    """Make thumbnails of the images behind a map.

    Args:
        images: N files.
        coords: (N, 2) their places: near ones share a sheet, so that a look at a region opens few sheets.
        budget: bytes that the sheets may take, roughly. The side of a tile shrinks to fit; where even the smallest
            does not, only some images get one, spread over the map.
        first: rows that must have a thumbnail, such as evidence.
        workers: threads; Pillow releases the interpreter while it decodes and scales.
        progress: called with (thumbnails made, thumbnails in all).
    """
    if not len(images):
        return Thumbnails(_LADDER[-1][0], np.zeros(0, dtype=np.int64), [], ())
    order = _tile_order(coords, np.asarray(first, dtype=np.int64))
    sample = order[np.linspace(0, len(order) - 1, min(_SAMPLE, len(order))).astype(int)]
    broken: set[int] = set()
    with ThreadPoolExecutor(workers) as pool:

        def read(row: int, side: int) -> Image.Image:
            tile = read_tile(images[row], side)
            if tile is None:
                broken.add(row)
            return tile or gray_tile(side)

        large = list(pool.map(lambda row: read(int(row), _LADDER[0][0]), sample))
        side, quality, each = _best_rung(large, budget / len(order))
        kept = _keep(order, max(int(budget / each), len(first), 1), len(first))
        sheets, done = [], 0
        for rows in _pieces(kept, ACROSS * ACROSS):
            sheets.append(_encode(list(pool.map(lambda row: read(int(row), side), rows)), side, quality))
            done += len(rows)
            progress(done, len(kept))
    return Thumbnails(side, kept, sheets, tuple(sorted(broken)))


def read_tile(image: str | Path, side: int) -> Image.Image | None:
    """The middle square of an image, ``side`` pixels wide; None where it cannot be read."""
    try:
        return ImageOps.fit(open_image(image, at_least=(side, side)), (side, side))
    except ImageError:
        return None


def gray_tile(side: int) -> Image.Image:
    """What stands for an image that cannot be read."""
    return Image.new("RGB", (side, side), _BROKEN)


def _best_rung(sample: list[Image.Image], budget_each: float) -> tuple[int, int, float]:
    """The best side and quality whose tiles fit, and the bytes that one tile takes."""
    for side, quality in _LADDER:
        small = [image if side == _LADDER[0][0] else image.resize((side, side)) for image in sample]
        each = len(_encode(small, side, quality)) / len(small)
        if each <= budget_each:
            break
    return side, quality, each


def _encode(tiles: list[Image.Image], side: int, quality: int) -> bytes:
    rows = -(-len(tiles) // ACROSS)
    sheet = Image.new("RGB", (ACROSS * side, rows * side), _BROKEN)
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % ACROSS * side, place // ACROSS * side))
    buffer = io.BytesIO()
    sheet.save(buffer, "WEBP", quality=quality, method=3)
    return buffer.getvalue()


def _tile_order(coords: Floats, first: Ints) -> Ints:
    """Rows in the order of their tiles: what must be there, one for each region of the map, then region by region."""
    whole = np.random.default_rng(0).permutation(len(coords))
    cells = _squares(coords, _SPREAD)[whole]
    spread = whole[np.sort(np.unique(cells[:, 0] * _SPREAD + cells[:, 1], return_index=True)[1])]
    ahead = _once(np.concatenate([first, spread]))
    rest = whole[~np.isin(whole, ahead)]
    return np.concatenate(
        [ahead, rest[np.argsort(_along_curve(_squares(coords[rest], 1 << 10)), kind="stable")]]
    )


def _keep(order: Ints, count: int, needed: int) -> Ints:
    """``count`` rows if all do not fit: the ``needed`` ones and a sheet more as they come, the later ones thinned."""
    if count >= len(order):
        return order
    ahead = min(count, max(needed, ACROSS * ACROSS))
    rest = order[ahead:]
    return np.concatenate([order[:ahead], rest[np.linspace(0, len(rest) - 1, count - ahead).astype(int)]])


def _squares(coords: Floats, count: int) -> Ints:
    low = coords.min(axis=0, initial=np.inf)
    span = np.maximum(coords.max(axis=0, initial=-np.inf) - low, 1e-9)
    return np.asarray(np.minimum((coords - low) / span * count, count - 1), dtype=np.int64)


def _along_curve(squares: Ints) -> Ints:
    """Position along the Z-order curve: neighbors on it are mostly neighbors on the map (Morton, 1966)."""
    code = np.zeros(len(squares), dtype=np.int64)
    for bit in range(10):
        for axis in range(2):
            code |= (squares[:, axis] >> bit & 1) << (2 * bit + axis)
    return code


def _once(rows: Ints) -> Ints:
    return rows[np.sort(np.unique(rows, return_index=True)[1])]


def _pieces(rows: Ints, size: int) -> Iterator[Ints]:
    for at in range(0, len(rows), size):
        yield rows[at : at + size]
