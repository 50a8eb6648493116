"""Draws of identities: bootstrap weights, permutations that respect who is who, and rows worth looking at."""

import numpy as np

from metric_face.diagnosis.finding import Floats, Ints

RESAMPLES = 200


def bootstrap_weights(num_identities: int, seed: int, resamples: int = RESAMPLES) -> Floats:
    """How often each identity is drawn in each resample.

    Returns:
        (resamples, identities) counts, each row summing to the number of identities.
    """
    rng = np.random.default_rng([seed, num_identities])
    even = np.full(num_identities, 1.0 / num_identities)
    return rng.multinomial(num_identities, even, size=resamples).astype(np.float64)


def normal_interval(value: float, draws: Floats, z: float = 1.959964) -> tuple[float, float]:
    """``value`` plus and minus z standard errors of the draws, within [0, 1].

    For measures whose resamples are biased the same way as the measure itself (an overlap of two histograms
    shrinks with every loss of points), so that percentiles would count the bias twice.
    """
    spread = z * float(np.nanstd(draws, ddof=1))
    return max(0.0, value - spread), min(1.0, value + spread)


def permute_labels(labels: Ints, identities: Ints, rng: np.random.Generator) -> Ints:
    """Labels with their tie to the images cut and the identities respected.

    A label that is the same on all images of every identity is dealt anew among the identities, whole; one that
    varies is shuffled within each identity, which keeps every identity's own mix.

    Args:
        labels: (N,) classes.
        identities: (N,) identities coded 0..I-1.
        rng: source of the permutation.

    Returns:
        (N,) permuted labels.
    """
    if is_fixed(labels, identities):
        first = np.full(int(identities.max()) + 1, -1, dtype=np.int64)
        first[identities] = labels
        present = np.flatnonzero(first >= 0)
        first[present] = first[rng.permutation(present)]
        return first[identities]
    order = np.lexsort((rng.random(len(labels)), identities))
    home = np.argsort(identities, kind="stable")
    shuffled = np.empty_like(labels)
    shuffled[home] = labels[order]
    return shuffled


def is_fixed(labels: Ints, identities: Ints, tolerance: float = 0.02) -> bool:
    """Whether an attribute belongs to the identity: at most a small share of identities has two values of it."""
    return varying_share(labels, identities) <= tolerance


def varying_share(labels: Ints, identities: Ints) -> float:
    """The share of identities with two images or more whose images carry more than one label."""
    count = int(identities.max()) + 1
    sizes = np.bincount(identities, minlength=count)
    low = np.full(count, np.iinfo(np.int64).max)
    high = np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(low, identities, labels)
    np.maximum.at(high, identities, labels)
    several = sizes > 1
    return float((low < high)[several].mean()) if several.any() else 0.0


def one_each(rows: Ints, identities: Ints, limit: int) -> Ints:
    """The first row of each identity, in the order given, at most ``limit``."""
    _, first = np.unique(identities[rows], return_index=True)
    return rows[np.sort(first)][:limit]


def random_controls(pool: Ints, identities: Ints, limit: int, seed: int) -> Ints:
    """Random rows of ``pool``, at most one of each identity."""
    shuffled = np.random.default_rng([seed, 7]).permutation(pool)
    return one_each(shuffled, identities, limit)
