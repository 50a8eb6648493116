"""Where the vectors of a run's images, or of others, are written, and the commands that write them."""

import os
from pathlib import Path

from metric_face.errors import ArgumentError
from metric_face.files import EMBEDDINGS, folder_target
from metric_face.run import Run
from metric_face.visible import shell_word


def target_of(run: Run, images: str | Path | None, folder: str | Path | None) -> Path:
    """The folder to write, checked before any work.

    Raises:
        ArgumentError: ``images`` without a folder of their own.
        OutputError: the folder holds something else.
    """
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


def command_line(
    run: Run,
    images: str | Path | None,
    folder: str | Path | None,
    *,
    shard: str,
    batch_size: int | None = None,
    precision: str | None = None,
    tta: str | None = None,
) -> str:
    """The command that computes a shard, to paste."""
    words = [f"metric-face embed {shell_word(run.folder)}"]
    words += [] if images is None else [shell_word(images)]
    words += [f"--shard {shard}"]
    words += [] if folder is None else [f"--out {shell_word(folder)}"]
    words += [] if run.data is None else [f"--data {shell_word(run.data)}"]
    words += [] if batch_size in (None, 64) else [f"--batch-size {batch_size}"]
    words += [] if precision is None else [f"--precision {precision}"]
    words += [] if tta in (None, run.config.model.tta) else [f"--tta {tta}"]
    return " ".join(words)
