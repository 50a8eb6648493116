"""A page about images of an index: its thumbnails, each image once, and the page around them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from metric_face.data import file_of
from metric_face.errors import DataError
from metric_face.files import inside, write_text
from metric_face.inference.predictor import Predictor
from metric_face.pages import ACROSS, Thumbnails, make_thumbnails, pack_ids, render

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
            image = self.predictor.where(path)
            inside(self.predictor.root, str(file_of(image)))
            return self._tile(image)
        except DataError:  # it leaves the data's folder, or is absolute and gone
            return Tile(None, self.absent)

    def write(
        self, path: str | os.PathLike[str], template: str, texts: Mapping[str, Any], lang: str, **content: Any
    ) -> Path:
        """Render the page, when everything that it shows has asked for its image, and write it atomically.

        Args:
            path: where the page shall be.
            template: its file.
            texts: of the page, in the language ``lang``.
            lang: ``en`` or ``ko``.
            content: what else the template shows.

        Returns:
            The path written.
        """
        drawn = self._draw()
        block: dict[str, Any] = {"n": len(self.files)}
        if drawn is not None:
            order = pack_ids(drawn.order, block["n"])
            block["thumbnails"] = {"side": drawn.side, "across": ACROSS, "order": order}
        page = render(
            template,
            title=texts["title"],
            lang=lang,
            texts=SimpleNamespace(**texts),
            block=block,
            sheets=drawn.sheets if drawn is not None else (),
            thumbnails=self.thumbnails,
            broken=self.broken,
            **content,
        )
        return write_text(path, page)

    def _draw(self) -> Thumbnails | None:
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
        if not file_of(file).is_file():
            return Tile(None, self.absent)
        if file not in self._number:
            self._number[file] = len(self.files)
            self.files.append(file)
        return Tile(self._number[file])
