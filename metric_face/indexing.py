"""index_run: the index that the kNN command asks, with what validation chose for each target."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.asking import CODE
from metric_face.data.targets import people_of, targets_of
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError
from metric_face.graphs import graph_between
from metric_face.index import EmbeddingIndex
from metric_face.k_choice import choose_k
from metric_face.run import Run
from metric_face.scores.calibration import calibrate
from metric_face.scores.reject import reject_threshold
from metric_face.target_votes import TargetVote


def index_run(
    run: Run,
    embeddings: Embeddings | None = None,
    *,
    part: str = "train",
    reject: float | str | None = None,
    **build: Any,
) -> EmbeddingIndex:
    """Index the embeddings of a run, and choose on validation how its neighbours vote.

    Args:
        run: a run.
        embeddings: of its images; default those stored in the run.
        part: the part to search in; ``all`` takes every image. The settings of the vote are chosen on the
            validation part against the training part in either case, so that no image votes on itself.
        reject: answer "unknown" below a threshold: a number calibrates it for that false-accept rate among wrong
            answers, ``f1`` for the best F1 of accepting right ones; None answers always.
        build: of :meth:`EmbeddingIndex.build`, such as ``kind``, ``memory_budget`` and ``recall``.

    Returns:
        The index; its metadata holds the :class:`TargetVote` of each target.
    """
    if isinstance(reject, str) and reject != "f1":
        raise ArgumentError(f"reject={reject!r}: must be 'f1' or a false-accept rate between 0 and 1")
    embeddings = embeddings if embeddings is not None else run.embeddings()
    held = embeddings if part == "all" else embeddings.part(part)
    targets = targets_of(held.table, run.space)
    votes = {name: TargetVote(names) for name, (_, names) in targets.items()}
    if run.space is not None and "val" in embeddings.table.splits:
        votes |= _chosen_on_validation(run, embeddings, reject)
    columns: dict[str, NDArray[Any]] = {
        str(name): held.table.frame[name].to_numpy() for name in held.table.frame.columns
    }
    columns |= {f"{CODE}{name}": codes for name, (codes, _) in targets.items()}
    return EmbeddingIndex.build(
        np.ascontiguousarray(held.vectors),
        columns,
        fingerprint=run.fingerprint,
        transform=run.card["transform"],
        metadata={
            "root": str(held.table.root.resolve()),
            "part": part,
            "targets": {name: vote.to_dict() for name, vote in votes.items()},
        },
        **build,
    )


def _chosen_on_validation(
    run: Run, embeddings: Embeddings, reject: float | str | None
) -> dict[str, TargetVote]:
    gallery, queries = embeddings.part("train"), embeddings.part("val")
    known, asked = targets_of(gallery.table, run.space), targets_of(queries.table, run.space)
    people = people_of(queries.table, run.config.data.split.group)
    graph = graph_between(run.folder, "val", queries.vectors, "train", gallery.vectors)
    ids, similarities = graph.ids, graph.similarities
    chosen = {}
    for name, (codes, names) in known.items():
        true = asked[name][0]
        best = choose_k(ids, similarities, codes, true).best
        vote = TargetVote(names, best.k, best.votes, best.temperature, best.macro_f1)
        shares = vote.probabilities(ids, similarities, codes)
        vote = replace(vote, calibration=calibrate(shares, true, people))
        if reject is not None:
            right = shares.argmax(axis=1) == true  # calibration leaves the winner
            vote = _with_threshold(vote, vote.certainties(ids, similarities, codes), right, reject)
        chosen[name] = vote
    return chosen


def _with_threshold(
    vote: TargetVote, certainties: NDArray[np.float64], right: NDArray[np.bool_], reject: float | str
) -> TargetVote:
    rate = None if isinstance(reject, str) else reject
    rule = reject_threshold(certainties, right, false_accept_rate=rate)
    aim = "best F1" if rate is None else f"false-accept rate {rate:g}"
    if rate is not None and not rule.guaranteed:
        aim += f", not guaranteed with {rule.num_wrong} wrong answers"
    return replace(vote, threshold=rule.threshold, rejects=f"{aim}; answers {rule.coverage:.0%}")
