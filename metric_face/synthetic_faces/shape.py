"""The shape of the head: its outline, and what its turn does to points on the face."""

import numpy as np

from metric_face.arrays import Doubles
from metric_face.synthetic_faces.brush import curve, mirrored
from metric_face.synthetic_faces.traits import Traits


def turned(points: Doubles, t: Traits, depth: float) -> Doubles:
    """Doubles moved sideways by the yaw of the head, most at the middle of the face."""
    found = points.copy()
    found[:, 0] += t.yaw * depth * np.maximum(1 - points[:, 0] ** 2, 0)
    return found


def contour(t: Traits) -> Doubles:
    """The outline of the head from the crown to the chin."""
    r, sag = 0.05 * t.roundness, 0.06 * t.sag
    right = [
        *((0, -1.42), (0.48, -1.34), (0.82, -1.02), (0.95, -0.55), (0.965, -0.05)),
        *((0.955 + 0.4 * r, 0.32), (0.875 + r, 0.66), (t.jaw + 0.04 + r + sag, 0.98 + sag)),
        *((t.chin + 0.10 + 0.5 * r, 1.29), (t.chin * 0.55, 1.40 - 0.4 * r), (0, 1.425 - 0.4 * r)),
    ]
    return turned(mirrored(curve(right)), t, 0.1)


def half_width(t: Traits, y: float) -> float:
    """Half the width of the face at a height."""
    outline = contour(t)
    right = outline[: len(outline) // 2]
    return float(np.interp(y, right[:, 1], right[:, 0], left=0.0, right=0.0))
