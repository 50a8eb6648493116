"""fuse_files: predictions of several runs in files, fused by what a run's validation part chooses."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from metric_face.data.targets import people_of
from metric_face.errors import ArgumentError
from metric_face.fusion import FusionPlan, fuse
from metric_face.prediction_files import read_predictions, write_submission
from metric_face.predictions import Predictions
from metric_face.run import Run


def fuse_files(files: Sequence[Path], run: Run, out: Path | None = None) -> tuple[FusionPlan, int]:
    """Choose donors on the validation part of a run, and fuse every other image.

    Args:
        files: predictions (CSV) of two or more runs; each of validation images, of images to submit, or of both.
        run: whose validation part is the truth.
        out: where to write the submission of the images that are not among the run's.

    Returns:
        The plan, and the number of images written.

    Raises:
        ArgumentError: the run has no attributes; or there is something to write and no image for it.
        DataError: a file cannot be read.
    """
    space = run.space
    if space is None:
        raise ArgumentError(
            f"--truth {run.folder}: the run has no attributes; it was trained on identities alone"
        )
    said = [read_predictions(file, space) for file in files]
    val = run.table.part("val")
    images = val.frame["path"].to_numpy(dtype=str)
    plan = fuse(said, images, space.encode(val), people_of(val, run.config.data.split.group), space)
    if out is None:
        return plan, 0
    own = set(run.table.frame["path"])
    rest = [_without(one, own) for one in said]
    if not len(rest[0]):
        raise ArgumentError(
            f"--out: {files[0]} predicts no image beside the run's own; predict the images to submit too"
        )
    fused = plan.apply(rest)
    write_submission(out, fused, space)
    return plan, len(fused)


def _without(said: Predictions, images: set[str]) -> Predictions:
    kept = np.array([name not in images for name in said.images.tolist()], dtype=bool)
    return said.take(said.images[kept])
