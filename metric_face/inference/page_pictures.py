"""The images that the page of some answers shows, each once, as thumbnails."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metric_face.errors import DataError
from metric_face.files import inside
from metric_face.inference.predictor import Predictor
from metric_face.pages import Thumbnails, make_thumbnails

THUMBNAIL_BYTES = 6_000_000


@dataclass(frozen=True)
class Tile:
    """An image on the page: its number among the thumbnails, or why it has none."""

    thumbnail: int | None
    reason: str = ""


class PagePictures:
    """The files that the page shows, each once."""

    def __init__(self, predictor: Predictor, thumbnails: bool, absent: str) -> None:
        self.predictor, self.thumbnails, self.absent = predictor, thumbnails, absent
        self.files: list[Path] = []
        self.broken: frozenset[int] = frozenset()
        self._number: dict[Path, int] = {}

    def asked(self, path: str) -> Tile:
        return self._tile(Path(path))

    def indexed(self, path: str) -> Tile:
        try:
            return self._tile(inside(self.predictor.root, str(self.predictor.where(path))))
        except DataError:  # it leaves the data's folder, or is absolute and gone
            return Tile(None, self.absent)

    def draw(self) -> Thumbnails | None:
        if not self.files:
            return None
        everywhere = np.zeros((len(self.files), 2), np.float32)
        drawn = make_thumbnails(
            self.files, everywhere, budget=THUMBNAIL_BYTES, first=np.arange(len(self.files), dtype=np.int64)
        )
        self.broken = frozenset(drawn.broken)
        return drawn

    def _tile(self, file: Path) -> Tile:
        if not self.thumbnails:
            return Tile(None)
        if not file.is_file():
            return Tile(None, self.absent)
        if file not in self._number:
            self._number[file] = len(self.files)
            self.files.append(file)
        return Tile(self._number[file])
