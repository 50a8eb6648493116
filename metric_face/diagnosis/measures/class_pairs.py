"""The pairs of classes worth comparing, each measured out of fold on the evaluated rows."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from metric_face.arrays import Bools, Doubles, Floats, Ints
from metric_face.diagnosis.context import FEWEST_IDENTITIES, Context
from metric_face.diagnosis.measures.pair_overlap import (
    PairOverlap,
    balanced_subset,
    overlap,
    pair_scores,
    whiten,
    with_endless_identities,
)
from metric_face.diagnosis.measures.resampling import normal_interval, permute_mark
from metric_face.metrics import student
from metric_face.visualization import neighbor_confusion

MOST_PAIRS = 60
NULL_DRAWS = 10
ENOUGH = 10
"""Identities of the smaller class, in dimensions, from which a direction is as good as that of endless ones."""
UNBOUNDED = 0.7
"""An overlap above this, along a direction learned from fewer identities than dimensions, has no lower end."""
HALF = 0.5
NULLS = 12
"""Draws of a null that is measured where the identities are few."""


@dataclass(frozen=True)
class Pair:
    """Two classes of one attribute, or two joint classes that differ in that attribute alone.

    Attributes:
        attribute: the attribute in which the two differ.
        first: code of the first class within the attribute.
        second: code of the second.
        joint: the two joint codes, or None for the attribute as a whole.
    """

    attribute: str
    first: int
    second: int
    joint: tuple[int, int] | None = None

    def codes(self) -> tuple[int, int]:
        """The two codes among the labels of :meth:`labels`."""
        return (self.first, self.second) if self.joint is None else self.joint

    def labels(self, context: Context) -> Ints:
        """(N,) the labels that the codes are of."""
        return context.labels[self.attribute] if self.joint is None else context.joint

    def names(self, context: Context) -> dict[str, str]:
        """Attribute and the names of the two classes."""
        if self.joint is None:
            names = context.classes[self.attribute]
            return {"attribute": self.attribute, "first": names[self.first], "second": names[self.second]}
        first, second = (context.joint_name(code) for code in self.joint)
        return {"attribute": self.attribute, "first": first, "second": second}


@dataclass(frozen=True)
class Measured:
    """A pair and its overlap.

    Attributes:
        pair: which classes.
        found: the overlap with its resamples.
        rows: the evaluated rows of the two classes.
        scores: their out-of-fold scores.
        low: lower end of the overlap's interval, corrected for the number of pairs looked at (Bonferroni).
        high: upper end.
        by_neighbors: twice the balanced error of the neighbors' vote between the two: an upper bound on OVL
            that knows nothing of linear directions.
        identities: identities among the rows.
        value: the overlap, corrected for the identities its direction was learned from where those are few.
        plain: the 95 % interval of ``value`` for this pair alone.
    """

    pair: Pair
    found: PairOverlap
    rows: Ints
    scores: Doubles
    low: float
    high: float
    by_neighbors: float
    identities: int
    value: float
    plain: tuple[float, float]


def measure_pairs(context: Context) -> list[Measured]:
    """Measure every eligible pair: both classes with enough identities among the evaluated rows."""
    from threadpoolctl import threadpool_limits

    pairs = _eligible(context)
    whitened = whiten(context.features, context.strength)
    # Thousands of products of some ms each: threads would only wait.
    with threadpool_limits(1, user_api="blas"):
        return [_measure(context, whitened, pair, len(pairs)) for pair in pairs]


def null_overlap(context: Context, pair: Pair) -> float:
    """OVL of the same images with the two labels permuted between identities: what 'the same' looks like here."""
    from threadpoolctl import threadpool_limits

    whitened = whiten(context.features, context.strength)
    rows, second = _rows(context, pair)
    fitted = balanced_subset(rows, second, context.identities, context.seed)
    scored = np.intersect1d(fitted, context.evaluated)
    rng = np.random.default_rng([context.seed, 19])
    values = []
    with threadpool_limits(1, user_api="blas"):
        for _ in range(NULL_DRAWS):
            mixed = permute_mark(second, fitted, context.identities, rng)
            values.append(_value(context, whitened, fitted, mixed, scored))
    return float(np.mean(values))


def _value(context: Context, whitened: Floats, fitted: Ints, second: Bools, scored: Ints) -> float:
    """OVL of two classes, without its resamples."""
    scores = pair_scores(whitened, second, context.folds, fitted, scored)
    return overlap(scores, second[scored], context.identities[scored], 0, 0).value


def _eligible(context: Context) -> list[Pair]:
    pairs: list[Pair] = []
    for a in context.attributes:
        enough = np.flatnonzero(context.identities_by_class(a, context.evaluated) >= FEWEST_IDENTITIES)
        near = neighbor_confusion(context.graph.ids, context.labels[a], len(context.classes[a]))
        both = [(near[i, j] + near[j, i], Pair(a, int(i), int(j))) for i in enough for j in enough if i < j]
        pairs += [pair for _, pair in sorted(both, key=lambda item: -item[0])]
    if len(context.attributes) > 1:
        pairs += _joint_pairs(context)
    return pairs[:MOST_PAIRS]


def _joint_pairs(context: Context) -> list[Pair]:
    """Joint classes that differ in one attribute, each with enough identities."""
    distinct = np.unique(np.column_stack([context.joint, context.identities])[context.evaluated], axis=0)
    codes, identities = np.unique(distinct[:, 0], return_counts=True)
    codes = codes[identities >= FEWEST_IDENTITIES]
    pairs, step = [], 1
    for attribute in reversed(context.attributes):
        size = len(context.classes[attribute])
        for i in codes:
            for j in codes[codes > i]:
                first, second = int(i // step % size), int(j // step % size)
                if second > first and j - i == (second - first) * step:
                    pairs.append(Pair(attribute, first, second, (int(i), int(j))))
        step *= size
    return pairs


def _rows(context: Context, pair: Pair) -> tuple[Ints, Bools]:
    labels, (first, second) = pair.labels(context), pair.codes()
    return np.flatnonzero((labels == first) | (labels == second)), labels == second


def _measure(context: Context, whitened: Floats, pair: Pair, number: int) -> Measured:
    rows, second = _rows(context, pair)
    scored = np.intersect1d(rows, context.evaluated)
    fitted = balanced_subset(rows, second, context.identities, context.seed)
    scores = pair_scores(whitened, second, context.folds, fitted, scored)
    identities = context.identities[scored]
    found = overlap(scores, second[scored], identities, context.seed)
    several = NormalDist().inv_cdf(1 - 0.025 / max(number, 1))
    fewest = min(len(np.unique(context.identities[fitted[second[fitted] == side]])) for side in (False, True))
    if fewest < ENOUGH * whitened.shape[1]:
        halves = _halves(context, whitened, second, fitted, scored)
        value, low, high = with_endless_identities(found, halves, several)
        plain = with_endless_identities(found, halves)[1:]
        if fewest < whitened.shape[1] and found.value > UNBOUNDED:
            low, plain = 0.0, (0.0, plain[1])
    else:
        value, plain = found.value, normal_interval(found.value, found.draws)
        low, high = normal_interval(found.value, found.draws, several)
    if found.value > HALF and fewest < ENOUGH * whitened.shape[1]:
        looked_at = (context, whitened, fitted, second, scored)
        below = _range(_with_overlap(*looked_at, HALF), several)
        above = _range(_with_overlap(*looked_at, 1.0))
        if low < HALF and found.value > below[1]:
            low, plain, value = HALF, (max(plain[0], HALF), plain[1]), max(value, HALF)
        if found.value >= above[0]:  # as classes look that are the same
            high, plain = 1.0, (plain[0], 1.0)
    near = _by_neighbors(context, pair, scored, second[scored])
    count = len(np.unique(identities))
    return Measured(pair, found, scored, scores, low, high, near, count, value, plain)


def _with_overlap(
    context: Context, whitened: Floats, fitted: Ints, second: Bools, scored: Ints, true: float
) -> Doubles:
    """Overlaps measured on as few identities where the two classes share exactly ``true``.

    Labels are permuted between identities, so that nothing separates the two, and the second class is moved along a
    random direction until that much is shared. Rows beyond ``fitted`` keep their labels and are not scored.
    """
    scored = np.intersect1d(scored, fitted)
    shift = -2 * NormalDist().inv_cdf(true / 2)
    rng = np.random.default_rng([context.seed, 59])
    values = []
    for _ in range(NULLS):
        mixed = permute_mark(second, fitted, context.identities, rng)
        way = np.asarray(rng.normal(size=(whitened.shape[1],)), dtype=np.float32)
        way /= np.linalg.norm(way)
        moved = whitened
        if shift != 0:
            moved = whitened.copy()
            moved[mixed] += np.float32(shift * float((whitened[fitted] @ way).std())) * way
        values.append(_value(context, moved, fitted, mixed, scored))
    return np.array(values)


def _range(draws: Doubles, z: float = 1.959964) -> tuple[float, float]:
    """Where the next draw lies; z as of a normal distribution, its place by Student's t."""
    confidence = 2 * NormalDist().cdf(z) - 1
    error = float(np.std(draws, ddof=1)) * np.sqrt(1 + 1 / len(draws))
    reach = student(confidence, len(draws) - 1) * error
    return float(draws.mean() - reach), float(draws.mean() + reach)


def _halves(
    context: Context, whitened: Floats, second: Bools, fitted: Ints, scored: Ints
) -> list[PairOverlap]:
    """Overlaps of the same rows along directions learned from one half of the identities, and from the other."""
    deal = np.random.default_rng([context.seed, 53]).permutation(context.num_identities) % 2
    found = []
    for side in (0, 1):
        part = fitted[deal[context.identities[fitted]] == side]
        scores = pair_scores(whitened, second, context.folds, part, scored)
        found.append(overlap(scores, second[scored], context.identities[scored], context.seed))
    return found


def _by_neighbors(context: Context, pair: Pair, rows: Ints, second: Bools) -> float:
    labels, codes = pair.labels(context), pair.codes()
    near = context.graph.ids[rows]
    theirs = np.where(near >= 0, labels[near], -1)
    votes = [(theirs == code).sum(axis=1) / max(int((labels == code).sum()), 1) for code in codes]
    wrong = 0.5 * (votes[0] == votes[1]) + np.where(second, votes[0] > votes[1], votes[1] > votes[0])
    sides = [wrong[second == side] for side in (False, True)]
    return float(min(1.0, sum(float(side.mean()) for side in sides if len(side))))
