"""The data block of a map: its points and what is known of them, packed small, as ``pages/data.js`` reads them."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Floats
from metric_face.pages import Column, pack, pack_ids, palette
from metric_face.visualization.mixing import class_centers

_NEAR = 6


def pack_coords(coords: Floats) -> dict[str, Any]:
    """The axes in one unit, which keeps the shape, the second downwards; 16 bits are finer than any screen."""
    axes = coords.shape[1]
    if not len(coords):
        extent, scaled, span = np.ones(axes), np.zeros((0, axes), dtype=np.uint16), 1.0
    else:
        low, extent = coords.min(axis=0), np.ptp(coords, axis=0)
        span = float(max(extent.max(), 1e-9))
        scaled = np.round((coords - low) / span * 65535).astype(np.uint16)
        scaled[:, 1] = np.round(extent[1] / span * 65535).astype(np.uint16) - scaled[:, 1]
    used = np.maximum(extent / span, 0.05 if axes == 2 else 0.0)
    packed = {name: pack(scaled[:, at]) for at, name in enumerate("xyz"[:axes])}
    return packed | {name: float(used[at]) for at, name in enumerate(("width", "height", "depth")[:axes])}


def pack_centers(coords: Floats, column: Column) -> list[list[float] | None]:
    """Where each class's name belongs, in the units of ``pack_coords``."""
    low, top = coords.min(axis=0), float(coords[:, 1].max())
    span = float(max(np.ptp(coords, axis=0).max(), 1e-9))

    def place(center: tuple[float, ...]) -> list[float]:
        found = [(value - float(least)) / span for value, least in zip(center, low, strict=True)]
        found[1] = (top - center[1]) / span
        return [round(value, 5) for value in found]

    return [None if center is None else place(center) for center in class_centers(coords, column)]


def pack_column(column: Column, labels: str) -> dict[str, Any]:
    """A column with its colors; ``labels`` heads the columns that name no group."""
    made: dict[str, Any] = {
        "name": column.name,
        "note": column.note,
        "group": column.group or labels,
        "classes": column.classes,
        "ordered": column.ordered,
        "measured": bool(column.group),
        "derived": False,
    }
    if column.classes is None:
        return {
            **made,
            "range": list(column.range),
            "colors": themes(palette.ramp(column.ramp)),
            "data": pack(column.values.astype(np.float32)),
        }
    count = column.num_classes
    neutral = column.neutral
    highest = next(most for most in (2**8 - 1, 2**16 - 1, 2**32 - 1) if count <= most)  # of the type: unknown
    codes = np.where(column.values < 0, highest, column.values)
    return {
        **made,
        "neutral": neutral,
        "leading": list(column.colored()) if neutral else [],
        "links": [[a, b, round(share, 4)] for a, b, share in column.links],
        "colors": themes(palette.NEUTRAL if neutral else column.shades()),
        "shapes": list(column.shapes()) if column.joint else [],
        "data": pack_ids(codes, highest),
    }


def themes(shades: palette.Shades) -> dict[str, tuple[str, ...]]:
    """Colors by the name of the theme."""
    return {"light": shades.light, "dark": shades.dark}


def names_of(n: int, images: Sequence[str | Path] | None, paths: Sequence[str] | None) -> list[str]:
    """The texts that name the points: as given, else the images below their common folder, else row numbers."""
    if paths is not None:
        return [str(path) for path in paths]
    if images is None or not n:
        return [str(row) for row in range(n)]
    whole = [os.path.abspath(image) for image in images]
    folder = os.path.commonpath([os.path.dirname(image) for image in whole])  # whose it is stays at home
    return [Path(image).relative_to(folder).as_posix() for image in whole]


def pack_neighbors(neighbors: ArrayLike, n: int) -> dict[str, Any]:
    """The first few neighbors of each point; N stands for none."""
    near = np.asarray(neighbors)[:, :_NEAR]
    near = np.where((near < 0) | (near == np.arange(n)[:, None]), n, near)
    return {"near": pack_ids(near.ravel(), n), "nearCount": near.shape[1]}


def pack_paths(texts: Sequence[str]) -> dict[str, Any]:
    """Paths as folder and name, each different one told once: a folder holds many files, and names recur in folders."""
    parts = [text.rpartition("/") for text in texts]
    folders, folder = _numbered(f"{head}{slash}" for head, slash, _ in parts)
    names, name = _numbered(tail for _, _, tail in parts)
    return {"folders": folders, "names": names, "folder": folder, "name": name}


def _numbered(texts: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    places: dict[str, int] = {}
    numbers = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.int64)
    return list(places), pack_ids(numbers, len(places))
