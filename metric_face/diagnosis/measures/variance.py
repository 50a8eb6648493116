"""What the embedding spends its variance on, and how tangled its classes are."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.diagnosis.measures.resampling import permute_labels

PERMUTATIONS = 99
_SAMPLE = 2000


@dataclass(frozen=True)
class VarianceShares:
    """Total variance cut in three: tr S_T = class + identity within class + within identity.

    Attributes:
        between_classes: share of the class means.
        between_identities: share of the identity means around their class mean.
        within_identities: the rest.
        null: the mean class share under permuted labels.
        p: how often permuted labels reach the class share.
    """

    between_classes: float
    between_identities: float
    within_identities: float
    null: float
    p: float


def variance_shares(features: Doubles, labels: Ints, identities: Ints, seed: int) -> VarianceShares:
    """Split the trace of the total scatter by class and by identity within class.

    Args:
        features: (N, D).
        labels: (N,) classes.
        identities: (N,) identities coded 0..I-1.
        seed: of the permutations of the labels, at identity level (within the identity where the label varies).

    Returns:
        The three shares, which sum to one, and the null of the first.
    """
    centered = (features - features.mean(axis=0, dtype=np.float64)).astype(np.float32)
    total = max(float(np.square(centered, dtype=np.float64).sum()), np.finfo(np.float64).tiny)
    classes = scatter_between(centered, labels)
    cells = np.unique(labels * (int(identities.max()) + 1) + identities, return_inverse=True)[1]
    between = scatter_between(centered, cells)
    rng = np.random.default_rng([seed, 13])
    whole = _Whole.of(centered, identities)
    null = [whole.between(permute_labels(labels, identities, rng)) / total for _ in range(PERMUTATIONS)]
    share = classes / total
    p = (1 + sum(n >= share for n in null)) / (1 + PERMUTATIONS)
    return VarianceShares(share, (between - classes) / total, 1 - between / total, float(np.mean(null)), p)


@dataclass(frozen=True)
class Complexity:
    """Neighborhood complexity of the labels, smaller is simpler, identities never compared with themselves.

    Attributes:
        n1: share of points that a minimum spanning tree, of one image of each identity, joins to another class.
        n2: r / (1 + r), r the summed distance to the nearest of the own class over that to the nearest of another.
        n3: error of the nearest neighbor.

    Reference:
        Ho and Basu (2002); Lorena et al. (2019), which bounds N2 as r / (1 + r). Drawn here from a sample of
        at most 2,000 identities, any number of classes.
    """

    n1: float
    n2: float
    n3: float


def complexity(features: Doubles, labels: Ints, identities: Ints, seed: int) -> Complexity:
    """N1, N2 and N3 of a labeled embedding.

    Args:
        features: (N, D).
        labels: (N,) classes.
        identities: (N,) identities.
        seed: of the sample.

    Returns:
        The three figures; NaN where fewer than two classes or identities are left.
    """
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial.distance import cdist

    order = np.random.default_rng([seed, 17]).permutation(len(labels))
    _, first = np.unique(identities[order], return_index=True)
    rows = order[np.sort(first)][:_SAMPLE]
    if len(rows) < 3 or len(np.unique(labels[rows])) < 2:
        return Complexity(float("nan"), float("nan"), float("nan"))
    points, classes = features[rows], labels[rows]
    far = cdist(points, points)
    tree = minimum_spanning_tree(np.maximum(far, 1e-12)).tocoo()
    crossing = classes[tree.row] != classes[tree.col]
    n1 = len(np.unique(np.concatenate([tree.row[crossing], tree.col[crossing]]))) / len(rows)
    np.fill_diagonal(far, np.inf)
    same = classes[:, None] == classes
    own = np.where(same, far, np.inf).min(axis=1)
    other = np.where(same, np.inf, far).min(axis=1)
    paired = np.isfinite(own)
    apart = float(other[paired].sum())
    ratio = float(own[paired].sum()) / apart if apart > 0 else float("nan")
    n3 = float((classes[far.argmin(axis=1)] != classes).mean())
    return Complexity(float(n1), ratio / (1 + ratio), n3)


@dataclass(frozen=True)
class _Whole:
    """The rows, and their sums by identity: labels that keep identities whole need no more than the sums."""

    centered: Floats
    codes: Ints
    first: Ints
    sums: Floats
    sizes: Ints

    @classmethod
    def of(cls, centered: Floats, identities: Ints) -> Self:
        """Sum the rows (N, D) of each identity (N,)."""
        _, first, codes = np.unique(identities, return_index=True, return_inverse=True)
        return cls(centered, codes, first, _sums(centered, codes), np.bincount(codes))

    def between(self, labels: Ints) -> float:
        """:func:`scatter_between` of the labels (N,)."""
        own = labels[self.first]
        if not np.array_equal(own[self.codes], labels):
            return scatter_between(self.centered, labels)
        return _length(_sums(self.sums, own), np.bincount(own, weights=self.sizes))


def scatter_between(centered: Floats, groups: Ints) -> float:
    """Sum over groups of n_g |mean_g|^2 for centered rows (N, D)."""
    return _length(_sums(centered, groups), np.bincount(groups))


def _sums(rows: Floats, groups: Ints) -> Floats:
    """(G, D) sum of the rows of each group."""
    from scipy.sparse import csr_array

    count = len(groups)
    marks = csr_array(
        (np.ones(count, np.float32), (groups, np.arange(count))), shape=(int(groups.max()) + 1, count)
    )
    return np.asarray(marks @ rows)


def _length(sums: Floats, sizes: Ints | Doubles) -> float:
    return float((np.square(sums, dtype=np.float64).sum(axis=1) / np.maximum(sizes, 1)).sum())
