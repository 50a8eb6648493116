"""embed: the vectors of a run's images, or of others, and the predictions of its classifiers as a file."""

import time
from pathlib import Path

from metric_face.embedding.embedded import Embedded
from metric_face.embedding.predictions_file import refuse_without_classifiers, write_csv
from metric_face.embedding.sources import open_source
from metric_face.embedding.targets import target_of
from metric_face.errors import ArgumentError
from metric_face.progress import Progress, Say, silent
from metric_face.run import Run


def embed(
    run: Run | str | Path,
    images: str | Path | None = None,
    *,
    folder: str | Path | None = None,
    csv: str | Path | None = None,
    shard: str | None = None,
    batch_size: int = 64,
    precision: str = "auto",
    workers: int | None = None,
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
        shard: ``i/n`` computes only the i-th of n shards, counted from 1, for :func:`merge_shards` to join; ``slurm``
            is the shard of this task of a Slurm array or ``srun``. None computes all.
        batch_size: images a forward pass.
        precision: ``auto`` (bf16 where the device computes in it), ``fp32`` or ``bf16``.
        workers: decoding threads; default one a core.
        say: called with each line that a user should know of.
        progress: called with (images done, images in all).

    Returns:
        What was written, and what was noted.

    Raises:
        ArgumentError: ``images`` without a folder of their own, or ``csv`` with a run that has no classifiers or with
            a shard.
        DataError: no image can be used.
        OutputError: the folder holds something else.

    Example:
        >>> made = metric_face.embed("runs/first", "new_photos/", folder="new_vectors")
        >>> made.embeddings.vectors.shape
        (120, 128)
    """
    run = Run.open(run) if isinstance(run, str | Path) else run
    target = target_of(run, images, folder)
    refuse_without_classifiers(run, csv)
    if csv is not None and shard is not None:
        raise ArgumentError("--csv: a shard has a part of the images only; give it with --merge")
    source = open_source(run, images, say)
    say("loading PyTorch ...")
    from metric_face.extraction import (  # here, after all that can be refused at once
        Embedder,
        Shard,
        shards_folder,
        write_embeddings,
        write_shard,
    )

    part = None if shard is None else Shard.parse(shard)
    started = time.monotonic()
    embedder = Embedder(run.model, run.transform, precision=precision)
    if part is None:
        made = write_embeddings(
            embedder,
            source.rows,
            target,
            fingerprint=run.fingerprint,
            batch_size=batch_size,
            workers=workers,
            skip_broken=not source.own,
            progress=progress,
        )
    else:
        made = write_shard(
            embedder,
            source.rows,
            target,
            part,
            fingerprint=run.fingerprint,
            source=source.name,
            batch_size=batch_size,
            workers=workers,
            skip_broken=not source.own,
            progress=progress,
        )
    seconds = time.monotonic() - started
    if csv is not None:
        write_csv(csv, run, target)
    notes = source.notes(made.failed)
    if part is None:
        return Embedded(target, made.rows, made.dimensions, seconds, notes, not notes)
    home = shards_folder(target) / part.name
    return Embedded(home, made.rows, made.dimensions, seconds, notes, not notes, str(part))
