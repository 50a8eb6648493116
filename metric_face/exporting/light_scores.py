"""What a light model loses: its scores beside the full model's on the same validation images, with paired intervals.

Queries are embedded by the light model, and what they are compared with by the full one, since an index is built with
that: so it is the very combination that the kNN command uses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from metric_face.arrays import Bools, Floats, Ints
from metric_face.averaging import averaged, tta_of
from metric_face.batches import metric_labels
from metric_face.classifiers import choose_k, votes_for_ks
from metric_face.data import ImageTable, identities_of, targets_of
from metric_face.errors import FileFormatError, ModelMismatchError
from metric_face.metrics import Interval, LabelRetrieval, bootstrap_interval, draw_queries, macro_f1
from metric_face.optional import optional
from metric_face.progress import Progress
from metric_face.run import Run
from metric_face.search import Exclusion, NeighborGraph, nearest

Embed = Callable[[Floats], Floats]
_MOST = 5_000
"""Validation images, and training images where the run has no embeddings; more change the third decimal."""
_BATCH = 32
_DEPTH = 100


@dataclass(frozen=True)
class LightScore:
    """One score of both models.

    Attributes:
        name: such as ``kNN macro F1 of joint``.
        full, light: of the full and of the light model.
        gain: light minus full, with its paired interval over identities.
        decides: whether the choice of the model hangs on it.
    """

    name: str
    full: float
    light: float
    gain: Interval
    decides: bool

    def to_dict(self) -> dict[str, Any]:
        """The score as plain data."""
        return {
            "name": self.name,
            "full": self.full,
            "light": self.light,
            "gain": self.gain.value,
            "low": _known(self.gain.low),
            "high": _known(self.gain.high),
            "decides": self.decides,
        }


def measure_scores(
    run: Run, full: Embed, light: Embed, notes: list[str], progress: Progress, seed: int = 0
) -> list[LightScore]:
    """Score both models on the run's validation images: heads, kNN and recall@1, as far as the run has labels.

    Args:
        run: whose images and labels they are.
        full, light: from prepared images (N, 3, H, W) to (N, D); averaged as the kNN command averages them.
        notes: receives, a line each, what could not be measured and why.
        progress: called with (images done, images in all).
        seed: of drawing and resampling.
    """
    if "val" not in run.table.splits:
        notes.append("nothing is measured: the images have no split 'val'")
        return []
    table = run.table.in_split("val")
    table = table.take(draw_queries(len(table), _MOST, seed))
    tta = _tta_of(run)
    full, light = (partial(averaged, one, tta=tta) for one in (full, light))
    vectors, light_vectors = embed_table(run, table, (full, light), progress)
    identities = identities_of(table, run.config.data.split.group)
    if len(np.unique(identities)) < 2:
        notes.append("nothing is measured: validation has one identity, found 1; intervals need two")
        return []
    scores: list[LightScore] = []
    if run.space is not None:
        true, names = next(reversed(targets_of(table, run.space).items()))[1]
        target = run.space.target_names[-1]

        def score(name: str, first: Ints, second: Ints, *, decides: bool) -> LightScore:
            gain = bootstrap_interval(
                true, second, identities, other=first, num_classes=len(names), seed=seed
            )
            full_f1, light_f1 = (macro_f1(true, one, len(names)) for one in (first, second))
            return LightScore(f"{name} macro F1 of {target}", full_f1, light_f1, gain, decides)

        with optional("macro F1 of the heads", notes):
            heads = [_heads(run, one, target) for one in (vectors, light_vectors)]
            if heads[0] is not None and heads[1] is not None:
                scores.append(score("head", heads[0], heads[1], decides=False))
        with optional("macro F1 of kNN", notes):
            codes, gallery = _gallery(run, full, target, seed)
            scores.append(
                score("kNN", *_knn(codes, gallery, vectors, light_vectors, true, seed), decides=True)
            )
    with optional("recall@1", notes):
        scores.append(_recall(run, table, vectors, light_vectors, identities, seed))
    return scores


def embed_table(
    run: Run, table: ImageTable, models: tuple[Embed, ...], progress: Progress
) -> tuple[Floats, ...]:
    """The vectors (N, D) of a table's images by each of several models."""
    made: list[list[Floats]] = [[] for _ in models]
    transform = run.transform
    for start in range(0, len(table), _BATCH):
        images = np.stack([transform(path) for path in table.paths[start : start + _BATCH]])
        for vectors, embed in zip(made, models, strict=True):
            vectors.append(embed(images))
        progress(min(start + _BATCH, len(table)), len(table))
    return tuple(np.concatenate(vectors) for vectors in made)


def _tta_of(run: Run) -> str:
    """What an index of the run averages vectors over: as the stored vectors, else as the configuration says."""
    try:
        return tta_of(run.embeddings(mmap=True).fingerprint)
    except (FileFormatError, ModelMismatchError):
        return run.config.model.tta


def _gallery(run: Run, full: Embed, target: str, seed: int) -> tuple[Ints, Floats]:
    """Codes and vectors of the training images: the stored vectors, else drawn images embedded now."""
    try:
        stored = run.embeddings("train")
        return targets_of(stored.table, run.space)[target][0], np.asarray(stored.vectors)
    except (FileFormatError, ModelMismatchError):
        table = run.table.in_split("train")
        table = table.take(draw_queries(len(table), _MOST, seed))
        (vectors,) = embed_table(run, table, (full,), lambda done, total: None)
        return targets_of(table, run.space)[target][0], vectors


def _knn(
    codes: Ints, gallery: Floats, first: Floats, second: Floats, true: Ints, seed: int
) -> tuple[Ints, Ints]:
    """What the neighbors of both models' queries vote for, as the full model's queries chose the vote."""
    depth = min(_DEPTH, len(gallery))
    graphs = [NeighborGraph.between(queries, gallery, depth) for queries in (first, second)]
    best = choose_k(graphs[0].ids, graphs[0].similarities, codes, true, seed=seed).best
    answers = [
        votes_for_ks(
            graph.ids, graph.similarities, codes, [best.k], votes=best.votes, temperature=best.temperature
        )[best.k].labels
        for graph in graphs
    ]
    return answers[0], answers[1]


def _heads(run: Run, vectors: Floats, target: str) -> Ints | None:
    """The classes (N,) that the heads read from vectors; None where there are no heads."""
    import torch

    model = run.model
    if not model.head_names or run.space is None:
        return None
    with torch.inference_mode():
        seen = torch.from_numpy(vectors)
        logits = {name: head(seen).numpy() for name, head in zip(model.head_names, model.heads, strict=True)}
    return run.space.head_classes(logits)[target]


def _recall(
    run: Run, table: ImageTable, first: Floats, second: Floats, identities: Any, seed: int
) -> LightScore:
    """Recall@1 of both models' queries among the full model's vectors of the other validation images."""
    named = run.recall_label
    labels = metric_labels(table, run.space, named)
    counted = LabelRetrieval(
        labels,
        None if named == "identity" else identities,
        exclude_same_identity=named != "identity",
        recall_intervals=True,
    )
    asks = counted.is_asking
    hits = [
        nearest_hits(queries, first, labels, counted.excluded)[asks].astype(np.int64)
        for queries in (first, second)
    ]
    gain = bootstrap_interval(
        np.ones_like(hits[0]),
        hits[1],
        np.asarray(identities)[asks],
        other=hits[0],
        metric="accuracy",
        num_classes=2,
        seed=seed,
    )
    return LightScore(f"recall@1 by {named}", float(hits[0].mean()), float(hits[1].mean()), gain, True)


def nearest_hits(queries: Floats, base: Floats, labels: Ints, owners: Ints) -> Bools:
    """Whether each query's nearest by cosine, of another owner, has its label: (N,).

    Args:
        queries: (N, D).
        base: (N, D) of the same images.
        labels: (N,).
        owners: (N,) who is left out of a query's candidates; each its own leaves out the query alone.
    """
    ids, _ = nearest(queries, base, 1, "cosine", Exclusion(owners, owners))
    found = ids[:, 0]
    hits: Bools = (found >= 0) & (labels[found] == labels)
    return hits


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
