"""find_faces: the faces on the images of a table, as a table of boxes and as aligned crops."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from metric_face.arrays import Ints
from metric_face.data import BOX, ImageTable, box_of, file_of, open_image
from metric_face.errors import ArgumentError, DataError, ImageError
from metric_face.faces.alignment import SIDE, align_face
from metric_face.faces.detector import DetectedFaces, FaceDetector
from metric_face.faces.geometry import square_boxes
from metric_face.faces.result import FacesFound
from metric_face.files import (
    ALIGNED,
    file_target,
    folder_target,
    replace_folder,
    sha256_of,
    write_json,
    write_text,
)
from metric_face.progress import Progress, silent

Detect = Callable[[Image.Image], DetectedFaces]


def find_faces(
    source: str | Path | ImageTable,
    *,
    every: bool = False,
    smallest: int | None = None,
    threshold: float = 0.8,
    margin: float = 0.2,
    out: str | Path | None = None,
    aligned: str | Path | None = None,
    size: int = SIDE,
    detect: Detect | None = None,
    progress: Progress = silent,
) -> FacesFound:
    """Find the face on each image, as a box with a margin that every command cuts out.

    The detector is MTCNN, with the weights of the package ``mtcnn`` (``pip install 'metric_face[faces]'``).

    Args:
        source: a folder, a CSV or Parquet file, or a table, whose columns are kept; of a row with a box, that part is
            looked at.
        every: a row for each face, all with the labels of their image; otherwise for the largest alone.
        smallest: pixels along the side of the smallest face that is sought; None for 20, or a fiftieth of an image's
            shorter side where that is more.
        threshold: the least probability of a face.
        margin: what a box is widened by on each side, as a share of it; boxes are squares, cut off at the border.
        out: a CSV to write, of the boxes.
        aligned: a folder to make, of crops on which eyes, nose and mouth lie at the same pixels, and their
            ``images.csv``.
        size: pixels along each side of an aligned crop.
        detect: another detector: an RGB image of Pillow to its faces.
        progress: called with (images looked at, images in all).

    Returns:
        The faces; images without one, and images that cannot be used, are listed.

    Raises:
        ArgumentError: an argument is out of range.
        MissingExtraError: the extra ``faces`` is not installed.
        DataError: the table cannot be read, or no image has a face; nothing is written.
        OutputError: ``out`` or ``aligned`` may not be written.

    Reference:
        Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks, IEEE
        Signal Processing Letters 23(10), 2016.
    """
    if not 0 <= margin <= 2:
        raise ArgumentError(f"margin: must be from 0 to 2 times a box, found {margin}; the default is 0.2")
    if not 16 <= size <= 2048:
        raise ArgumentError(f"size: must be from 16 to 2048 pixels, found {size}; the default is {SIDE}")
    if out is not None:
        file_target(out)
    if aligned is not None:
        folder_target(aligned, ALIGNED)
    detect = detect or FaceDetector(smallest=smallest, threshold=threshold)
    table = source if isinstance(source, ImageTable) else ImageTable.read(source)
    with ExitStack() as stack:
        folder = None if aligned is None else stack.enter_context(replace_folder(aligned, ALIGNED))
        crops = None if folder is None else _Crops(folder, size)
        found = _look_at(table, detect, every, margin, crops, progress)
        if not len(found):
            raise DataError(
                f"faces: none found on {len(table):,} images, {len(found.failed):,} of which cannot be used; are there "
                "faces on them? A lower threshold, or a lower smallest, finds more"
            )
        if crops is not None:
            crops.list_all(found)
    if out is not None:
        found.write(out)
    return found


@dataclass(frozen=True)
class _Crops:
    """Aligned crops in a folder; ``names`` lists them as they are written."""

    folder: Path
    size: int
    names: list[str] = field(default_factory=list)

    def add(self, row: int, image: Image.Image, faces: DetectedFaces) -> None:
        for number, points in enumerate(faces.points, start=1):
            self.names.append(f"{row:06d}-{number}.png")
            align_face(image, points, self.size).save(self.folder / self.names[-1])

    def list_all(self, found: FacesFound) -> None:
        table = found.frame.drop(columns=list(BOX)).assign(path=self.names)
        written = write_text(self.folder / "images.csv", table.to_csv(index=False))
        write_json(self.folder / ALIGNED.description, {"fingerprint": sha256_of(written)}, version=1)


def _look_at(
    table: ImageTable,
    detect: Detect,
    every: bool,
    margin: float,
    crops: _Crops | None,
    progress: Progress,
) -> FacesFound:
    """The faces of every image, in pixels of the whole image where a row is a part of it."""
    per_image: list[DetectedFaces] = [DetectedFaces(np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2)))]
    rows: list[int] = []
    without: list[str] = []
    failed: dict[str, str] = {}
    for row, path in enumerate(table.paths):
        name = str(table.frame["path"].iloc[row])
        try:
            image = open_image(path)
        except ImageError as error:
            failed[name] = str(error)
        else:
            faces = _with_margin(detect(image), margin, image.size, None if every else 1)
            if not len(faces):
                without.append(name)
            if crops is not None:
                crops.add(row, image, faces)
            corner = np.array((box_of(path) or (0, 0))[:2])
            per_image.append(
                DetectedFaces(faces.boxes + np.tile(corner, 2), faces.scores, faces.points + corner)
            )
            rows += [row] * len(faces)
        progress(row + 1, len(table))
    at: Ints = np.array(rows, dtype=np.int64)
    frame = table.frame.iloc[at].reset_index(drop=True)
    frame["path"] = [str(file_of(name)) for name in frame["path"]]
    sides = np.concatenate([one.boxes for one in per_image]).astype(np.int64)
    frame = pd.concat([frame, pd.DataFrame(sides, columns=list(BOX))], axis=1)
    scores = np.concatenate([one.scores for one in per_image])
    points = np.concatenate([one.points for one in per_image])
    return FacesFound(table, frame, scores, points, at, tuple(without), failed)


def _with_margin(
    faces: DetectedFaces, margin: float, size: tuple[int, int], most: int | None
) -> DetectedFaces:
    """The first faces with boxes widened, in whole pixels and cut off at the border of an image of (width, height)."""
    boxes = square_boxes(faces.boxes, margin).round().clip(0, np.tile(size, 2))
    kept = np.flatnonzero(np.all(boxes[:, 2:] > boxes[:, :2], axis=1))[:most]
    return DetectedFaces(boxes[kept], faces.scores[kept], faces.points[kept])
