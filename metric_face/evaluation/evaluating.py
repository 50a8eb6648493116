"""evaluate: what a run is worth, by its heads, by its neighbors and by a probe, with intervals over identities."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.data import LabelSpace, Targets, identities_of, targets_of
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError
from metric_face.evaluation.array_input import from_arrays
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
    run: Run | str | Path | Any,
    labels: Any = None,
    groups: Any = None,
    *,
    embeddings: Embeddings | None = None,
    held_out: Any = None,
    split: str = "val",
    max_queries: int | None = MAX_QUERIES,
    seed: int = 0,
    say: Say = silent,
) -> Evaluation:
    """Evaluate a run, or vectors of any other trainer, on a split that was not trained on.

    The neighbors are searched among the training split, and kept in the run for the next analysis. The k
    and the vote of kNN are chosen on one half of the split's identities and applied to the other, and the other way
    round, so no query helps to choose its own k. The probe chooses its strength on folds of the training identities.
    Retrieval ranks the whole split for every query, since R-precision and MAP@R look as deep as there are relevant
    images: no graph of few neighbors would do. Of a larger split ``max_queries`` images, drawn at random, ask for
    their neighbors, by kNN and for retrieval; what they may find is not thinned.

    Args:
        run: a run, or its folder; or (N, D) vectors of any other trainer.
        labels: beside vectors, their (N,) classes, or a mapping or frame of columns, which also make a joint class.
        groups: beside vectors, (N,) the identity of each; nothing of one is on both sides of the split.
        embeddings: of a run's images; default those stored in the run.
        held_out: beside vectors, (N,) booleans, True where they were not trained on; default a fifth of the groups.
        split: ``val`` or ``test``; beside vectors, only a name.
        max_queries: images that ask for their neighbors; None for all of them.
        seed: of the resampling, the halves and the drawing.
        say: called with what is being computed.

    Returns:
        Macro F1 per predictor and target, retrieval within the split, and what reading the heads differently would add.
        A predictor that fails on a target is left out and noted; the others stand.

    Raises:
        ArgumentError: no image in a split, nothing could be measured at all, or arrays that do not fit each other.

    Example:
        >>> found = metric_face.evaluate("runs/first")  # or evaluate(vectors, labels, identities)
        >>> found.score("knn", "joint").macro_f1.value
        0.714
    """
    if isinstance(run, Run | str | Path) or embeddings is not None:
        if labels is not None or groups is not None or held_out is not None:
            raise ArgumentError("labels, groups and held_out must be left out with a run, which has its own")
        run = Run.open(run) if isinstance(run, str | Path) else run
        embeddings = embeddings if embeddings is not None else run.embeddings()
        group = run.config.data.split.group
        return _evaluated(run, embeddings, run.space, group, split, max_queries, seed, say)
    embeddings, space = from_arrays(run, labels, groups, held_out, split, seed)
    return _evaluated(None, embeddings, space, None, split, max_queries, seed, say)


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
    known, targets = _shared_targets(gallery, queries, run.space)
    if not known:
        raise ArgumentError("probe: the run has no attributes to predict; it was trained on identities alone")
    say("linear probe")
    notes: list[str] = []
    scored = PredictorScores(known, targets, _identities(run, queries), seed, notes)
    scores = scored.probe(gallery.vectors, _identities(run, gallery), queries.vectors)
    if notes:  # the probe is all that was requested: a part of it would be taken for the whole
        raise ArgumentError(notes[0])
    return scores


def _evaluated(
    run: Run | None,
    embeddings: Embeddings,
    space: LabelSpace | None,
    group: str | None,
    split: str,
    max_queries: int | None,
    seed: int,
    say: Say,
) -> Evaluation:
    """Score embeddings by heads, neighbors and a probe; of a run also what its log and its start say."""
    gallery, queries = embeddings.in_split("train"), embeddings.in_split(split)
    identities, owners = (identities_of(part.table, group) for part in (queries, gallery))
    known, targets = _shared_targets(gallery, queries, space)
    if not targets:
        subject = f"{run.folder}: its images have" if run else "the vectors have"
        raise ArgumentError(f"{subject} no labels and no identities, so nothing can be measured")
    notes: list[str] = []
    scores: list[Score] = []
    rows = draw_queries(len(queries), max_queries, seed)
    scored = PredictorScores(known, targets, identities, seed, notes)
    if space is not None:
        scores += scored.heads(queries, space)
        if run is not None and split == "val":
            notes += _against_log(run, scores, len(queries))
        say("kNN")
        with optional("kNN", notes):
            kept = None if run is None else run.folder
            graph = graph_between(kept, split, queries.vectors, "train", gallery.vectors, rows=rows)
            scores += scored.of_rows(rows).knn(graph)
        say("linear probe")
        scores += scored.probe(gallery.vectors, owners, queries.vectors)
        scores += scored.majority()
    say("retrieval")
    nearest = score_retrieval(queries, targets, identities, notes, rows)
    open_set = None
    with optional("open set", notes):
        open_set = score_open_set(queries, notes, seed=seed)
    remedies: list[Remedy] = []
    if run is not None:
        say("thresholds")
        with optional("thresholds and priors", notes):
            remedies = after_training(run, gallery.table, queries, seed=seed, notes=notes)
    if not scores and not nearest:
        raise ArgumentError(f"--split {split}: nothing could be measured on it; {'; '.join(notes)}")
    beside, found = beside_start(run, split, scores, nearest) if run else (tuple(scores), tuple(nearest))
    return Evaluation(
        split,
        len(queries),
        len(np.unique(identities)),
        beside,
        found,
        tuple(remedies),
        _met_own(queries, group, identities, owners),
        tuple(notes),
        len(rows),
        open_set,
        teacher_of(run, split) if run else None,
    )


def _identities(run: Run, embeddings: Embeddings) -> NDArray[np.str_]:
    return identities_of(embeddings.table, run.config.data.split.group)


def _shared_targets(
    gallery: Embeddings, queries: Embeddings, space: LabelSpace | None
) -> tuple[Targets, Targets]:
    if space is None:
        return {}, targets_of(queries.table, None)
    return targets_of(gallery.table, space), targets_of(queries.table, space)


def _against_log(run: Run, scores: Sequence[Score], images: int) -> list[str]:
    """What is wrong where the heads do not score as the training log says; the joint class stands last."""
    whole = [score.macro_f1.value for score in scores if score.predictor == "head"][-1:]
    found = differs_from_log(run.facts, whole[0], images) if whole else None
    return [] if found is None else [found]


def _met_own(queries: Embeddings, group: str | None, identities: Any, owners: Any) -> int | None:
    """How many queries have images of their own identity among the training split; None where it is not known."""
    if queries.table.identities is None and group not in queries.table.frame.columns:
        return None
    return int(np.isin(identities, owners).sum())
