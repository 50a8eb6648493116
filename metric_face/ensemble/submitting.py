"""The images to submit: which they are, and what each member predicts for them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from metric_face.data import LabelSpace, Template, Unseen, refuse_repeated
from metric_face.embeddings import Predictions, pool_folds
from metric_face.ensemble.held_out_labels import HeldOutLabels
from metric_face.ensemble.members import Candidate
from metric_face.errors import ArgumentError
from metric_face.progress import Say
from metric_face.run import Run


def images_to_submit(
    members: Sequence[tuple[Predictions, Candidate]], images: str | Path | None, template: str | Path | None
) -> tuple[Unseen | None, Template | None]:
    """The images that are named, if they are, and the ids to answer, if there is a template."""
    ids = None if template is None else Template.read(template)
    if images is None:
        return None, ids
    unseen = Unseen.read(images)
    ids = ids or unseen.template
    if unseen.template is not None and not any(of.runs for _, of in members):
        return None, ids  # files answer for their images, whether these are still there or not
    if ids is None:
        refuse_repeated([path.name for path in unseen.table.paths])  # before the models look
    return unseen, ids


def predict_unseen(
    members: Sequence[tuple[Predictions, Candidate]],
    known: HeldOutLabels,
    unseen: Unseen | None,
    ids: Template | None,
    say: Say,
) -> tuple[list[Predictions], Unseen | None]:
    """The predictions of each member for the images to submit: files as they are, models by predicting."""
    if unseen is None:
        rest = [own if ids else _without(own, known.own) for own, of in members if not of.runs]
        if len(rest) < len(members):
            blind = next(of for _, of in members if of.runs)
            raise ArgumentError(
                f"--out: {blind.path} is a run and has not seen the images to submit; name them with --images"
            )
        if ids is not None:
            rest = [own.take(own.images[sorted(ids.match(own.images.tolist()).values())]) for own in rest]
        if not len(rest[0]):
            raise ArgumentError(
                f"--out: {members[0][1].path} predicts no image beside the run's own; predict the images to submit too"
            )
        return rest, None
    looked = []
    for own, of in members:
        made_by_folds = []
        for run in of.runs:
            say(f"{run.folder} looks at {len(unseen.table):,} images")
            made, unseen = _look(run, unseen, known.space)
            made_by_folds.append(made)
        looked.append(pool_folds(of.name, made_by_folds) if made_by_folds else own)
    names = unseen.table.frame["path"].to_numpy(dtype=str)
    return [one.take(names) for one in looked], unseen


def _look(run: Run, unseen: Unseen, space: LabelSpace) -> tuple[Predictions, Unseen]:
    from metric_face.extraction import extract

    embeddings, usable = unseen.look(lambda table: extract(run, table))
    assert run.space is not None  # it has predicted the truth's attributes
    made = Predictions.of_embeddings(run.folder.name, embeddings, run.space)
    return made.aligned(run.space, space), usable


def _without(own: Predictions, images: frozenset[str]) -> Predictions:
    kept = np.array([name not in images for name in own.images.tolist()], dtype=bool)
    return own.take(own.images[kept])
