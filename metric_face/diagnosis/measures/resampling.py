"""Draws of identities: bootstrap weights, permutations that respect who is who, and rows worth looking at."""

import numpy as np

from metric_face.arrays import Bools, Doubles, Ints

RESAMPLES = 200


def bootstrap_weights(num_identities: int, seed: int, resamples: int = RESAMPLES) -> Doubles:
    """How often each identity is drawn in each resample.

    Returns:
        (resamples, identities) counts, each row summing to the number of identities.
    """
    rng = np.random.default_rng([seed, num_identities])
    even = np.full(num_identities, 1.0 / num_identities)
    return rng.multinomial(num_identities, even, size=resamples).astype(np.float64)


def normal_interval(value: float, draws: Doubles, z: float = 1.959964) -> tuple[float, float]:
    """``value`` plus and minus z standard errors of the draws, within [0, 1].

    For measures whose resamples are biased the same way as the measure itself (an overlap of two histograms
    shrinks with every loss of points), so that percentiles would count the bias twice.
    """
    spread = z * float(np.nanstd(draws, ddof=1))
    return max(0.0, value - spread), min(1.0, value + spread)


def permute_labels(labels: Ints, identities: Ints, rng: np.random.Generator) -> Ints:
    """Labels with their tie to the images cut and the identities respected.

    A label that is the same on all images of every identity is permuted among the identities, whole; one that
    varies is shuffled within each identity, which keeps every identity's own mix.

    Args:
        labels: (N,) classes.
        identities: (N,) identities coded 0..I-1.
        rng: source of the permutation.

    Returns:
        (N,) permuted labels.
    """
    if is_fixed(labels, identities):
        whole = majority(labels, identities)
        present = np.unique(identities)
        whole[present] = whole[rng.permutation(present)]
        return whole[identities]
    order = np.lexsort((rng.random(len(labels)), identities))
    home = np.argsort(identities, kind="stable")
    shuffled = np.empty_like(labels)
    shuffled[home] = labels[order]
    return shuffled


def is_fixed(labels: Ints, identities: Ints) -> bool:
    """Whether an attribute belongs to the identity, wrong labels allowed for.

    Two images of one identity then differ far less often (a quarter at most) than two images drawn at random. A
    gender with 3 % wrong labels is fixed; a mask, worn on some images of everybody, is not.
    """
    within = disagreement_within(labels, identities)
    shares = np.bincount(labels) / len(labels)
    return within <= 0.25 * (1 - float(np.square(shares).sum()))


def disagreement_within(labels: Ints, identities: Ints) -> float:
    """How often two images of one identity carry different labels; 0 where no identity has two images."""
    sizes = np.bincount(identities).astype(np.float64)
    pairs = float((sizes * (sizes - 1)).sum())
    cells = np.unique(identities * (int(labels.max()) + 1) + labels, return_counts=True)[1].astype(np.float64)
    return 0.0 if pairs == 0 else 1 - float((cells * (cells - 1)).sum()) / pairs


def majority(labels: Ints, identities: Ints) -> Ints:
    """(I,) the label that most images of each identity carry; the smaller code where two are even."""
    width = int(labels.max()) + 1
    count = int(identities.max()) + 1
    votes = np.bincount(identities * width + labels, minlength=count * width).reshape(count, width)
    return np.asarray(votes.argmax(axis=1), dtype=np.int64)


def one_each(rows: Ints, identities: Ints, limit: int) -> Ints:
    """The first row of each identity, in the order given, at most ``limit``."""
    _, first = np.unique(identities[rows], return_index=True)
    return rows[np.sort(first)][:limit]


def random_controls(pool: Ints, identities: Ints, limit: int, seed: int) -> Ints:
    """Random rows of ``pool``, at most one of each identity."""
    shuffled = np.random.default_rng([seed, 7]).permutation(pool)
    return one_each(shuffled, identities, limit)


def unsuspected(labels: Ints, identities: Ints, rows: Ints, limit: int, seed: int) -> Ints:
    """Random rows of the same classes as ``rows`` that are not among them."""
    alike = np.flatnonzero(np.isin(labels, labels[rows[:200]]))
    return random_controls(np.setdiff1d(alike, rows), identities, limit, seed)


def permute_mark(mark: Bools, rows: Ints, identities: Ints, rng: np.random.Generator) -> Bools:
    """A mark of rows with that of some rows permuted between their identities.

    Args:
        mark: (N,) whether a row is of the second of two classes.
        rows: (R,) the rows among which it is permuted.
        identities: (N,) who each row shows.
        rng: random generator.
    """
    codes = np.unique(identities[rows], return_inverse=True)[1].astype(np.int64)
    permuted = mark.copy()
    permuted[rows] = permute_labels(mark[rows].astype(np.int64), codes, rng) > 0
    return permuted
