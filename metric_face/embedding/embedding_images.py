"""embed: the vectors of a run's images, or of others, and the predictions of its classifiers as a file."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metric_face.averaging import checked_tta, made_by
from metric_face.embedding.embedded import Embedded
from metric_face.embedding.merging import join
from metric_face.embedding.predictions_file import refuse_without_classifiers, write_csv
from metric_face.embedding.sources import Source, open_source
from metric_face.embedding.targets import target_of
from metric_face.errors import ArgumentError
from metric_face.processes import this_process
from metric_face.progress import Progress, Say, silent
from metric_face.run import Run

if TYPE_CHECKING:
    from metric_face.extraction import RowShard, Written


def embed(
    run: Run | str | Path,
    images: str | Path | None = None,
    *,
    folder: str | Path | None = None,
    csv: str | Path | None = None,
    shard: str | None = None,
    on: str = "here",
    batch_size: int = 64,
    precision: str = "auto",
    workers: int | None = None,
    tta: str | None = None,
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
            is the shard of this task of a Slurm array. None computes all; where torchrun or ``srun`` started several
            processes, each computes a shard, and the first joins them.
        on: ``here``, or ``ray``: by actors of Ray Data, in the cluster that ``RAY_ADDRESS`` names or on this machine.
        batch_size: images a forward pass.
        precision: ``auto`` (bf16 where the device computes in it), ``fp32`` or ``bf16``.
        workers: decoding threads, default one a core; on Ray the actors, default one a processor or GPU.
        tta: test-time augmentation, what each vector is averaged over: ``none``, ``flip`` (and the mirror image),
            ``crops`` (and four copies moved towards the corners) or ``flip+crops``; default the run's ``model.tta``. It
            is kept with the vectors; an index built of them embeds its queries in the same way, and refuses others.
        say: called with each line that a user should know of.
        progress: called with (images done, images in all).

    Returns:
        What was written, and what was noted.

    Raises:
        ArgumentError: ``images`` without a folder of their own, ``csv`` with a run that has no classifiers or with a
            shard, or ``shard`` or Ray where several
            processes were started.
        MissingExtraError: Ray is not installed.
        DataError: no image can be used.
        OutputError: the folder holds something else.

    Example:
        >>> made = metric_face.embed("runs/first", "new_photos/", folder="new_vectors")
        >>> made.embeddings.vectors.shape
        (120, 128)
    """
    run = Run.open(run) if isinstance(run, str | Path) else run
    process = this_process()
    target = target_of(run, images, folder)
    tta = run.config.model.tta if tta is None else checked_tta(tta)
    refuse_without_classifiers(run, csv)
    if shard is not None and csv is not None:
        raise ArgumentError("--csv: a shard has a part of the images only; give it with --merge")
    if shard is not None and process.world_size > 1:
        raise ArgumentError(
            f"--shard {shard}: each of the {process.world_size} processes takes its shard by itself; leave it out"
        )
    if on not in ("here", "ray"):
        raise ArgumentError(f"--on: must be here or ray, found {on!r}")
    if on == "ray" and process.world_size > 1:
        raise ArgumentError(
            "--on ray: Ray starts its processes itself; start the command without torchrun or srun"
        )
    source = open_source(run, images, say)
    say("loading PyTorch ...")
    from metric_face.extraction import RowShard, shards_folder  # here, after all that can be refused at once
    from metric_face.training import from_first, joined, wait_for_all

    part = None if shard is None else RowShard.parse(shard)
    started = time.monotonic()
    with joined() as process:
        if process.world_size > 1:
            part = RowShard(process.rank + 1, process.world_size)
            workers = workers or max(1, (os.cpu_count() or 1) // process.local_world_size)
        work = Work(run, source, target, batch_size, precision, workers, on, tta)
        made = work.compute(part, progress)
        if process.world_size > 1:
            wait_for_all()
            made, part = from_first(lambda: join(run, source, target, folder, images, say)), None
        seconds = time.monotonic() - started
        if csv is not None and process.is_first:
            write_csv(csv, run, target)
    notes = source.notes(made.failed)
    home = target if part is None else shards_folder(target) / part.name
    return Embedded(
        home, made.rows, made.dimensions, seconds, notes, not notes, None if part is None else str(part)
    )


@dataclass(frozen=True)
class Work:
    """What is to be embedded, and how; as of :func:`embed`."""

    run: Run
    source: Source
    target: Path
    batch_size: int
    precision: str
    workers: int | None
    on: str
    tta: str

    def compute(self, shard: "RowShard | None", progress: Progress) -> "Written":
        """Embed one shard, or all."""
        from metric_face.extraction import Embedder, Embeds, RayEmbedder, write_embeddings, write_shard

        model, transform, precision = self.run.model, self.run.transform, self.precision
        embedder: Embeds = (
            RayEmbedder(model, transform, precision=precision, actors=self.workers, tta=self.tta)
            if self.on == "ray"
            else Embedder(model, transform, precision=precision, tta=self.tta)
        )
        how: dict[str, Any] = {
            "fingerprint": made_by(self.run.fingerprint, self.tta),
            "batch_size": self.batch_size,
            "workers": None if self.on == "ray" else self.workers,
            "skip_broken": not self.source.own,
            "progress": progress,
        }
        rows = self.source.rows
        if shard is None:
            return write_embeddings(embedder, rows, self.target, **how)
        return write_shard(embedder, rows, self.target, shard, source=self.source.name, **how)
