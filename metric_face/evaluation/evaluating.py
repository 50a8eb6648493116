"""evaluate: what a run is worth, by its heads, by its neighbors and by a probe, with intervals over identities."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.data import Targets, identities_of, targets_of
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError
from metric_face.evaluation.beside_start import beside_start, teacher_of
from metric_face.evaluation.log_check import differs_from_log
from metric_face.evaluation.logit_adjustment import Remedy, after_training
from metric_face.evaluation.open_set_scores import score_open_set
from metric_face.evaluation.predictor_scores import PredictorScores
from metric_face.evaluation.result import Evaluation, Score
from metric_face.evaluation.retrieval_scores import score_retrieval
from metric_face.metrics import MAX_QUERIES, draw_queries
from metric_face.optional import optional
from metric_face.progress import Say, silent
from metric_face.run import Run
from metric_face.search import graph_between


def evaluate(
    run: Run | str | Path,
    embeddings: Embeddings | None = None,
    *,
    split: str = "val",
    max_queries: int | None = MAX_QUERIES,
    seed: int = 0,
    say: Say = silent,
) -> Evaluation:
    """Evaluate a run on a split that it was not trained on.

    The neighbors are searched among the training split, and kept in the run for the next analysis. The k
    and the vote of kNN are chosen on one half of the split's identities and applied to the other, and the other way
    round, so no query helps to choose its own k. The probe chooses its strength on folds of the training identities.
    Retrieval ranks the whole split for every query, since R-precision and MAP@R look as deep as there are relevant
    images: no graph of few neighbors would do. Of a larger split ``max_queries`` images, drawn at random, ask for
    their neighbors, by kNN and for retrieval; what they may find is not thinned.

    Args:
        run: a run, or its folder.
        embeddings: of its images; default those stored in the run.
        split: ``val`` or ``test``.
        max_queries: images that ask for their neighbors; None for all of them.
        seed: of the resampling, the halves and the drawing.
        say: called with what is being computed.

    Returns:
        Macro F1 per predictor and target, retrieval within the split, and what reading the heads differently would add.
        A predictor that fails on a target is left out and noted; the others stand.

    Raises:
        ArgumentError: no image in a split, or nothing could be measured at all.

    Example:
        >>> found = metric_face.evaluate("runs/first")
        >>> found.score("knn", "joint").macro_f1.value
        0.714
    """
    run = Run.open(run) if isinstance(run, str | Path) else run
    embeddings = embeddings if embeddings is not None else run.embeddings()
    gallery, queries = embeddings.in_split("train"), embeddings.in_split(split)
    identities = _identities(run, queries)
    known, targets = _shared_targets(gallery, queries, run)
    if not targets:
        raise ArgumentError(
            f"{run.folder}: its images have no labels and no identities, so nothing can be measured"
        )
    notes: list[str] = []
    scores: list[Score] = []
    rows = draw_queries(len(queries), max_queries, seed)
    scored = PredictorScores(known, targets, identities, seed, notes)
    if run.space is not None:
        scores += scored.heads(queries, run.space)
        if split == "val":
            notes += _against_log(run, scores, len(queries))
        say("kNN")
        with optional("kNN", notes):
            graph = graph_between(run.folder, split, queries.vectors, "train", gallery.vectors, rows=rows)
            scores += scored.of_rows(rows).knn(graph)
        say("linear probe")
        scores += scored.probe(gallery.vectors, _identities(run, gallery), queries.vectors)
        scores += scored.majority()
    say("retrieval")
    nearest = score_retrieval(queries, targets, identities, notes, rows)
    open_set = None
    with optional("open set", notes):
        open_set = score_open_set(queries, notes, seed=seed)
    say("thresholds")
    remedies: list[Remedy] = []
    with optional("thresholds and priors", notes):
        remedies = after_training(run, gallery.table, queries, seed=seed, notes=notes)
    if not scores and not nearest:
        raise ArgumentError(f"--split {split}: nothing could be measured on it; {'; '.join(notes)}")
    beside, found = beside_start(run, split, scores, nearest)
    return Evaluation(
        split,
        len(queries),
        len(np.unique(identities)),
        beside,
        found,
        tuple(remedies),
        _met_own(run, gallery, queries, identities),
        tuple(notes),
        len(rows),
        open_set,
        teacher_of(run, split),
    )


def probe(
    run: Run | str | Path,
    embeddings: Embeddings | None = None,
    *,
    split: str = "val",
    seed: int = 0,
    say: Say = silent,
) -> list[Score]:
    """Fit the linear probe of :func:`evaluate` alone.

    Args:
        run: as for :func:`evaluate`, and so are the others.
        embeddings: of its images; default those stored in the run.
        split: ``val`` or ``test``.
        seed: of the resampling.
        say: called with a line before each long step.

    Returns:
        The score of each target: macro F1 with its interval, and F1 per class.

    Raises:
        ArgumentError: the run has no attributes, a split has no image, or the probe of a target fails.

    Example:
        >>> for score in metric_face.probe("runs/first"):
        ...     print(score.target, score.macro_f1)
    """
    run = Run.open(run) if isinstance(run, str | Path) else run
    embeddings = embeddings if embeddings is not None else run.embeddings()
    gallery, queries = embeddings.in_split("train"), embeddings.in_split(split)
    known, targets = _shared_targets(gallery, queries, run)
    if not known:
        raise ArgumentError("probe: the run has no attributes to predict; it was trained on identities alone")
    say("linear probe")
    notes: list[str] = []
    scored = PredictorScores(known, targets, _identities(run, queries), seed, notes)
    scores = scored.probe(gallery.vectors, _identities(run, gallery), queries.vectors)
    if notes:  # the probe is all that was requested: a part of it would be taken for the whole
        raise ArgumentError(notes[0])
    return scores


def _identities(run: Run, embeddings: Embeddings) -> NDArray[np.str_]:
    return identities_of(embeddings.table, run.config.data.split.group)


def _shared_targets(gallery: Embeddings, queries: Embeddings, run: Run) -> tuple[Targets, Targets]:
    if run.space is None:
        return {}, targets_of(queries.table, None)
    return targets_of(gallery.table, run.space), targets_of(queries.table, run.space)


def _against_log(run: Run, scores: Sequence[Score], images: int) -> list[str]:
    """What is wrong where the heads do not score as the training log says; the joint class stands last."""
    whole = [score.macro_f1.value for score in scores if score.predictor == "head"][-1:]
    found = differs_from_log(run.facts, whole[0], images) if whole else None
    return [] if found is None else [found]


def _met_own(run: Run, gallery: Embeddings, queries: Embeddings, identities: Any) -> int | None:
    """How many queries have images of their own identity among the training split; None where it is not known."""
    if queries.table.identities is None and run.config.data.split.group not in queries.table.frame.columns:
        return None
    return int(np.isin(identities, _identities(run, gallery)).sum())
