"""merge_shards: the shards that several calls of embed() made, joined, checked and put in place at once."""

import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.data import ImageRows
from metric_face.embedding.embedded import Embedded
from metric_face.embedding.predictions_file import refuse_without_classifiers, write_csv
from metric_face.embedding.sources import Source, open_source
from metric_face.embedding.targets import command_line, target_of
from metric_face.errors import ArgumentError
from metric_face.processes import this_process
from metric_face.progress import Progress, Say, silent
from metric_face.run import Run

if TYPE_CHECKING:
    from metric_face.extraction import RowShard, StoredShard, Written


def merge_shards(
    run: Run | str | Path,
    images: str | Path | None = None,
    *,
    folder: str | Path | None = None,
    csv: str | Path | None = None,
    say: Say = silent,
    progress: Progress = silent,
) -> Embedded:
    """Join the shards that :func:`embed` made: to the bit what it would have made without shards.

    Joined are shards that are all there, each whole, of the run's model, of one table and of equal settings, and that
    hold every row once; the result takes its place at once, and the shards are taken away.

    Args:
        run: a run, or its folder.
        images: of which the shards are, to compare them with what is there now; default the run's own images where
            the shards are of these, else they are compared among themselves.
        folder: of the embeddings, as :func:`embed` was given it.
        csv: where to write the probabilities that the classifiers give each image; None writes none.
        say: called with each line that a user should know of.
        progress: called with (rows joined, rows in all).

    Returns:
        What was written, and what was noted.

    Raises:
        FileFormatError: a shard is missing or damaged; the line has the command that makes it.
        ModelMismatchError: a shard comes from another model.
        DataError: a shard comes from another table or other settings, or no image can be used.
        OutputError: the folder holds something else.

    Example:
        >>> for number in (1, 2):  # on two machines
        ...     metric_face.embed("runs/first", shard=f"{number}/2")
        >>> metric_face.merge_shards("runs/first").images
        96
    """
    run = Run.open(run) if isinstance(run, str | Path) else run
    if this_process().world_size > 1:
        raise ArgumentError("--merge: one process joins the shards; start it without torchrun or srun")
    target = target_of(run, images, run.folder / "embeddings" if folder is None else folder)
    refuse_without_classifiers(run, csv)
    source = open_source(run, images, say) if images is not None else None
    started = time.monotonic()
    made = join(run, source, target, folder, images, say, progress)
    seconds = time.monotonic() - started
    if csv is not None:
        write_csv(csv, run, target)
    notes = source.notes(made.failed) if source is not None else _notes(made.failed.values())
    return Embedded(target, made.rows, made.dimensions, seconds, notes, not notes)


def join(
    run: Run,
    source: Source | None,
    target: Path,
    folder: str | Path | None,
    images: str | Path | None,
    say: Say = silent,
    progress: Progress = silent,
) -> "Written":
    """Join the shards of a target.

    Args:
        run: whose model made them.
        source: what they are of; None is the images of the run, or what the shards name.
        target: the folder of embeddings.
        folder: as the user gave it.
        images: as the user gave them.
        say: called with each line that a user should know of.
        progress: called with (rows joined, rows in all).
    """
    from metric_face.extraction import join_shards

    def rows_of(name: str | None) -> ImageRows | None:
        if source is not None:
            return source.rows
        return open_source(run, None, say).rows if name is None else None

    def command(shard: "RowShard", other: "StoredShard | None") -> str:
        settings = {} if other is None else other.facts["settings"]
        return command_line(
            run,
            images if images is not None or other is None else other.facts["source"],
            folder,
            shard=str(shard),
            batch_size=settings.get("batch_size"),
            precision={"float32": "fp32", "bfloat16": "bf16"}.get(settings.get("precision", "")),
            tta=settings.get("tta"),
        )

    return join_shards(
        target, fingerprint=run.fingerprint, command=command, rows_of=rows_of, say=say, progress=progress
    )


def _notes(reasons: Collection[str]) -> tuple[str, ...]:
    if not reasons:
        return ()
    return (f"{len(reasons):,} images cannot be used; the first: {next(iter(reasons))}",)
