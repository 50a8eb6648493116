"""evaluate: what a run is worth, by its heads, by its neighbors and by a probe, with intervals over identities."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Ints
from metric_face.classifiers import LinearProbe, choose_k, votes_for_ks
from metric_face.data import Targets, identities_of, identity_labels, targets_of
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError
from metric_face.evaluation.log_check import differs_from_log
from metric_face.evaluation.logit_adjustment import Remedy, after_training
from metric_face.fold_assignment import identity_folds
from metric_face.metrics import (
    Interval,
    RetrievalMetrics,
    bootstrap_interval,
    f1_per_class,
    macro_f1,
    retrieval_metrics,
)
from metric_face.optional import optional
from metric_face.progress import Say, silent
from metric_face.run import Run
from metric_face.search import NeighborGraph, graph_between


@dataclass(frozen=True)
class Score:
    """The macro F1 of one predictor on one target.

    Attributes:
        predictor: ``head``, ``knn``, ``probe`` or ``majority``.
        target: an attribute, ``joint`` or ``identity``.
        macro_f1: with its interval over identities.
        f1: per class, NaN where the split has none of it.
        note: how the predictor was set, such as the k of kNN.
    """

    predictor: str
    target: str
    macro_f1: Interval
    f1: dict[str, float]
    note: str = ""


@dataclass(frozen=True)
class Retrieval:
    """How near the images of one label are to each other, within the split evaluated.

    Attributes:
        label: ``identity``, ``joint`` or an attribute.
        recall_at_1: with its interval over identities.
        recall_at_5, r_precision, map_at_r: means over queries.
        same_identity_excluded: whether a query's own identity was left out of its neighbors.
        queries: how many counted.
        without_relevant: queries with nothing to find, which do not count.
    """

    label: str
    recall_at_1: Interval
    recall_at_5: float
    r_precision: float
    map_at_r: float
    same_identity_excluded: bool
    queries: int
    without_relevant: int


@dataclass(frozen=True)
class Evaluation:
    """The scores of a run on one part of its images.

    Attributes:
        split: the split.
        images: in it.
        identities: in it.
        scores: per predictor and target.
        retrieval: per label.
        after_training: what thresholds and a prior add to the heads.
        met_own: images whose own identity is in the training split too, where kNN and probe meet it: it is not left
            out; 0 after a split by identity, None where identities are not known.
        notes: what could not be measured, and why, a line each.
    """

    split: str
    images: int
    identities: int
    scores: tuple[Score, ...]
    retrieval: tuple[Retrieval, ...]
    after_training: tuple[Remedy, ...] = ()
    met_own: int | None = None
    notes: tuple[str, ...] = ()

    def score(self, predictor: str, target: str) -> Score:
        """One score.

        Raises:
            ArgumentError: there is none of this predictor and target.
        """
        for score in self.scores:
            if (score.predictor, score.target) == (predictor, target):
                return score
        known = ", ".join(sorted({f"{score.predictor}/{score.target}" for score in self.scores}))
        raise ArgumentError(f"score {predictor}/{target}: there is {known}")

    def to_dict(self) -> dict[str, Any]:
        """The evaluation as plain data, for JSON."""
        return asdict(self)


def evaluate(
    run: Run | str | Path,
    embeddings: Embeddings | None = None,
    *,
    split: str = "val",
    seed: int = 0,
    say: Say = silent,
) -> Evaluation:
    """Evaluate a run on a split that it was not trained on.

    The neighbors are searched among the training split, and kept in the run for the next analysis. The k
    and the vote of kNN are chosen on one half of the split's identities and applied to the other, and the other way
    round, so no query helps to choose its own k. The probe chooses its strength on folds of the training identities.
    Retrieval ranks the whole split for every query, since R-precision and MAP@R look as deep as there are relevant
    images: no graph of few neighbors would do.

    Args:
        run: a run, or its folder.
        embeddings: of its images; default those stored in the run.
        split: ``val`` or ``test``.
        seed: of the resampling and the halves.
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
    gallery_targets, targets = _shared_targets(gallery, queries, run)
    scores: list[Score] = []
    notes: list[str] = []
    if run.space is not None:
        scores += _score_heads(run, queries, targets, identities, seed, notes)
        if split == "val":
            notes += _against_log(run, scores, len(queries))
        say("kNN")
        with optional("kNN", notes):
            graph = graph_between(run.folder, split, queries.vectors, "train", gallery.vectors)
            scores += _score_knn(graph, gallery_targets, targets, identities, seed, notes)
        say("linear probe")
        scores += _score_probe(run, gallery, queries, gallery_targets, targets, identities, seed, notes)
        scores += _score_majority(gallery_targets, targets, identities, seed, notes)
    say("retrieval")
    nearest = _retrieval(queries, targets, identities, notes)
    say("thresholds")
    remedies: list[Remedy] = []
    with optional("thresholds and priors", notes):
        remedies = after_training(run, gallery.table, queries, seed=seed, notes=notes)
    if not scores and not nearest:
        raise ArgumentError(f"--split {split}: nothing could be measured on it; {'; '.join(notes)}")
    return Evaluation(
        split,
        len(queries),
        len(np.unique(identities)),
        tuple(scores),
        tuple(nearest),
        tuple(remedies),
        _met_own(run, gallery, queries, identities),
        tuple(notes),
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
        run, embeddings, split, seed, progress: as for :func:`evaluate`.

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
    scores = _score_probe(run, gallery, queries, known, targets, _identities(run, queries), seed, notes)
    if notes:  # the probe is all that was requested: a part of it would be taken for the whole
        raise ArgumentError(notes[0])
    return scores


def _identities(run: Run, embeddings: Embeddings) -> NDArray[np.str_]:
    return identities_of(embeddings.table, run.config.data.split.group)


def _shared_targets(gallery: Embeddings, queries: Embeddings, run: Run) -> tuple[Targets, Targets]:
    if run.space is None:
        return {}, targets_of(queries.table, None)
    return targets_of(gallery.table, run.space), targets_of(queries.table, run.space)


def _score(
    predictor: str,
    target: str,
    true: Ints,
    predicted: Ints,
    names: tuple[str, ...],
    identities: Any,
    seed: int,
    note: str = "",
) -> Score:
    if len(np.unique(identities)) > 1:
        interval = bootstrap_interval(true, predicted, identities, num_classes=len(names), seed=seed)
    else:
        interval = Interval.without_range(macro_f1(true, predicted, len(names)))
    per_class = f1_per_class(true, predicted, len(names))
    return Score(predictor, target, interval, dict(zip(names, map(float, per_class), strict=True)), note)


def _score_heads(
    run: Run, queries: Embeddings, targets: Targets, identities: Any, seed: int, notes: list[str]
) -> list[Score]:
    if not queries.logits or run.space is None:
        return []
    predicted = run.space.head_classes(queries.logits)
    scores = []
    for name in targets:
        with optional(f"head of {name}", notes):
            scores.append(_score("head", name, *_pair(targets, name, predicted), identities, seed))
    return scores


def _against_log(run: Run, scores: Sequence[Score], images: int) -> list[str]:
    """What is wrong where the heads do not score as the training log says; the joint class stands last."""
    whole = [score.macro_f1.value for score in scores if score.predictor == "head"][-1:]
    found = differs_from_log(run.facts, whole[0], images) if whole else None
    return [] if found is None else [found]


def _pair(targets: Targets, name: str, predicted: Mapping[str, Ints]) -> tuple[Ints, Ints, tuple[str, ...]]:
    true, names = targets[name]
    return true, predicted[name], names


def _score_knn(
    graph: NeighborGraph, known: Targets, targets: Targets, identities: Any, seed: int, notes: list[str]
) -> list[Score]:
    if len(np.unique(identities)) < 2:
        notes.append(
            "kNN: left out; its k is chosen on one half of the identities and evaluated on the other, found 1 identity"
        )
        return []
    scores = []
    for name, (true, names) in targets.items():
        with optional(f"kNN of {name}", notes):
            halves = identity_folds(identities, 2, true, seed=seed)
            predicted, setting = _knn_predictions(graph, known[name][0], true, halves, seed)
            scores.append(_score("knn", name, true, predicted, names, identities, seed, setting))
    return scores


def _knn_predictions(
    graph: NeighborGraph, known: Ints, true: Ints, halves: Ints, seed: int
) -> tuple[Ints, str]:
    """The answers (Q,) of kNN, each half of the queries by the k and the vote that the other half chose."""
    ids, similarities = graph.ids, graph.similarities
    predicted, settings = np.empty_like(true), []
    for half in (0, 1):
        chosen, answered = np.flatnonzero(halves == half), np.flatnonzero(halves != half)
        best = choose_k(ids[chosen], similarities[chosen], known, true[chosen], seed=seed).best
        answers = votes_for_ks(
            ids[answered],
            similarities[answered],
            known,
            [best.k],
            votes=best.votes,
            temperature=best.temperature,
        )
        predicted[answered] = answers[best.k].labels
        settings.append(f"k={best.k} {best.votes}")
    return predicted, " / ".join(dict.fromkeys(settings))


def _met_own(run: Run, gallery: Embeddings, queries: Embeddings, identities: Any) -> int | None:
    """How many queries have images of their own identity among the training split; None where it is not known."""
    if queries.table.identities is None and run.config.data.split.group not in queries.table.frame.columns:
        return None
    return int(np.isin(identities, _identities(run, gallery)).sum())


def _score_probe(
    run: Run,
    gallery: Embeddings,
    queries: Embeddings,
    known: Targets,
    targets: Targets,
    identities: Any,
    seed: int,
    notes: list[str],
) -> list[Score]:
    scores = []
    groups = _identities(run, gallery)
    for name, (true, names) in targets.items():
        with optional(f"probe of {name}", notes):
            probe = LinearProbe().fit(gallery.vectors, known[name][0], groups=groups)
            predicted = np.asarray(probe.predict(queries.vectors), dtype=np.int64)
            scores.append(_score("probe", name, true, predicted, names, identities, seed))
    return scores


def _score_majority(
    known: Targets, targets: Targets, identities: Any, seed: int, notes: list[str]
) -> list[Score]:
    """The baseline: every image gets each attribute's commonest class, and joint the class these make."""
    scores = []
    for name, (true, names) in targets.items():
        commonest = int(np.bincount(known[name][0]).argmax())
        with optional(f"majority of {name}", notes):
            scores.append(
                _score("majority", name, true, np.full_like(true, commonest), names, identities, seed)
            )
    return scores


def _recall_at_1(result: RetrievalMetrics) -> Interval:
    return (
        result.interval("recall@1") if result.num_identities > 1 else Interval.without_range(result.recall[1])
    )


def _retrieval(queries: Embeddings, targets: Targets, identities: Any, notes: list[str]) -> list[Retrieval]:
    labels = dict(targets)
    has_identities = len(np.unique(identities)) < len(identities)
    if queries.table.identities is not None:
        labels["identity"] = identity_labels(queries.table)
    found = []
    for name, (codes, _) in labels.items():
        exclude = has_identities and name != "identity"
        with optional(f"retrieval by {name}", notes):  # such as where no image has another one to find
            result = retrieval_metrics(
                queries.vectors,
                codes,
                identities=identities,
                exclude_same_identity=exclude,
                ks=(1, 5),
            )
            found.append(
                Retrieval(
                    name,
                    _recall_at_1(result),
                    result.recall[5],
                    result.r_precision,
                    result.map_at_r,
                    result.same_identity_excluded,
                    result.num_queries,
                    result.num_without_relevant,
                )
            )
    return found
