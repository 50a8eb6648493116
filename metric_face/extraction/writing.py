"""write_embeddings: embed the rows of a table into a folder, going on where an earlier call was stopped."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from metric_face.data import EvalTransform, ImageRows, digest_rows, names_of
from metric_face.embeddings import FORMAT, describe, write_images
from metric_face.errors import DataError, ImageError
from metric_face.extraction.embedder import Result
from metric_face.extraction.vector_files import NOTE, VectorFiles
from metric_face.files import EMBEDDINGS, replace_folder, write_json
from metric_face.progress import Progress, silent

if TYPE_CHECKING:
    import pyarrow as pa


class Embeds(Protocol):
    """What embeds the images of rows: a model here, or on other machines.

    Attributes:
        dtype: that it computes in.
        transform: of the images.
        tta: what vectors are averaged over.
    """

    dtype: torch.dtype
    transform: EvalTransform
    tta: str

    @property
    def widths(self) -> tuple[int, dict[str, int]]:
        """D, and head name -> C."""

    def results(
        self,
        rows: ImageRows,
        span: range,
        *,
        batch_size: int = 64,
        workers: int | None = None,
        skip_broken: bool = False,
    ) -> Iterator[Result]:
        """Embed consecutive rows, batch by batch in their order."""


@dataclass(frozen=True)
class Written:
    """What was embedded.

    Attributes:
        rows: N that have a vector.
        dimensions: D.
        failed: row number -> why an image cannot be used.
    """

    rows: int
    dimensions: int
    failed: Mapping[int, str]


def write_embeddings(
    embedder: Embeds,
    rows: ImageRows,
    folder: str | Path,
    *,
    fingerprint: str,
    model_digest: str = "",
    batch_size: int = 64,
    workers: int | None = None,
    skip_broken: bool = False,
    progress: Progress = silent,
) -> Written:
    """Embed all rows into a folder of embeddings; memory does not grow with their number.

    Args:
        embedder: of the images.
        rows: the images.
        folder: where to write.
        fingerprint: of the model.
        model_digest: of its weights, where it has no fingerprint.
        batch_size: images a forward pass.
        workers: decoding threads, or actors.
        skip_broken: leave out images that cannot be used.
        progress: called with (images done, images in all).

    Raises:
        ImageError: an image cannot be used, unless ``skip_broken``.
        DataError: none can.
        OutputError: ``folder`` holds something else, or another call writes it.
    """
    span = range(len(rows))
    task = describe_task(embedder, rows, span, f"{fingerprint}{model_digest}{skip_broken}")
    with replace_folder(folder, EMBEDDINGS, note=NOTE) as place:
        files = begin(place, embedder, rows, span, task, batch_size)
        fill(files, embedder, rows, batch_size, workers, skip_broken, progress)
        if len(files.failed) == len(rows):
            first = files.failed[0]
            others = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
            raise DataError(f"{first}{others}; no image can be used, so nothing is written")
        count = write_images(place, kept_pieces(rows, span, files.failed), rows.schema, rows.root)
        description = describe(place, fingerprint, rows.root, embedder.widths[1])
        write_json(place / "embeddings.json", description, version=FORMAT)
    return Written(count, embedder.widths[0], files.failed)


def begin(
    place: Path, embedder: Embeds, rows: ImageRows, span: range, task: str, batch_size: int
) -> VectorFiles:
    """The files of a task, as an earlier call left them; it is gone back to where an image can be used again."""

    def mended(failed: Collection[int]) -> int | None:
        for row in sorted(failed):
            try:
                embedder.transform.load(rows.root / next(names_of(rows, row, row + 1)))
            except ImageError:
                continue
            return row // batch_size * batch_size
        return None

    return VectorFiles(place, span, embedder.widths, task, mended)


def fill(
    files: VectorFiles,
    embedder: Embeds,
    rows: ImageRows,
    batch_size: int,
    workers: int | None,
    skip_broken: bool,
    progress: Progress,
) -> None:
    """Embed what the files still lack."""
    if files.done < files.span.stop:
        rest = range(files.done, files.span.stop)
        for result in embedder.results(
            rows, rest, batch_size=batch_size, workers=workers, skip_broken=skip_broken
        ):
            files.write(result)
            progress(files.done - files.span.start, len(files.span))
    files.finish()


def kept_pieces(rows: ImageRows, span: range, failed: Collection[int]) -> Iterator["pa.Table"]:
    """The rows of a span, less those that failed."""
    lost = np.array(sorted(failed), np.int64)
    first = span.start
    for piece in rows.pieces(span.start, span.stop):
        kept = np.setdiff1d(np.arange(first, first + len(piece)), lost, assume_unique=True) - first
        first += len(piece)
        yield piece if len(kept) == len(piece) else piece.take(kept)


def describe_task(embedder: Embeds, rows: ImageRows, span: range, what: str) -> str:
    """A hash of everything that the vectors depend on, so that files of another task are not gone on with."""
    where = f"{rows.root.resolve()}{embedder.dtype}{embedder.widths}{span}"
    paths = digest_rows(rows.pieces(span.start, span.stop), {"path"})
    return hashlib.sha256(f"{what}{where}{paths}".encode("utf-8", "surrogatepass")).hexdigest()
