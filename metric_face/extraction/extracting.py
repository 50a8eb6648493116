"""extract: the vectors of any number of images, in constant memory, going on where it was stopped."""

from pathlib import Path

import torch

from metric_face.averaging import made_by
from metric_face.data import EvalTransform, ImageTable, TableRows
from metric_face.embeddings import VECTORS, Embeddings, logits_file
from metric_face.errors import ArgumentError
from metric_face.extraction.embedder import Embedder, digest_of_model
from metric_face.extraction.vector_files import VectorFiles
from metric_face.extraction.writing import write_embeddings
from metric_face.models import ImageEmbedder
from metric_face.progress import Progress, silent
from metric_face.run import Run


def extract(
    source: "ImageEmbedder | Run | str | Path",
    table: ImageTable,
    *,
    transform: EvalTransform | None = None,
    folder: str | Path | None = None,
    fingerprint: str = "",
    batch_size: int = 64,
    workers: int | None = None,
    precision: str = "auto",
    device: torch.device | None = None,
    tta: str | None = None,
    progress: Progress = silent,
) -> Embeddings:
    """Embed the images of a table.

    Images are decoded by threads while the model computes. With ``folder`` the vectors go straight to disk, so that
    memory does not grow with N, and an interrupted call goes on where it was: a row is written by its number, so
    none is lost or doubled.

    Args:
        source: a model, or a run (its best weights and its transform).
        table: N images.
        transform: needed with a bare model.
        folder: where to write; None keeps the vectors in memory.
        fingerprint: names a bare model; a run has one of its own.
        batch_size: images a forward pass.
        workers: decoding threads; default one a core.
        precision: ``auto`` (bf16 where the device computes in it), ``fp32`` or ``bf16``.
        device: default the GPU if there is one.
        tta: what the vectors are averaged over, see :func:`embed`; default the run's ``model.tta``, and ``none`` for a
            bare model.
        progress: called with (images done, images in all).

    Returns:
        The embeddings, memory-mapped where they are on disk.

    Raises:
        ImageError: an image cannot be used.
        ArgumentError: a bare model without a transform, or there is no such ``tta``.
        OutputError: ``folder`` holds something else, or another call writes it.
    """
    if isinstance(source, str | Path):
        source = Run.open(source)
    if isinstance(source, Run):
        tta = tta or source.config.model.tta
        transform, fingerprint, source = source.transform, source.fingerprint, source.model
    if transform is None:
        raise ArgumentError(
            "transform: a bare model needs the EvalTransform it was trained with; or give a run"
        )
    tta = tta or "none"
    embedder = Embedder(source, transform, precision=precision, device=device, tta=tta)
    fingerprint = made_by(fingerprint, tta)
    rows = TableRows(table)
    if folder is not None:
        write_embeddings(
            embedder,
            rows,
            folder,
            fingerprint=fingerprint,
            model_digest="" if fingerprint else digest_of_model(source),
            batch_size=batch_size,
            workers=workers,
            progress=progress,
        )
        return Embeddings.load(folder, mmap=True)
    files = VectorFiles(None, range(len(rows)), embedder.widths, "")
    for result in embedder.results(rows, files.span, batch_size=batch_size, workers=workers):
        files.write(result)
        progress(files.done, len(rows))
    arrays = files.finish()
    logits = {name: arrays[logits_file(name)] for name in embedder.widths[1]}
    return Embeddings(arrays[VECTORS], table, fingerprint, logits)
