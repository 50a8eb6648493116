"""Images to answer: a template's, a folder's or a table's; those that are broken stop no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from metric_face.data.boxes import BOX, has_boxes
from metric_face.data.images import find_broken, refuse_broken
from metric_face.data.table import ImageTable
from metric_face.data.templates import Template, listed
from metric_face.errors import DataError, ImageError

T = TypeVar("T")


@dataclass(frozen=True)
class Unseen:
    """Images to answer.

    Attributes:
        table: the images, in the order of the template where there is one.
        template: the ids that want an answer; None where each image is its own.
        failed: what cannot be answered -> why.
    """

    table: ImageTable
    template: Template | None = None
    failed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, source: str | Path, box: Sequence[str] | None = BOX) -> "Unseen":
        """Read a CSV of ImageIDs, a folder with an ``info.csv``, or whatever :meth:`ImageTable.read` takes.

        Raises:
            DataError: nothing is there, or no image.
        """
        path = Path(source)
        template = None if path.is_file() and has_boxes(path, box) else _template_of(path)
        if template is None:
            return cls(ImageTable.read(path, box=box))
        folder = path if path.is_dir() else path.parent
        files = template.locate(folder)
        if not files:
            raise DataError(
                f"{template.source}: none of its {len(template):,} ids names an image in {folder} or below; put "
                "the file beside the images"
            )
        names = [file.relative_to(folder).as_posix() for file in files.values()]
        failed = {name: "no image of that name" for name in template.ids if name not in files}
        return cls(ImageTable(pd.DataFrame({"path": names}), folder), template, failed)

    def look(self, work: Callable[[ImageTable], T]) -> "tuple[T, Unseen]":
        """Do something that opens every image; where one is broken, do it with those that are not.

        Args:
            work: what is done with the table of the images.

        Returns:
            What it gave, and the images it was given for in the end.

        Raises:
            DataError: every image is broken.
        """
        try:
            return work(self.table), self
        except ImageError:
            broken = find_broken(self.table.paths)
            if not broken:  # it failed for another reason than a broken file, such as one that is back again
                raise
            if len(broken) == len(self.table):
                refuse_broken(broken)
        kept = np.setdiff1d(np.arange(len(self.table)), list(broken))
        names = self.table.frame["path"]
        failed = self.failed | {str(names.iloc[row]): why for row, why in broken.items()}
        usable = replace(self, table=self.table.take(kept), failed=failed)
        return work(usable.table), usable

    @property
    def notes(self) -> list[str]:
        """A line for the images that cannot be answered; none where all can."""
        if not self.failed:
            return []
        first = next(iter(self.failed.values()))
        return [f"{len(self.failed):,} images cannot be used: {listed(self.failed)}; the first: {first}"]


def _template_of(path: Path) -> Template | None:
    if path.is_dir():
        own = (path / "train.csv", path / "train" / "train.csv", path / "images.csv")
        return None if any(file.is_file() for file in own) else Template.beside(path)
    if path.suffix.lower() == ".csv" and path.is_file():
        template = Template.read(path)
        return template if template.columns[0] in ("ImageID", "image") else None
    return None
