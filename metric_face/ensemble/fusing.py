"""fuse: files, runs and folds of runs, fused by members chosen on images that no model was trained on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.data import listed
from metric_face.embeddings import Predictions, fill_template, write_submission
from metric_face.ensemble.fusion_plan import FusionPlan, fixed_plan
from metric_face.ensemble.held_out_labels import HeldOutLabels
from metric_face.ensemble.members import Candidate, models_of, open_candidates
from metric_face.ensemble.soft_vote import choose_members
from metric_face.ensemble.submitting import images_to_submit, predict_unseen
from metric_face.errors import ArgumentError
from metric_face.metrics import Interval, bootstrap_interval
from metric_face.plurals import counted
from metric_face.progress import Say, silent


@dataclass(frozen=True)
class Estimate:
    """What one candidate is worth alone.

    Attributes:
        name: of the candidate.
        folds: finished and in all, of a K-fold training; None for a file or a single run.
        images: labeled images that it was evaluated on; none of its models was trained on them.
        identities: the identities on them.
        macro_f1: of each attribute and ``joint``, with intervals over identities. The folds and runs kept their best
            epoch by these images, so it leans upwards a little.
    """

    name: str
    folds: tuple[int, int] | None
    images: int
    identities: int
    macro_f1: dict[str, Interval]

    def __str__(self) -> str:
        folds = "" if self.folds is None else f", {self.folds[0]} of {self.folds[1]} folds"
        of_identities = (
            "" if self.identities == self.images else f" of {counted(self.identities, 'identities')}"
        )
        return f"{self.name}{folds}: {counted(self.images, 'images')}{of_identities}, none trained on"


@dataclass(frozen=True)
class Fused:
    """What :func:`fuse` chose, measured and wrote.

    Attributes:
        plan: the members of each attribute; with a single candidate, itself.
        estimates: one for each candidate.
        notes: what should be known, one sentence each: folds still to come, images that a file lacks, a fusion that
            loses, images that cannot be used.
        written: images in the submission.
        complete: whether every image and id to submit was answered.
    """

    plan: FusionPlan
    estimates: tuple[Estimate, ...]
    notes: tuple[str, ...]
    written: int
    complete: bool = True

    def __repr__(self) -> str:
        return (
            f"Fused({counted(len(self.estimates), 'candidates')}; {counted(self.written, 'images')} written)"
        )

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return asdict(self)


def fuse(
    sources: Sequence[str | Path],
    truth: str | Path | None = None,
    *,
    out: str | Path | None = None,
    images: str | Path | None = None,
    template: str | Path | None = None,
    insist: bool = False,
    seed: int = 0,
    say: Say = silent,
) -> Fused:
    """Choose members on images that no model was trained on, and fuse the images to submit.

    Args:
        sources: predictions (CSV), run directories, folders that hold the folds of one training, or such folds. Folds
            of one training are one candidate: each image is answered by the fold that held it out, and images to
            submit by the soft vote of the folds that are finished. A file is taken as it is: predictions of images that
            its model was trained on would look better than they are.
        truth: a run or a folder of folds whose held-out images choose; default the first among ``sources``.
        out: where to write the submission.
        images: the images to submit, a folder, a table or a CSV of ImageIDs, which runs and folds then predict; needed
            with ``out`` unless every member is a file. Of files alone, all images are submitted that are not the
            truth's own. Those that cannot be used stop no other.
        template: a CSV of the ids to submit, in their order; default ``images`` where it is one, or its ``info.csv``.
            An id that no image answers gets the commonest joint class of the truth.
        insist: write the fusion even where it was worse than the best single candidate, which else is written; and
            where too few identities are shared to choose by, fuse all.
        seed: of folds and resampling.
        say: called with what is under way.

    Returns:
        The plan, what each candidate is worth alone, and what was written.

    Raises:
        ArgumentError: no run to take the truth from, too few identities in common, or nothing to submit.
        DataError: a file cannot be read, lacks an image to submit, or classes differ.
        FileFormatError: a run has no embeddings.

    Example:
        >>> fused = metric_face.fuse(["runs/k", "runs/first"], images="test/", out="submission.csv")
        >>> fused.plan.gain.value
        0.012
    """
    candidates = open_candidates([Path(source) for source in sources])
    known = HeldOutLabels.of(models_of(candidates if truth is None else open_candidates([Path(truth)])))
    say("reading predictions")
    predictions = [one.predictions(known.space) for one in candidates]
    estimates = [_estimate(one, of, known, seed) for one, of in zip(predictions, candidates, strict=True)]
    say("choosing members")
    if len(predictions) == 1:
        plan = fixed_plan({name: [predictions[0].name] for name in known.space.names})
    elif insist and _shared(predictions, known) < 2:
        plan = fixed_plan({name: [one.name for one in predictions] for name in known.space.names})
    else:
        if (shared := _shared(predictions, known)) < 2:
            raise ArgumentError(
                f"sources must share labeled images of at least 2 identities to choose by, found {shared}; predict the "
                "same validation images with each, or --insist on the soft vote of all, which nothing measures"
            )
        plan = choose_members(
            predictions, known.images, known.codes, known.identities, known.space, seed=seed
        )
    notes = _notes(predictions, candidates, known)
    if len(predictions) > 1 and plan.gain is None:
        notes.append(
            "the sources share labeled images of fewer than 2 identities: every attribute is the soft vote of all, and "
            "what that gains is not known"
        )
    chosen = plan
    if plan.harms and not insist:
        assert plan.gain is not None
        chosen = plan.best_alone
        notes.append(
            f"the fusion loses {-plan.gain.value:.3f} macro F1 on identities unseen by it; {plan.base} alone "
            "is what to submit; --insist takes the fusion"
        )
    if out is None:
        return Fused(plan, tuple(estimates), tuple(notes), 0)
    names = {run for member in chosen.members for run in member.runs}
    members = [(one, of) for one, of in zip(predictions, candidates, strict=True) if one.name in names]
    unseen, ids = images_to_submit(members, images, template)
    looked, unseen = predict_unseen(members, known, unseen, ids, say)
    fused = chosen.apply(looked)
    default = int(np.bincount(known.space.joint(known.codes)).argmax())
    missing: list[str] = []
    if ids is None:
        write_submission(out, fused, known.space)
    else:
        missing = fill_template(out, fused, known.space, ids, default)
    notes += [] if ids is None else ids.notes
    notes += [] if unseen is None else unseen.notes
    if ids is not None and missing:
        notes.append(
            f"{len(missing):,} of {len(ids):,} ids have no prediction and got {default}, the commonest class of the "
            f"images that choose: {listed(missing)}"
        )
    complete = not missing and not (unseen is not None and unseen.failed)
    return Fused(plan, tuple(estimates), tuple(notes), len(fused), complete)


def _shared(predictions: Sequence[Predictions], known: HeldOutLabels) -> int:
    """How many identities of the truth every candidate predicts an image of, on the images all predict."""
    common = np.logical_and.reduce([np.isin(known.images, one.images) for one in predictions])
    return len(np.unique(known.identities[common]))


def _estimate(own: Predictions, of: Candidate, known: HeldOutLabels, seed: int) -> Estimate:
    """Evaluate one candidate on the truth's images that it predicts."""
    there = np.isin(known.images, own.images)
    identities, space = known.identities[there], known.space
    scores: dict[str, Interval] = {}
    if len(np.unique(identities)) > 1:
        true = {name: codes[there] for name, codes in known.codes.items()}
        answers = own.take(known.images[there]).codes()
        targets = {name: (true[name], answers[name], space[name].num_classes) for name in space.names}
        if len(space.names) > 1:
            targets["joint"] = (space.joint(true), space.joint(answers), space.num_classes)
        scores = {
            name: bootstrap_interval(t, a, identities, num_classes=classes, seed=seed)
            for name, (t, a, classes) in targets.items()
        }
    folds = None if of.folds is None else (len(of.folds.runs), of.folds.num_folds)
    return Estimate(own.name, folds, int(there.sum()), len(np.unique(identities)), scores)


def _notes(
    predictions: Sequence[Predictions], candidates: Sequence[Candidate], known: HeldOutLabels
) -> list[str]:
    notes: list[str] = []
    for one, of in zip(predictions, candidates, strict=True):
        if of.folds is not None:
            notes += of.folds.waiting
        missing = known.images[~np.isin(known.images, one.images)]
        if len(missing):
            notes.append(
                f"{one.name}: lacks {len(missing)} of the {len(known.images)} images that choose, the first "
                f"{missing[0]}; they were left out"
            )
    return notes
