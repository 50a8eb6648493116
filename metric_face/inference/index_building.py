"""build_index: the index that the kNN command searches, with what validation chose for each target."""

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Doubles, Ints
from metric_face.averaging import made_by, tta_of
from metric_face.classifiers import choose_k
from metric_face.data import Targets, identities_of, targets_of
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError, DataError, MetricFaceError, ModelMismatchError
from metric_face.inference.open_set import checked_rate, refit_thresholds, with_threshold
from metric_face.inference.target_votes import TargetVote
from metric_face.metrics import calibrate, draw_queries
from metric_face.optional import optional
from metric_face.plurals import counted
from metric_face.run import Run
from metric_face.search import ADDED, CODE, EmbeddingIndex, graph_between


def build_index(
    run: Run | str | Path,
    embeddings: Embeddings | None = None,
    *,
    split: str | None = None,
    reject: float | str | None = None,
    vectors: Embeddings | str | Path | None = None,
    folder: str | Path | None = None,
    **build: Any,
) -> EmbeddingIndex:
    """Index the embeddings of a run, and choose on validation how its neighbors vote.

    Args:
        run: a run, or its folder.
        embeddings: of its images; default those stored in the run.
        split: the split to search in; ``all`` takes every image. Default ``train``, and ``all`` of a run without a
            training, which no image was fitted to. The settings of the vote are chosen on the
            validation split against the training split in either case, so that no image votes on itself.
        reject: answer "unknown" below a threshold: a number calibrates it for that false-accept rate among wrong
            answers, ``f1`` for the best F1 of accepting right ones; None answers always. A number may be text.
        vectors: what is searched in place of the run's images, such as those of a table that :func:`metric_face.embed`
            read; a folder is mapped, not read. All of them, unless ``split`` names one. How they vote is chosen on the
            run's own images.
        folder: to write the index into; None leaves it in memory, to be saved.
        build: of :meth:`EmbeddingIndex.build`, such as ``kind``, ``memory_budget`` and ``recall``; with a folder those
            of :meth:`EmbeddingIndex.build_in`, which are ``shards`` and ``mmap`` as well.

    Returns:
        The index; its metadata holds the :class:`TargetVote` of each target, and ``notes``, a line for each thing
        that validation could not choose.

    Raises:
        ArgumentError: ``reject`` is no such number, or there is nothing to set its threshold on; or no such split.
        ModelMismatchError: ``vectors`` were made by another model.

    Example:
        >>> metric_face.build_index("runs/first", reject=0.05, folder="runs/first/index")
    """
    run = Run.open(run) if isinstance(run, str | Path) else run
    reject = checked_rate(reject)
    split = split or ("train" if run.trained and vectors is None else "all")
    embeddings = embeddings if embeddings is not None else run.embeddings()
    made = made_by(run.fingerprint, tta_of(embeddings.fingerprint))
    searched = embeddings if vectors is None else _of_this_model(made, vectors)
    held = searched if split == "all" else searched.in_split(split)
    notes: list[str] = []
    targets = _targets_of(held, run, notes if vectors is not None else None)
    votes = {name: TargetVote(names) for name, (_, names) in targets.items()}
    missing = _nothing_to_choose_on(run, embeddings)
    unenrolled = run.space is None and bool(targets) and "val" in embeddings.table.splits
    if reject is not None and unenrolled:
        votes = _open_set(held, embeddings.in_split("val"), votes, reject)
    elif missing is not None and reject is not None:
        raise ArgumentError(
            f"reject={reject} (--reject): its threshold is set on validation answers, and {missing}; leave it out"
        )
    if missing is None:
        chosen = _chosen_on_validation(run, embeddings, reject, notes)
        votes |= {name: vote for name, vote in chosen.items() if name in targets}
    elif run.space is not None:
        notes.append(f"k and vote are the defaults, uncalibrated: {missing}")
    columns: dict[str, NDArray[Any]] = {
        str(name): held.table.frame[name].to_numpy() for name in held.table.frame.columns
    }
    columns |= {f"{CODE}{name}": codes for name, (codes, _) in targets.items()}
    if folder is not None:
        notes += _lost_additions(Path(folder))
    writes = EmbeddingIndex.build if folder is None else partial(EmbeddingIndex.build_in, folder)
    return writes(
        np.ascontiguousarray(held.vectors),
        columns,
        fingerprint=made,
        transform=run.card["transform"],
        metadata={
            "root": str(held.table.root.resolve()),
            "split": split,
            "attributes": None if run.space is None else run.space.to_dict(),
            "targets": {name: vote.to_dict() for name, vote in votes.items()},
            "reject": reject,
            "notes": notes,
        },
        **build,
    )


def _lost_additions(folder: Path) -> list[str]:
    """A line where the index that is replaced holds images that were added to it."""
    with suppress(MetricFaceError, OSError):  # there is none, or it is damaged
        index = EmbeddingIndex.load(folder, mmap=True, verify=False)
        added = int((index.columns["split"] == ADDED).sum()) if "split" in index.columns else 0
        if added:
            lost = f"{counted(added, 'images')} that 'gallery add' put into {folder}"
            return [f"{lost} are not in the new index; add them again"]
    return []


def _open_set(
    held: Embeddings, queries: Embeddings, votes: dict[str, TargetVote], reject: float | str
) -> dict[str, TargetVote]:
    """The vote on identities with its threshold, from validation identities that are left out of what is searched."""
    frame = held.table.frame
    codes = {f"{CODE}{name}": targets_of(held.table, None)[name][0] for name in votes}
    columns = {"path": frame["path"].to_numpy(), "identity": held.table.identities, **codes}
    stored = {name: vote.to_dict() for name, vote in votes.items()}
    metadata = {"root": str(held.table.root.resolve()), "attributes": None, "targets": stored}
    index = EmbeddingIndex.build(np.ascontiguousarray(held.vectors), columns, kind="flat", metadata=metadata)
    refit_thresholds(index, queries, reject)
    return {name: TargetVote.from_dict(vote) for name, vote in index.metadata["targets"].items()}


def chosen_lines(index: EmbeddingIndex) -> list[str]:
    """What validation chose for each target of an index, a line each; none for targets it could not measure."""
    votes = {name: TargetVote.from_dict(stored) for name, stored in index.metadata["targets"].items()}
    return [
        f"{name}: {vote}" for name, vote in votes.items() if vote.val_macro_f1 is not None or vote.rejects
    ]


def _targets_of(held: Embeddings, run: Run, notes: list[str] | None) -> Targets:
    """What the neighbors can vote for: nothing, with a note, where notes are taken and the labels are not there."""
    try:
        return targets_of(held.table, run.space)
    except DataError as error:
        if notes is None:
            raise
        notes.append(f"these vectors vote for no class: {error}")
        return {}


def _of_this_model(own: str, vectors: Embeddings | str | Path) -> Embeddings:
    """Other vectors than those of the run's images, if the run's model made them in the same way."""
    made = vectors if isinstance(vectors, Embeddings) else Embeddings.load(vectors, mmap=True)
    if made.fingerprint != own:
        raise ModelMismatchError(
            f"--vectors: made by model {made.fingerprint or 'unknown'}, the run holds {own}; embed the "
            "images with this run"
        )
    return made


def _nothing_to_choose_on(run: Run, embeddings: Embeddings) -> str | None:
    """Why validation cannot choose how neighbors vote; None where it can."""
    absent = [split for split in ("train", "val") if split not in embeddings.table.splits]
    if absent:
        return f"the images have no split {absent[0]!r}"
    return "the run was trained on identities alone" if run.space is None else None


def _chosen_on_validation(
    run: Run, embeddings: Embeddings, reject: float | str | None, notes: list[str]
) -> dict[str, TargetVote]:
    gallery, queries = embeddings.in_split("train"), embeddings.in_split("val")
    rows = draw_queries(len(queries))
    graph = graph_between(run.folder, "val", queries.vectors, "train", gallery.vectors, rows=rows)
    queries = queries.take(rows) if len(rows) < len(queries) else queries
    known, wanted = targets_of(gallery.table, run.space), targets_of(queries.table, run.space)
    identities = identities_of(queries.table, run.config.data.split.group)
    ids, similarities = graph.ids, graph.similarities
    chosen = {}
    for name, (codes, names) in known.items():
        true = wanted[name][0]
        vote = TargetVote(names)
        with optional(f"k and vote of {name}", notes):
            best = choose_k(ids, similarities, codes, true).best
            vote = TargetVote(names, best.k, best.votes, best.temperature, best.macro_f1)
        shares = vote.probabilities(ids, similarities, codes)
        with optional(f"calibration of {name}", notes):
            vote = _calibrated(name, vote, shares, true, identities, notes)
        if reject is not None:
            right = shares.argmax(axis=1) == true  # calibration leaves the winner
            if not right.any():
                raise ArgumentError(
                    f"reject={reject} (--reject): no validation answer about {name} is right, so there is none to "
                    "accept; leave it out"
                )
            vote = with_threshold(vote, vote.certainties(ids, similarities, codes), right, reject)
        chosen[name] = vote
    return chosen


def _calibrated(
    name: str,
    vote: TargetVote,
    shares: Doubles,
    true: Ints,
    identities: NDArray[np.str_],
    notes: list[str],
) -> TargetVote:
    """The vote with its calibration, where that lowers the error on identities it was not fitted on."""
    found = calibrate(shares, true, identities)
    if found.helps:
        return replace(vote, calibration=found)
    notes.append(
        f"{name}: probabilities are bare shares of the votes; calibrated on other identities, their error would go "
        f"from {found.error_before:.3f} to {found.error_after:.3f}"
    )
    return vote
