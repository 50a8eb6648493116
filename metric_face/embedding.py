"""embed: the vectors of a run's images, or of others, and the predictions of its classifiers as a file."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metric_face.data import ImageTable, Unseen, refuse_missing
from metric_face.embeddings import Embeddings, Predictions, write_predictions
from metric_face.errors import ArgumentError
from metric_face.files import EMBEDDINGS, folder_target
from metric_face.progress import Progress, Say, silent
from metric_face.run import Run

if TYPE_CHECKING:
    from metric_face.data import LabelSpace


@dataclass(frozen=True)
class Embedded:
    """What :func:`embed` computed and wrote.

    Attributes:
        folder: that holds the vectors.
        embeddings: the vectors of N images.
        seconds: that the computation took.
        notes: images that could not be used, a line.
        complete: whether every image has a vector.
    """

    folder: Path
    embeddings: Embeddings
    seconds: float
    notes: tuple[str, ...] = ()
    complete: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain data, for JSON."""
        count, dimensions = self.embeddings.vectors.shape
        return {
            "folder": str(self.folder),
            "images": count,
            "dimensions": dimensions,
            "images_per_second": round(count / self.seconds, 1),
            "complete": self.complete,
        }


def embed(
    run: Run | str | Path,
    images: str | Path | None = None,
    *,
    folder: str | Path | None = None,
    csv: str | Path | None = None,
    batch_size: int = 64,
    precision: str = "auto",
    say: Say = silent,
    progress: Progress = silent,
) -> Embedded:
    """Compute the vectors of a run's images, or of others, and store them.

    An interrupted call goes on where it stopped.

    Args:
        run: a run, or its folder.
        images: a folder, a table or a CSV of ImageIDs; default the run's own images. Of those none may be missing; of
            other images, those that cannot be used are left out and noted.
        folder: where to write; default ``embeddings`` in the run. Needed with ``images``.
        csv: where to write the probabilities that the classifiers give each image, which :func:`metric_face.fuse`
            reads; None writes none.
        batch_size: images a forward pass.
        precision: ``auto`` (bf16 where the device computes in it), ``fp32`` or ``bf16``.
        say: called with each line that a user should know of.
        progress: called with (images done, images in all).

    Returns:
        The vectors, memory-mapped, and what was noted.

    Raises:
        ArgumentError: ``images`` without a folder of their own, or ``csv`` with a run that has no classifiers.
        DataError: no image can be used.
        OutputError: the folder holds something else.

    Example:
        >>> made = metric_face.embed("runs/first", "new_photos/", folder="new_vectors")
        >>> made.embeddings.vectors.shape
        (120, 128)
    """
    run = Run.open(run) if isinstance(run, str | Path) else run
    target = _folder_of(run, images, folder)
    space = run.space
    if csv is not None and space is None:
        raise ArgumentError("--csv: the run has no classifiers; it was trained on identities alone")
    unseen = Unseen(run.table) if images is None else Unseen.read(images)
    for line in unseen.table.notes:
        say(line)
    if images is None:
        refuse_missing(run.table)
    say("loading PyTorch ...")
    from metric_face.extraction import extract  # here, after all that can be refused at once

    def work(table: ImageTable) -> Embeddings:
        return extract(
            run, table, folder=target, batch_size=batch_size, precision=precision, progress=progress
        )

    started = time.monotonic()
    # No image of the run may be missing: every other command relies on its table.
    made, unseen = (work(unseen.table), unseen) if images is None else unseen.look(work)
    seconds = time.monotonic() - started
    if csv is not None and space is not None:
        _write_csv(csv, run, made, space)
    return Embedded(target, made, seconds, tuple(unseen.notes), not unseen.failed)


def _folder_of(run: Run, images: str | Path | None, folder: str | Path | None) -> Path:
    own = run.folder / "embeddings"
    target = own if folder is None else Path(folder)
    if images is not None and folder is None:
        raise ArgumentError(
            f"--out: name a folder for the vectors of {images}; RUN/embeddings holds those of the run"
        )
    if images is not None and os.path.realpath(target) == os.path.realpath(own):
        raise ArgumentError(f"--out: {target} holds the vectors of the run's own images; name another folder")
    folder_target(target, EMBEDDINGS)
    return target


def _write_csv(file: str | Path, run: Run, made: Embeddings, space: "LabelSpace") -> None:
    write_predictions(file, Predictions.of_embeddings(run.folder.name, made, space), space)
