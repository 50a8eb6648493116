"""evaluate_queries: queries against a gallery, as re-identification and recognition are evaluated."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError, ModelMismatchError
from metric_face.evaluation.protocol_inputs import (
    Source,
    embeddings_of,
    labels_of,
    rows_with,
    with_identity,
)
from metric_face.metrics import MAX_QUERIES, Interval, draw_queries, gallery_metrics
from metric_face.plurals import counted
from metric_face.progress import Progress, silent
from metric_face.vectors import Metric


@dataclass(frozen=True)
class QueryScores:
    """How well queries find their identity in a gallery.

    Attributes:
        scores: ``map``, ``minp``, ``mrr``, ``cmc@k``, ``precision@k`` -> the mean with its interval over identities.
        macro_f1: of identities, by the nearest image that a query may find.
        queries: how many count.
        without_relevant: queries whose identity has no image in the gallery that they may find; they do not count.
        gallery: images in it.
        identities: of queries and gallery.
        drawn_from: queries that there are; as many are asked unless ``max_queries`` is smaller.
        left_out: columns by which images of a query's own identity are left out.
        notes: what a reader should know, a line each.
    """

    scores: Mapping[str, Interval]
    macro_f1: Interval
    queries: int
    without_relevant: int
    gallery: int
    identities: int
    drawn_from: int
    left_out: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The scores as plain data, for JSON."""
        return asdict(self)


def evaluate_queries(
    source: Source,
    *,
    query: Mapping[str, Any] | None = None,
    gallery: Mapping[str, Any] | None = None,
    query_source: Source | None = None,
    camera: str | None = None,
    sequence: str | None = None,
    identity: str = "identity",
    ks: Sequence[int] = (1, 5, 10),
    metric: Metric = "cosine",
    split: str | None = None,
    max_queries: int | None = MAX_QUERIES,
    seed: int = 0,
    progress: Progress = silent,
) -> QueryScores:
    """Rank a gallery for each query: CMC@k, mAP, mINP, precision@k, MRR and macro F1 of identities.

    Without ``query`` and ``query_source`` each image asks, and finds all others. With cameras, gallery images of the
    query's identity from its own camera are left out (Market-1501); likewise with sequences, which must be numbered
    across cameras. A missing camera or sequence equals no other. An image without an identity is left out.

    Args:
        source: a run or its folder, a folder of embeddings, or embeddings, with the gallery.
        query: which images ask, column -> value or values; they are not in the gallery.
        gallery: which images are the gallery; default all that do not ask.
        query_source: where the queries are, if not in ``source``; made by the same model.
        camera: column of cameras.
        sequence: column of sequences.
        identity: column of identities.
        ks: the k of CMC@k and precision@k.
        metric: ``cosine``, ``inner_product`` or ``euclidean``.
        split: which split of each table that has one; ``all`` for every image; default ``val`` where there is one.
        max_queries: of more queries, as many are drawn; None asks all.
        seed: of the drawing and the resampling.
        progress: called with (queries done, queries in all).

    Returns:
        The scores with intervals over identities.

    Raises:
        ArgumentError: a column or value is not there, or no query has an image to find.
        ModelMismatchError: queries and gallery come from different models.

    Example:
        >>> found = metric_face.evaluate_queries("runs/first", query={"role": "query"}, camera="camera")
        >>> found.scores["map"].value
        0.412
    """
    notes: list[str] = []
    whole = with_identity(embeddings_of(source, split), identity, notes)
    alone = query is None and query_source is None
    if query_source is not None:
        asking = with_identity(embeddings_of(query_source, split), identity, notes)
        asking = asking if query is None else asking.take(rows_with(asking.table, query, "query"))
        found = whole if gallery is None else whole.take(rows_with(whole.table, gallery, "gallery"))
        _check_models(asking, found)
    elif query is None:
        found = asking = whole if gallery is None else whole.take(rows_with(whole.table, gallery, "gallery"))
    else:
        asks = rows_with(whole.table, query, "query")
        there = ~asks if gallery is None else rows_with(whole.table, gallery, "gallery")
        if (both := int((asks & there).sum())) or not there.any():
            raise ArgumentError(
                f"gallery must hold images that do not ask, found {int(there.sum()):,} of which {both:,} ask; "
                "choose others with gallery="
            )
        asking, found = whole.take(asks), whole.take(there)
    if not alone:
        notes += _met_themselves(asking, found)
    columns = {"cameras": camera, "sequences": sequence}
    sides = {
        f"{side}_{name}": labels_of(of.table, column, name[:-1])
        for name, column in columns.items()
        if column is not None
        for side, of in (("query", asking), ("gallery", found))
    }
    rows = draw_queries(len(asking), max_queries, seed)
    names = labels_of(asking.table, identity, "identity")
    measured = gallery_metrics(
        asking.vectors,
        names,
        None if alone else found.vectors,
        None if alone else labels_of(found.table, identity, "identity"),
        rows=rows,
        ks=ks,
        metric=metric,
        seed=seed,
        progress=progress,
        **({name: values for name, values in sides.items() if not (alone and name.startswith("gallery"))}),
    )
    return QueryScores(
        measured.scores,
        measured.macro_f1,
        measured.queries,
        measured.without_relevant,
        len(found),
        measured.identities,
        len(asking),
        tuple(column for column in (camera, sequence) if column is not None),
        tuple(notes),
    )


def _check_models(asking: Embeddings, found: Embeddings) -> None:
    if asking.fingerprint and found.fingerprint and asking.fingerprint != found.fingerprint:
        raise ModelMismatchError(
            f"queries were made by model {asking.fingerprint}, the gallery by {found.fingerprint}; "
            "embed both with the same run"
        )


def _met_themselves(asking: Embeddings, found: Embeddings) -> list[str]:
    gallery = {str(path) for path in found.table.paths}
    met = sum(str(path) in gallery for path in asking.table.paths)
    return [f"{counted(met, 'queries')} find their own file in the gallery"] if met else []
