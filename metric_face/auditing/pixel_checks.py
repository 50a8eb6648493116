"""Images that hold a file's worth of pixels and show nothing: of one color, or black."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metric_face.auditing.findings import DataFinding

BLACK = 16
"""An image whose brightest channel is at most this, of 255, is called black: 12 bits in a 16-bit file reach 16."""


def check_pixels(
    paths: Sequence[Path], darkest: NDArray[np.uint8], brightest: NDArray[np.uint8], broken: dict[int, str]
) -> Iterator[DataFinding]:
    """Images of a single color, and images in which nothing is brighter than black.

    Args:
        paths: N files.
        darkest: (N, 3) the least of each channel; brightest: (N, 3) the most.
        broken: rows that could not be read; they are not checked.
    """
    read = ~np.isin(np.arange(len(paths)), list(broken))
    flat = read & (darkest == brightest).all(axis=1)
    black = read & (brightest <= BLACK).all(axis=1)
    if flat.any():
        rows = np.flatnonzero(flat)
        color = ", ".join(map(str, darkest[rows[0]].tolist()))
        yield DataFinding(
            "flat-images",
            "warning",
            "flat-images",
            {"count": len(rows), "images": len(paths), "first": str(paths[rows[0]]), "color": color},
            tuple((int(row),) for row in rows),
        )
    if (black & ~flat).any():
        rows = np.flatnonzero(black & ~flat)
        most = int(brightest[rows[0]].max())
        yield DataFinding(
            "black-images",
            "warning",
            "black-images",
            {"count": len(rows), "images": len(paths), "first": str(paths[rows[0]]), "most": most},
            tuple((int(row),) for row in rows),
        )
