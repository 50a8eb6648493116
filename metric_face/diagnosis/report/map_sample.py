"""Which images are points of the page's map: all of them, or of very many a sample that holds every class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.report.sentences import words

MOST_POINTS = 100_000
"""Points of the map: a layout of more takes many minutes, and the page more memory than a browser gives it."""


@dataclass(frozen=True)
class Shown:
    """The images that are points.

    Attributes:
        rows: (M,) their rows, ascending.
        of: N, how many images there are.
    """

    rows: Ints
    of: int

    @property
    def is_sample(self) -> bool:
        """Whether some images are no points."""
        return len(self.rows) < self.of

    def places(self, rows: Ints) -> Ints:
        """The points of some rows, in their order; a row that is no point is left out."""
        found = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.asarray(found[self.rows[found] == rows], dtype=np.int64)


def shown_images(context: Context, needed: Sequence[Ints]) -> Shown:
    """Choose the points of the map.

    The sample holds one image of each joint class, what the page shows elsewhere, and of the rest the same share of
    every joint class, to within one image.

    Args:
        context: the images.
        needed: rows that the page shows elsewhere, the most important first.
    """
    count = context.num_images
    if count <= MOST_POINTS:
        return Shown(np.arange(count), count)
    rng = np.random.default_rng(context.seed)
    classes = context.joint if context.attributes else np.zeros(count, np.int64)
    order = np.lexsort((rng.random(count), classes))  # class by class, in random order within
    first = order[np.flatnonzero(np.diff(classes[order], prepend=classes[order[0]] - 1))]
    must = np.concatenate([*needed[:1], first, *needed[1:]]).astype(np.int64)
    must = must[np.sort(np.unique(must, return_index=True)[1])][:MOST_POINTS]
    others = order[~np.isin(order, must)]
    steps = (
        (np.arange(MOST_POINTS - len(must)) + rng.random()) * len(others) / max(1, MOST_POINTS - len(must))
    )
    return Shown(np.sort(np.concatenate([must, others[steps.astype(np.int64)]])), count)


def num_shown(context: Context) -> int:
    """How many images are points."""
    return min(context.num_images, MOST_POINTS)


def sample_text(context: Context, lang: str = "en") -> str:
    """A sentence that says which images the map shows; empty where it shows all."""
    if context.num_images <= MOST_POINTS:
        return ""
    text: str = words(lang).page["map_sample"]
    return text.format(shown=num_shown(context), images=context.num_images, seed=context.seed)
