"""FacesFound: the faces of many images as a table of boxes, and what was found on none."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from metric_face.arrays import Doubles, Ints
from metric_face.data import BOX, ImageTable, fold_boxes
from metric_face.files import plain, write_text
from metric_face.plurals import counted


@dataclass(frozen=True)
class FacesFound:
    """Faces of the images of a table, in its order, the largest of an image first.

    Attributes:
        source: the images that were looked at.
        frame: F rows: the columns of the image's row, and its box as ``x1, y1, x2, y2`` in pixels of the upright image.
        scores: (F,) probability that it is a face.
        points: (F, 5, 2) x and y of left eye, right eye, nose, left and right corner of the mouth, in the same pixels.
        rows: (F,) row of the image in ``source``.
        without: names of images without a face.
        failed: name of an image that cannot be used -> why.
    """

    source: ImageTable
    frame: pd.DataFrame
    scores: Doubles
    points: Doubles
    rows: Ints
    without: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"FacesFound({self.lines()[-1]})"

    @property
    def table(self) -> ImageTable:
        """The faces as images, each a path that ends in its box; what every function takes.

        Raises:
            DataError: there is no face.
        """
        frame = self.frame.copy()
        fold_boxes(frame, BOX, self.source.root)
        return ImageTable(frame, self.source.root)

    def write(self, path: str | Path) -> Path:
        """Write the boxes as CSV; images below its folder are named relative to it, others in full."""
        folder = os.path.dirname(os.path.abspath(path))
        names = [name_from(folder, self.source.root / name) for name in self.frame["path"]]
        return write_text(path, self.frame.assign(path=names).to_csv(index=False))

    def lines(self) -> list[str]:
        """Images that cannot be used, images without a face, and how many there are."""
        images = len(self.source)
        looked = images - len(self.without) - len(self.failed)
        return [
            *self.failed.values(),
            *(f"no face: {name}" for name in self.without),
            f"{counted(len(self), 'faces')} on {looked:,} of {counted(images, 'images')}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data for JSON."""
        faces = [
            {"path": name, "box": box, "score": score, "points": points}
            for name, box, score, points in zip(
                self.frame["path"],
                self.frame[list(BOX)].to_numpy().tolist(),
                self.scores.tolist(),
                self.points.round(2).tolist(),
                strict=True,
            )
        ]
        found: dict[str, Any] = plain(
            {
                "images": len(self.source),
                "faces": faces,
                "without": list(self.without),
                "failed": self.failed,
            }
        )
        return found


def name_from(folder: str, file: Path) -> str:
    """The name of a file relative to a folder that it is in, or in full."""
    whole = os.path.abspath(file)
    return os.path.relpath(whole, folder) if Path(whole).is_relative_to(folder) else whole
