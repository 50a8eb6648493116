"""How far a map may be believed: what it does to the classes, measured against the embedding space.

Sklearn's trustworthiness cannot see a map that was fitted with labels (.577 against .574 on pure noise);
Label-Continuity can (.569 against 1.000). The purity of a point's neighbors, here and on the map, says where.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metric_face.arrays import Bools, Doubles, Floats, Ints, column_of, numbered
from metric_face.errors import ArgumentError

LOW = 0.85
"""Below this Label-Trustworthiness or Label-Continuity, a map carries a banner."""

_CELLS = 4_000_000  # numbers in one block of point x class


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """What a map does to one attribute's classes.

    Attributes:
        label_trustworthiness: 1 minus the mean loss of separation over pairs of classes: low where the map presses
            classes together that the embedding keeps apart.
        label_continuity: 1 minus the mean gain: low where the map parts classes that the embedding does not.
        purity_D: (N,) share of a point's own class among its neighbors in the embedding, corrected for the size
            of the classes; NaN where it has no labeled neighbor.
        purity_2: (N,) the same on the map.
        mismatch: (N,) bool, whether those neighbors in the embedding speak for another class.
    """

    label_trustworthiness: float
    label_continuity: float
    purity_D: Floats
    purity_2: Floats
    mismatch: Bools

    @property
    def distortion(self) -> Floats:
        """(N,) ``|purity_D - purity_2|``: how much the map misleads about a point."""
        return np.asarray(np.abs(self.purity_D - self.purity_2))

    @property
    def is_low(self) -> bool:
        """Whether the map deserves a warning; never with fewer than two classes, where nothing was measured."""
        return min(self.label_trustworthiness, self.label_continuity) < LOW


def measure_faithfulness(
    coords: ArrayLike,
    ids: ArrayLike,
    labels: ArrayLike,
    vectors: ArrayLike,
    *,
    identities: ArrayLike | None = None,
) -> Faithfulness:
    """Compare the classes on a map with the same classes in the embedding space.

    Args:
        coords: (N, 2) the map.
        ids: (N, K) neighbors in the embedding space, -1 for none; a point itself does not count.
        labels: (N,) integers, -1 for unknown, or names.
        vectors: (N, D) the embedding.
        identities: (N,) the identity of each point: neighbors of the same identity count neither here nor there.

    Returns:
        The measures.

    Raises:
        ArgumentError: the shapes do not agree.

    Reference:
        Jeon et al., "Classes are not Clusters: Improving Label-based Evaluation of Dimensionality Reduction", 2023,
        with distance consistency as the measure of separation, as in the ZADU library.
    """
    points, near, space = np.asarray(coords), np.asarray(ids), np.asarray(vectors)
    classes = _codes(labels)
    for name, array in (("coords", points), ("ids", near), ("vectors", space)):
        if array.ndim != 2 or len(array) != len(classes):
            raise ArgumentError(
                f"{name}: must have one row for each of the {len(classes)} labels; found {array.shape}; "
                "give arrays of the same points"
            )
    codes = identity_codes(identities, len(near))
    near = np.where((near >= 0) & (codes[near] != codes[:, None]), near, -1)
    trust, continuity = label_trustworthiness_continuity(space, points, classes)
    purity_D, vote = _purity(near, classes)
    purity_2 = neighbor_purity(nearest_on_map(points, near.shape[1], codes), classes)
    return Faithfulness(
        trust, continuity, purity_D, purity_2, (vote >= 0) & (classes >= 0) & (vote != classes)
    )


def identity_codes(identities: ArrayLike | None, count: int) -> Ints:
    """(N,) identities coded 0..I-1; where none are known each of ``count`` points is its own."""
    return (
        np.arange(count) if identities is None else np.unique(column_of(identities), return_inverse=True)[1]
    )


def label_trustworthiness_continuity(
    vectors: ArrayLike, coords: ArrayLike, labels: ArrayLike
) -> tuple[float, float]:
    """Label-Trustworthiness and Label-Continuity of a map, by distance consistency; NaN below two classes.

    Distance consistency of two classes is the share of their points that lie nearer to the mean of their own. Over
    all pairs, trustworthiness is 1 minus the mean of what the map loses of it, continuity 1 minus what it gains.

    Args:
        vectors: (N, D).
        coords: (N, 2).
        labels: (N,) integers, -1 for unknown, or names.
    """
    classes = _codes(labels)
    known = classes >= 0
    _, classes = np.unique(classes[known], return_inverse=True)
    count = int(classes.max(initial=-1)) + 1
    if count < 2:
        return float("nan"), float("nan")
    gain = _distance_consistency(np.asarray(coords)[known], classes, count) - _distance_consistency(
        np.asarray(vectors)[known], classes, count
    )
    pairs = gain[np.triu_indices(count, 1)]
    return float(1 - np.maximum(-pairs, 0).mean()), float(1 - np.maximum(pairs, 0).mean())


def _codes(labels: ArrayLike) -> Ints:
    """(N,) integers; names of classes are numbered in sorted order."""
    codes = numbered(labels)[0]
    if codes.ndim != 1 or codes.dtype.kind not in "iub":
        raise ArgumentError(
            f"labels: must be (N,) integers or names, found {codes.dtype} of shape {codes.shape}; give one a point"
        )
    return codes.astype(np.int64, copy=False)


def _distance_consistency(points: NDArray[np.floating], classes: NDArray[np.intp], count: int) -> Doubles:
    """(C, C): of the points of two classes, the share that lies nearer to its own mean than to the other's."""
    sizes = np.bincount(classes, minlength=count)
    order = np.argsort(classes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    space = np.asarray(points, dtype=np.float64)[order]
    means = np.add.reduceat(space, starts[:-1], axis=0) / sizes[:, None]
    norms = (means**2).sum(axis=1)
    right = np.zeros((count, count))
    for own in range(count):
        for block in _blocks(starts[own], starts[own + 1], count):
            # The point's own norm is the same on both sides of the comparison.
            far = norms - 2 * space[block] @ means.T
            mine = far[:, [own]]
            right[own] += np.where(np.arange(count) > own, mine <= far, mine < far).sum(axis=0)
    return np.asarray((right + right.T) / (sizes[:, None] + sizes))


def neighbor_confusion(ids: ArrayLike, labels: ArrayLike, num_classes: int) -> Doubles:
    """(C, C): row a is the mean, over the points of class a, of each class's share among their neighbors.

    A class's share is corrected for its size: ``w_i(c) = (k_c / n_c) / sum over c' of (k_c' / n_c')``, so that a
    rare class among common ones is not called confused merely for being rare. A row without points is NaN.
    """
    near, classes = np.asarray(ids), _codes(labels)
    total = np.zeros((num_classes, num_classes))
    counted = np.zeros(num_classes)
    for block, shares in neighbor_shares(near, classes, num_classes):
        kept = (classes[block] >= 0) & np.isfinite(shares[:, 0])
        np.add.at(total, classes[block][kept], shares[kept])
        counted += np.bincount(classes[block][kept], minlength=num_classes)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / counted[:, None])


def neighbor_shares(
    ids: NDArray[np.integer], labels: NDArray[np.integer], num_classes: int
) -> Iterator[tuple[slice, Doubles]]:
    """Yield blocks of rows and their ``w_i(c)``, (block, C); NaN where a point has no labeled neighbor."""
    sizes = np.maximum(np.bincount(labels[labels >= 0], minlength=num_classes), 1)
    for block in _blocks(0, len(ids), num_classes):
        near = ids[block]
        theirs = np.where(near >= 0, labels[near], -1)
        rows, _ = np.nonzero(theirs >= 0)
        cells = rows * num_classes + theirs[theirs >= 0]
        counts = np.bincount(cells, minlength=len(near) * num_classes).reshape(len(near), num_classes)
        weights = counts / sizes
        with np.errstate(invalid="ignore"):
            yield block, weights / weights.sum(axis=1, keepdims=True)


def nearest_on_map(coords: ArrayLike, k: int, identities: ArrayLike | None = None) -> Ints:
    """(N, k) nearest other points on the map, nearest first, without those of the same identity; -1 for none."""
    from scipy.spatial import cKDTree

    points = np.asarray(coords, dtype=np.float64)
    n = len(points)
    codes = identity_codes(identities, n)
    tree = cKDTree(points)
    found = np.full((n, k), -1, dtype=np.int64)
    open_rows, ask = np.arange(n), k + min(8, int(np.bincount(codes).max()))
    while len(open_rows):
        ask = min(ask, n)
        near = tree.query(points[open_rows], k=range(1, ask + 1), workers=-1)[1]
        others = codes[near] != codes[open_rows][:, None]
        order = np.argsort(~others, axis=1, kind="stable")[:, :k]
        kept = np.take_along_axis(near, order, axis=1)
        kept[~np.take_along_axis(others, order, axis=1)] = -1
        found[open_rows, : kept.shape[1]] = kept
        short = (others.sum(axis=1) < k) & (ask < n)
        open_rows, ask = open_rows[short], ask * 4
    return found


def neighbor_purity(ids: NDArray[np.integer], labels: NDArray[np.integer]) -> Floats:
    """(N,) the share of each point's own class among its neighbors, corrected for the sizes; NaN without any."""
    return _purity(ids, labels)[0]


def _purity(ids: NDArray[np.integer], labels: NDArray[np.integer]) -> tuple[Floats, Ints]:
    """The share of each point's own class among its neighbors, and the class with the largest share (-1: none)."""
    purity = np.full(len(ids), np.nan, dtype=np.float32)
    vote = np.full(len(ids), -1, dtype=np.int64)
    for block, shares in neighbor_shares(ids, labels, int(labels.max(initial=0)) + 1):
        own = labels[block]
        there = np.isfinite(shares[:, 0])
        purity[block] = np.where(there & (own >= 0), shares[np.arange(len(own)), np.maximum(own, 0)], np.nan)
        vote[block] = np.where(there, np.where(there[:, None], shares, 0).argmax(axis=1), -1)
    return purity, vote


def _blocks(start: int, stop: int, width: int) -> Iterator[slice]:
    step = max(_CELLS // max(width, 1), 1)
    for at in range(int(start), int(stop), step):
        yield slice(at, min(at + step, int(stop)))
