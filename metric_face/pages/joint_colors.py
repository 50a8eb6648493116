"""JointColors: how the classes of several attributes at once are told apart: by hue, by shade and by shape."""

from collections.abc import Sequence
from dataclasses import dataclass

SHAPES = ("disc", "triangle", "square", "diamond")
"""Shapes that a point may have, in the order in which they are given out."""


@dataclass(frozen=True)
class JointColors:
    """Hue, shade and shape of each of C joint classes, with what they stand for.

    Attributes:
        places: (C, 3) the hue, the shade and the shape of each class, as places in the three lists.
        hues: the classes that the hues stand for.
        shades: the same for light to dark.
        shapes: the same for ``SHAPES``; one entry where all points are discs.
    """

    places: tuple[tuple[int, int, int], ...]
    hues: tuple[str, ...]
    shades: tuple[str, ...]
    shapes: tuple[str, ...]


def joint_colors(
    codes: Sequence[Sequence[int]],
    classes: Sequence[Sequence[str]],
    ordered: Sequence[bool],
    most_hues: int,
) -> JointColors | None:
    """Hue, shade and shape of each joint class, or None where the hues would be too many.

    The shade is the ordered attribute, else the one with the most classes of at most four. Of three or more attributes
    the smallest other one is the shape, and what is left is the hue.

    Args:
        codes: (C, A) the class of each joint class in each of A attributes.
        classes: of each attribute, its names.
        ordered: (A,) whether its classes have an order.
        most_hues: that can be told apart.
    """
    sizes = [len(names) for names in classes]
    fitting = [at for at, size in enumerate(sizes) if size <= len(SHAPES)]
    if len(sizes) < 2 or not fitting:
        return None
    shade = max(fitting, key=lambda at: (ordered[at], sizes[at]))
    rest = [at for at in range(len(sizes)) if at != shade]
    small = [at for at in rest if 1 < sizes[at] <= len(SHAPES)]
    shape = min(small, key=lambda at: sizes[at]) if len(rest) > 1 and small else None
    by_hue = [at for at in rest if at != shape]
    hues = [""]
    for at in by_hue:
        hues = [f"{before} / {name}" if before else name for before in hues for name in classes[at]]
    if len(hues) > most_hues:
        return None
    places = []
    for row in codes:
        hue = 0
        for at in by_hue:
            hue = hue * sizes[at] + row[at]
        places.append((int(hue), int(row[shade]), 0 if shape is None else int(row[shape])))
    shapes = ("",) if shape is None else tuple(classes[shape])
    return JointColors(tuple(places), tuple(hues), tuple(classes[shade]), shapes)
