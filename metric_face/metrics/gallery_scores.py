"""gallery_metrics: CMC@k, mAP, mINP, precision@k and MRR of queries against a gallery, and macro F1 of identities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Doubles, Ints
from metric_face.errors import ArgumentError
from metric_face.metrics.f1 import macro_f1, one_each
from metric_face.metrics.gallery_ranking import GalleryRanking
from metric_face.metrics.intervals import Interval, bootstrap_interval
from metric_face.metrics.left_out_interval import left_out_interval
from metric_face.progress import Progress, silent
from metric_face.search import Points
from metric_face.vectors import Metric, as_vectors, check_directions, check_k, check_metric, group_codes

_MOST_RESAMPLED = 20_000  # identities; macro F1 of more has no interval: time grows with their square


@dataclass(frozen=True)
class GalleryMetrics:
    """How well queries find the images of their identity in a gallery.

    Attributes:
        scores: ``map``, ``minp``, ``mrr``, ``cmc@k`` and ``precision@k`` -> the mean over the queries that count, with
            its interval over identities, as what asks and as what is found.
        macro_f1: of the identities; each query is answered with that of the nearest image that it may find.
        queries: how many count.
        without_relevant: queries whose identity has no image in the gallery that they may find; they do not count.
        gallery: images in the gallery.
        identities: of queries and gallery.
        per_query: name -> (Q,) values of the queries asked, NaN where a query does not count.
        predicted: (Q,) position in the gallery of an image of the identity answered, -1 where
            a query does not count.
    """

    scores: Mapping[str, Interval]
    macro_f1: Interval
    queries: int
    without_relevant: int
    gallery: int
    identities: int
    per_query: Mapping[str, Doubles] = field(repr=False)
    predicted: Ints = field(repr=False)


def gallery_metrics(
    queries: ArrayLike,
    query_identities: ArrayLike,
    gallery: ArrayLike | None = None,
    gallery_identities: ArrayLike | None = None,
    *,
    query_cameras: ArrayLike | None = None,
    gallery_cameras: ArrayLike | None = None,
    query_sequences: ArrayLike | None = None,
    gallery_sequences: ArrayLike | None = None,
    rows: ArrayLike | None = None,
    ks: Sequence[int] = (1, 5, 10),
    metric: Metric = "cosine",
    seed: int = 0,
    progress: Progress = silent,
) -> GalleryMetrics:
    """Rank a gallery for each query, as re-identification is evaluated.

    Of cameras: gallery images of the query's identity from the query's own camera are left out, neither right nor
    wrong (Market-1501); sequences likewise. A missing camera or sequence equals no other. What only the rounding
    of float64 tells apart is equal, and among equals the lower position comes first.

    Args:
        queries: (Q, D) vectors.
        query_identities: (Q,) integers or strings.
        gallery: (N, D) vectors; default the queries, of which none finds itself.
        gallery_identities: (N,) of the gallery.
        query_cameras, gallery_cameras: (Q,) and (N,) cameras.
        query_sequences, gallery_sequences: (Q,) and (N,) sequences, numbered across cameras.
        rows: positions of the queries that ask; default all of them.
        ks: the k of CMC@k, the share of queries with a relevant image among the k nearest, and of precision@k, the
            share of relevant images among them.
        metric: "cosine", "inner_product" or "euclidean".
        seed: of the resampling of macro F1.
        progress: called with (queries done, queries in all).

    Returns:
        The means with intervals, the counts, and the values of each query.

    Raises:
        ArgumentError: shapes disagree, a k is below 1, only one side has cameras, or no query has a relevant image.

    Reference:
        Zheng et al.: Market-1501, ICCV 2015 (CMC, mAP, the rule of cameras); Ye et
        al.: AGW, TPAMI 2021 (mINP: relevant images over the rank of the last).
    """
    asking = as_vectors(queries, "queries")
    alone = gallery is None
    found = asking if gallery is None else as_vectors(gallery, "gallery", asking.shape[1])
    if metric == "cosine":
        check_directions(asking, "queries")
        check_directions(found, "gallery")
    if not len(asking) or not len(found):
        raise ArgumentError(f"queries and gallery must not be empty, found {len(asking)} and {len(found)}")
    depths = sorted({check_k(k, "ks") for k in ks})
    if not depths:
        raise ArgumentError("ks must hold at least one k, found none")
    sides = (len(asking), len(found))
    codes = _paired(query_identities, gallery_identities, "identities", sides, alone)
    if codes is None:
        raise ArgumentError("query_identities and gallery_identities must be given, found None")
    cameras = _paired(query_cameras, gallery_cameras, "cameras", sides, alone)
    sequences = _paired(query_sequences, gallery_sequences, "sequences", sides, alone)
    drawn = np.arange(len(asking)) if rows is None else np.unique(np.asarray(rows, np.int64))
    asking, codes = asking[drawn], (codes[0][drawn], codes[1])
    conditions = [(one[0][drawn], one[1]) for one in (cameras, sequences) if one is not None]
    ranking = GalleryRanking(*codes, conditions, drawn if alone else None, depths)
    ranking.run(Points.of(found, check_metric(metric)), asking, progress)
    counting = ranking.predicted >= 0
    if not counting.any():
        raise ArgumentError(
            "gallery must hold an image that a query may find of its identity, found none; check the identities, and "
            "whether cameras or sequences leave all of them out"
        )
    means = ranking.values[counting].mean(axis=0)
    scores = {
        name: left_out_interval(float(mean), without, float(twice), ranking.identities)
        for name, mean, without, twice in zip(
            ranking.names, means, ranking.without(), ranking.twice(), strict=True
        )
    }
    at = np.full(ranking.identities, -1, np.int64)
    at[codes[1]] = np.arange(len(found))
    return GalleryMetrics(
        scores,
        _macro_f1(codes[0][counting], ranking.predicted[counting], seed),
        int(counting.sum()),
        int((~counting).sum()),
        len(found),
        ranking.identities,
        dict(zip(ranking.names, ranking.values.T, strict=True)),
        np.where(counting, at[ranking.predicted], -1),
    )


def _paired(
    of_queries: ArrayLike | None,
    of_gallery: ArrayLike | None,
    name: str,
    sides: tuple[int, int],
    alone: bool,
) -> tuple[Ints, Ints] | None:
    """Codes of a column of both sides; None where neither has it."""
    given = [of_queries, of_queries if alone and of_gallery is None else of_gallery]
    if given[0] is None and given[1] is None:
        return None
    for values, side, size in zip(given, ("query", "gallery"), sides, strict=True):
        if values is None:
            raise ArgumentError(f"{side}_{name} must be given where the other side has them, found None")
        try:
            one_each(values, size)
        except ArgumentError as error:
            raise ArgumentError(f"{side}_{name}: {error}") from None
    first, second = group_codes(*given)
    return first, second


def _macro_f1(true: Ints, predicted: Ints, seed: int) -> Interval:
    """Macro F1 of identities, over those that queries have or are answered with."""
    known, codes = np.unique(np.concatenate([true, predicted]), return_inverse=True)
    true, predicted = codes[: len(true)], codes[len(true) :]
    if not 2 <= len(np.unique(true)) <= _MOST_RESAMPLED:
        return Interval.without_range(macro_f1(true, predicted))
    return bootstrap_interval(true, predicted, true, num_classes=len(known), seed=seed)
