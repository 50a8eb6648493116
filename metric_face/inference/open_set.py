"""Thresholds for answering "unknown" against an index as it is, from validation identities that are left out of it."""

from dataclasses import replace
from typing import Any

import numpy as np

from metric_face.arrays import Bools, Doubles, Floats, Ints
from metric_face.data import LabelSpace, text_of
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError
from metric_face.inference.target_votes import TargetVote
from metric_face.metrics import reject_threshold
from metric_face.plurals import counted
from metric_face.search import CODE, EmbeddingIndex, files_of, rows_of_files, stored_vectors

MOST_QUERIES = 2000
"""Images of validation, and of the index, that a threshold is set on."""


def checked_rate(reject: float | str | None) -> float | str | None:
    """``f1``, None, or a rate as a number.

    Raises:
        ArgumentError: it is neither.
    """
    try:
        rate = reject if reject in (None, "f1") else float(reject)
    except ValueError:
        rate = -1.0
    if isinstance(rate, float) and not 0 < rate < 1:
        raise ArgumentError(f"reject={reject!r}: must be 'f1' or a false-accept rate between 0 and 1")
    return rate


def with_threshold(vote: TargetVote, certainties: Doubles, right: Bools, reject: float | str) -> TargetVote:
    """The vote with a threshold on its certainty, for a false-accept rate among wrong answers or the best F1.

    Args:
        vote: of a target.
        certainties: (Q,) of answers that it gave.
        right: (Q,) whether each was right; at least one.
        reject: the rate, or ``f1``.
    """
    rate = None if isinstance(reject, str) else reject
    rule = reject_threshold(certainties, right, false_accept_rate=rate)
    aim = "best F1" if rate is None else f"false-accept rate {rate:g}"
    if rate is not None and not rule.guaranteed:
        aim += f", not guaranteed with {counted(rule.num_wrong, 'wrong answers')}"
    return replace(vote, threshold=rule.threshold, rejects=f"{aim}; answers {rule.coverage:.0%}")


def refit_thresholds(index: EmbeddingIndex, queries: Embeddings, reject: float | str) -> None:
    """Set the threshold of each target anew, on how the index as it is answers about validation.

    An image's own identity is left out of its neighbors, so it is new to the index: whatever identity is answered is
    wrong, and an attribute is answered as for a new identity. Right answers about identities are those that indexed
    images get from the others of the index.

    Args:
        index: its metadata is changed.
        queries: embeddings of validation images, by the same model.
        reject: a false-accept rate, or ``f1``.

    Raises:
        ArgumentError: no answer about a target is right, so there is none to accept.
        ModelMismatchError: the queries come from another model, or are averaged over other copies.
    """
    metadata = index.metadata
    space = None if metadata["attributes"] is None else LabelSpace.from_dict(metadata["attributes"])
    queries = queries.take(_drawn(len(queries)))
    targets = dict(metadata["targets"])
    rows, similar = _as_unenrolled(index, queries)
    labels = {} if space is None else {one: queries.table.column(one).to_numpy() for one in space.names}
    for name, stored in targets.items():
        vote = TargetVote.from_dict(stored)
        certainties, codes = _answers(index, name, vote, rows, similar)
        if space is None:
            own, found = _among_themselves(index, name, vote)
            certainties, right = (
                np.concatenate([certainties, own]),
                np.concatenate([np.zeros(len(codes), bool), found]),
            )
        else:
            true = space.class_names(labels, name)
            right = np.array([vote.classes[code] == wanted for code, wanted in zip(codes, true, strict=True)])
        if not right.any():
            raise ArgumentError(
                f"reject={reject} (--reject): no answer about {name} is right, so there is none to accept; it takes "
                "identities with several images in the index"
            )
        targets[name] = with_threshold(vote, certainties, right, reject).to_dict()
    index.metadata = {**metadata, "targets": targets, "reject": reject}


def _as_unenrolled(index: EmbeddingIndex, queries: Embeddings) -> tuple[Ints, Floats]:
    """The neighbors of images whose identity the index is not to know."""
    identities = queries.table.identities
    exclude = identities if "identity" in index.columns else None
    if exclude is not None:
        exclude = np.array([text_of(one) for one in exclude], object)
    own = rows_of_files(index)
    itself = np.array([own.get(str(path), -1) for path in files_of(queries.table)], np.int64)
    return _others(index, queries, itself, exclude)


def _among_themselves(index: EmbeddingIndex, name: str, vote: TargetVote) -> tuple[Doubles, Bools]:
    """Certainties and rightness of answers about images whose identity has another in the index; none finds itself."""
    codes = np.asarray(index.columns[CODE + name])
    known = np.flatnonzero(np.bincount(codes)[codes] > 1)
    known = known[_drawn(len(known))]
    if not len(known):
        return np.empty(0), np.empty(0, bool)
    rows, similar = _others(index, stored_vectors(index, known), known, None)
    certainties, answered = _answers(index, name, vote, rows, similar)
    return certainties, answered == codes[known]


def _others(index: EmbeddingIndex, queries: Any, itself: Ints, exclude: Any) -> tuple[Ints, Floats]:
    """The neighbors of each query, one deeper than the vote looks, without the row that is the query itself."""
    depth = min(len(index), max(TargetVote(("",), rejects="x").depth, 2)) + 1
    found = index.search(queries, min(depth, len(index)), exclude=exclude)
    keep = (found.rows != itself[:, None]) | (found.rows < 0)
    order = np.argsort(~keep, axis=1, kind="stable")
    rows = np.where(keep, found.rows, -1)
    return np.take_along_axis(rows, order, 1), np.take_along_axis(found.similarities, order, 1)


def _answers(
    index: EmbeddingIndex, name: str, vote: TargetVote, rows: Ints, similar: Floats
) -> tuple[Doubles, Ints]:
    codes = index.columns[CODE + name]
    answered = vote.shares(rows, similar, codes).argmax(axis=1)
    return vote.certainties(rows, similar, codes), answered.astype(np.int64)


def _drawn(count: int) -> Ints:
    """Rows of ``count``, at most :data:`MOST_QUERIES` of them, in order."""
    return np.sort(np.random.default_rng(0).permutation(count)[:MOST_QUERIES])
