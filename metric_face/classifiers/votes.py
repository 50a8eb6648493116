"""From neighbors to classes: one search answers for every k, and memory does not depend on the classes.

The neighbors of each query are sorted by label once; then each k is a masked sum over runs of equal labels.
No array of queries x neighbors x classes is ever made, so 10,000 classes cost what 10 do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metric_face.arrays import Bools, Doubles, Ints
from metric_face.classifiers.vote_inputs import check_depth, check_item_weights, check_neighbors
from metric_face.errors import ArgumentError
from metric_face.vectors import Metric, check_metric, distances_of

Votes: TypeAlias = Literal["uniform", "distance", "softmax", "prior-corrected"]

UNKNOWN = -1  # the answer for a query without a single neighbor
_BLOCK = 1 << 19  # neighbors handled at once
_NEAR = 1e-6  # distance given to a neighbor that lies on the query
_TILT = 1e-9  # weight that lets the nearer neighbor decide between classes with equally many votes


@dataclass(frozen=True)
class Answers:
    """The class that each query's neighbors vote for.

    Attributes:
        labels: (Q,) int64 winning labels, ``UNKNOWN`` where a query has no neighbor.
        shares: (Q,) float64 share of the votes that the winner has, 0 where there is no neighbor.
    """

    labels: Ints
    shares: Doubles


def votes_for_ks(
    ids: ArrayLike,
    similarities: ArrayLike,
    labels: ArrayLike,
    ks: Sequence[int],
    *,
    votes: Votes = "softmax",
    temperature: float = 0.07,
    prior_strength: float = 1.0,
    metric: Metric = "cosine",
    item_weights: ArrayLike | None = None,
) -> dict[int, Answers]:
    """Classify by the k nearest for several k, from one search.

    Args:
        ids: (Q, K) positions of the neighbors, nearest first; -1 where there is none.
        similarities: (Q, K) their similarities, greatest first; for ``euclidean`` the negative distance.
        labels: (N,) integer labels of the items searched.
        ks: neighbors to count, each at most K.
        votes: "uniform" counts neighbors; "distance" weighs each by 1 / distance; "softmax" by
            exp(similarity / temperature); "prior-corrected" weighs as softmax and divides the votes of a class by
            its frequency among ``labels``, so that a class does not win by being frequent.
        temperature: of the softmax; smaller trusts the nearest more.
        prior_strength: exponent of the frequency: 1 corrects it wholly, 0 not at all.
        metric: what the similarities are.
        item_weights: (N,) positive numbers that multiply the votes of the items, and count in the frequencies.

    Returns:
        The answers for each k. Classes with equally many uniform votes: the one with the nearest neighbor wins.

    Raises:
        ArgumentError: shapes disagree, a k exceeds K, an id exceeds N, or a setting is out of range.

    Reference:
        Wu, Xiong, Yu, Lin, "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", CVPR 2018,
        section 3.4 (the softmax vote); Menon et al., "Long-Tail Learning via Logit Adjustment", ICLR 2021.
    """
    places, near, names, codes = check_neighbors(ids, similarities, labels)
    counts = sorted({check_depth(k, places.shape[1]) for k in ks})
    items = check_item_weights(item_weights, len(codes))
    strength = _class_weights(codes, len(names), votes, prior_strength, items)
    weighted = _weigher(votes, temperature, metric)
    found = {k: (np.full(len(places), UNKNOWN, np.int64), np.zeros(len(places))) for k in counts}
    for rows in _blocks(places.shape):
        cast = weighted(near[rows], places[rows] >= 0)
        runs = _Runs(codes, places[rows], cast if items is None else cast * items[places[rows]])
        for k in counts:
            winners, shares = runs.winners(runs.sums(k) * strength[runs.codes])
            found[k][0][rows] = np.where(shares > 0, names[winners], UNKNOWN)
            found[k][1][rows] = shares
    return {k: Answers(*found[k]) for k in ks}


def vote_shares(
    ids: ArrayLike,
    similarities: ArrayLike,
    labels: ArrayLike,
    k: int,
    *,
    num_classes: int | None = None,
    votes: Votes = "softmax",
    temperature: float = 0.07,
    prior_strength: float = 1.0,
    metric: Metric = "cosine",
    item_weights: ArrayLike | None = None,
) -> Doubles:
    """Share of the votes of each class, as a (Q, C) table: what ``predict_proba`` returns.

    Args:
        ids: (Q, K) positions of the neighbors, nearest first; -1 where there is none.
        similarities: (Q, K) their similarities.
        labels: (N,) labels 0..C-1 of the items searched.
        k: neighbors to count, at most K.
        num_classes: C; the largest label plus one when None.
        votes: as in :func:`votes_for_ks`.
        temperature: as in :func:`votes_for_ks`.
        prior_strength: as in :func:`votes_for_ks`.
        metric: what the similarities are.
        item_weights: as in :func:`votes_for_ks`.

    Returns:
        (Q, C) float64; a row sums to 1, or to 0 where a query has no neighbor.

    Raises:
        ArgumentError: as :func:`votes_for_ks`, or a label leaves 0..C-1.
    """
    places, near, names, codes = check_neighbors(ids, similarities, labels)
    check_depth(k, places.shape[1])
    classes = int(names[-1]) + 1 if num_classes is None else num_classes
    if names[0] < 0 or names[-1] >= classes:
        raise ArgumentError(
            f"labels must lie in 0..{classes - 1}, found {names[0]}..{names[-1]}; encode them"
        )
    items = check_item_weights(item_weights, len(codes))
    strength = _class_weights(codes, len(names), votes, prior_strength, items)
    weighted = _weigher(votes, temperature, metric)
    table = np.zeros((len(places), classes))
    for rows in _blocks(places.shape):
        cast = weighted(near[rows], places[rows] >= 0)
        runs = _Runs(codes, places[rows], cast if items is None else cast * items[places[rows]])
        sums = runs.sums(k) * strength[runs.codes]
        table[rows][runs.rows, names[runs.codes]] = sums / runs.totals(sums)[runs.rows]
    return table


class _Runs:
    """The neighbors of a block of queries, sorted by label into runs of one label each."""

    def __init__(self, codes: NDArray[Any], places: Ints, weights: Doubles) -> None:
        self._width = places.shape[1]
        labels = codes[places]  # a missing neighbor (-1) reads any label: its weight is zero
        self._order = np.argsort(labels, axis=1, kind="stable")
        self._weights = np.take_along_axis(weights, self._order, axis=1)
        ordered = np.take_along_axis(labels, self._order, axis=1)
        first = np.ones(ordered.shape, bool)
        first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        self._starts = np.flatnonzero(first)
        self.rows = self._starts // self._width
        self.codes = ordered.ravel()[self._starts]
        self._row_starts = np.searchsorted(self.rows, np.arange(len(places)))

    def sums(self, k: int) -> Doubles:
        """Votes of each run from the k nearest."""
        counted = np.where(self._order < k, self._weights, 0.0)
        sums: Doubles = np.add.reduceat(counted.ravel(), self._starts)
        return sums

    def totals(self, sums: Doubles) -> Doubles:
        """Votes of each query, 1 where it has none."""
        totals = np.add.reduceat(sums, self._row_starts)
        return np.where(totals > 0, totals, 1.0)

    def winners(self, sums: Doubles) -> tuple[NDArray[Any], Doubles]:
        """The code with most votes of each query, and its share."""
        most = np.maximum.reduceat(sums, self._row_starts)
        best = np.flatnonzero(sums == most[self.rows])
        first = best[np.searchsorted(self.rows[best], np.arange(len(self._row_starts)))]
        return self.codes[first], most / self.totals(sums)


def _weigher(votes: Votes, temperature: float, metric: Metric) -> Any:
    """The function that turns similarities (q, K) and their presence into vote weights (q, K)."""
    check_metric(metric)
    if votes not in get_args(Votes):
        raise ArgumentError(f"votes must be one of {', '.join(get_args(Votes))}, found {votes!r}")
    if votes in ("softmax", "prior-corrected") and not (np.isfinite(temperature) and temperature > 0):
        raise ArgumentError(f"temperature must be above 0, found {temperature}; 0.07 is usual for the cosine")
    if votes == "distance" and metric == "inner_product":
        raise ArgumentError("votes='distance' needs metric 'cosine' or 'euclidean', found 'inner_product'")

    def weigh(near: NDArray[Any], present: Bools) -> Doubles:
        near = np.where(present, near, 0).astype(np.float64)
        if votes == "uniform":
            weights = 1.0 + _TILT * 0.5 ** np.arange(near.shape[1]) * np.ones((len(near), 1))
        elif votes == "distance":
            weights = 1.0 / np.maximum(distances_of(near, metric), _NEAR)
        else:
            nearest = np.where(present, near, -np.inf).max(axis=1, keepdims=True, initial=-1e300)
            weights = np.exp(np.minimum(near - nearest, 0) / temperature)
        return np.where(present, weights, 0.0)

    return weigh


def _class_weights(
    codes: NDArray[Any], classes: int, votes: Votes, strength: float, items: Doubles | None
) -> Doubles:
    if votes != "prior-corrected":
        return np.ones(classes)
    if not (np.isfinite(strength) and strength >= 0):
        raise ArgumentError(f"prior_strength must be at least 0, found {strength}; 1 corrects wholly")
    counts = np.bincount(codes, weights=items, minlength=classes)
    weights: Doubles = (counts / counts.sum()) ** -float(strength)
    return weights


def _blocks(shape: tuple[int, ...]) -> list[slice]:
    step = max(1, _BLOCK // max(1, shape[1]))
    return [slice(start, start + step) for start in range(0, shape[0], step)]
