"""How much of their images boxes cover, and what a center crop in their place would cut off."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from metric_face.auditing.findings import DataFinding
from metric_face.data import ImageTable, box_of, file_of

MOST_LOOKED_AT = 5000
_EXIF_ORIENTATION, _SIDEWAYS = 274, (5, 6, 7, 8)
_CUT = 0.1


def check_boxes(table: ImageTable) -> Iterator[DataFinding]:
    """The coverage of boxes, and those that reach beyond their image.

    Args:
        table: N images, some of them boxes.
    """
    names = table.frame["path"].tolist()
    boxed = [row for row, name in enumerate(names) if box_of(name) is not None]
    if not boxed:
        return
    looked = np.sort(np.random.default_rng(0).permutation(boxed)[:MOST_LOOKED_AT]).tolist()
    sizes: dict[str, tuple[int, int] | None] = {}
    covered, cut, beyond = [], 0, []
    for row in looked:
        file = str(file_of(table.paths[row]))
        if file not in sizes:
            sizes[file] = upright_size(file)
        box, size = box_of(names[row]), sizes[file]
        if size is None or box is None:  # a broken file is a finding of its own
            continue
        right, bottom = box.left + box.width, box.top + box.height
        inside = (min(right, size[0]) - box.left) * (min(bottom, size[1]) - box.top)
        if min(right, size[0]) <= box.left or min(bottom, size[1]) <= box.top:
            continue  # nothing is inside: it is among the broken images
        covered.append(inside / (size[0] * size[1]))
        if right > size[0] or bottom > size[1]:
            beyond.append(row)
        side = min(size)
        left, top = (size[0] - side) / 2, (size[1] - side) / 2
        wide = max(0.0, min(right, left + side) - max(box.left, left))
        high = max(0.0, min(bottom, top + side) - max(box.top, top))
        cut += wide * high < (1 - _CUT) * inside
    if not covered:
        return
    values = {
        "boxes": len(boxed),
        "images": len(table),
        "files": len({str(file_of(names[row])) for row in boxed}),
        "median": float(np.median(covered)),
        "least": float(min(covered)),
        "most": float(max(covered)),
        "cut": cut,
        "looked": len(covered),
    }
    yield DataFinding("crop-coverage", "note", "boxes", values)
    if beyond:
        first = {"count": len(beyond), "looked": len(covered), "first": str(names[beyond[0]])}
        yield DataFinding("boxes-clipped", "warning", "boxes-clipped", first, tuple((row,) for row in beyond))


def upright_size(file: str) -> tuple[int, int] | None:
    """(width, height) of an image as a viewer shows it, from its header; None where it cannot be read."""
    try:
        with Image.open(file) as image:
            sideways = image.getexif().get(_EXIF_ORIENTATION) in _SIDEWAYS
            return (image.height, image.width) if sideways else (image.width, image.height)
    except Exception:  # Pillow raises whatever its decoders meet
        return None
