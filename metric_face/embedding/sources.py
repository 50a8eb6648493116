"""Source: the images that embed() is asked for, and what cannot be used of them, in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from metric_face.data import ImageRows, ParquetRows, TableRows, Unseen, listed, names_of, refuse_missing
from metric_face.progress import Say
from metric_face.run import Run

_NAMED = 20


@dataclass(frozen=True)
class Source:
    """Images to embed.

    Attributes:
        rows: the images.
        name: the file or folder that names them; None for the images of the run, of which none may be missing.
        lost: id -> why it names no image.
    """

    rows: ImageRows
    name: str | None = None
    lost: Mapping[str, str] = field(default_factory=dict)

    @property
    def own(self) -> bool:
        """Whether these are the images of the run."""
        return self.name is None

    def notes(self, failed: Mapping[int, str]) -> tuple[str, ...]:
        """A line for the images that cannot be used; none where all can.

        Args:
            failed: row number -> why.
        """
        count = len(self.lost) + len(failed)
        if not count:
            return ()
        first = sorted(failed)[:_NAMED]
        names = [*self.lost, *(next(names_of(self.rows, row, row + 1)) for row in first)]
        names += [""] * (count - len(names))  # they are counted, and not named
        why = next(iter([*self.lost.values(), *(failed[row] for row in first)]))
        return (f"{count:,} images cannot be used: {listed(names)}; the first: {why}",)


def open_source(run: Run, images: str | Path | None, say: Say) -> Source:
    """The images of a run, or others.

    Args:
        run: whose images they are where ``images`` is None.
        images: a folder, a table, a folder of Parquet files or a CSV of ImageIDs.
        say: called with each line that a user should know of.

    Raises:
        DataError: nothing is there, or no image; or an image of the run is missing.
    """
    if images is None:
        for line in run.table.notes:
            say(line)
        refuse_missing(run.table)
        return Source(TableRows(run.table))
    rows = ParquetRows.open(Path(images), run.config.data.box)
    if rows is not None:
        rows.check(say)
        return Source(rows, str(images))
    unseen = Unseen.read(images, run.config.data.box)
    for line in unseen.table.notes:
        say(line)
    return Source(TableRows(unseen.table), str(images), unseen.failed)
