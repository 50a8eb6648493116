"""identity_folds and assign_identities: assign whole identities to folds and splits."""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Doubles, Ints
from metric_face.errors import ArgumentError, SplitError


def identity_folds(
    identities: ArrayLike, num_folds: int, classes: ArrayLike | None = None, *, seed: int = 0
) -> Ints:
    """Number the K folds of N items so that no identity is in two of them.

    Args:
        identities: (N,) integers or strings; what must stay together.
        num_folds: K, from 2 to the number of identities.
        classes: (N,) what each fold should hold its share of, such as the joint class; default nothing.
        seed: of the assignment.

    Returns:
        (N,) fold of each item, 0 to K - 1; every fold holds an identity.

    Raises:
        ArgumentError: fewer than two folds, or more folds than identities.
    """
    size = len(np.unique(np.asarray(identities)))
    if not 2 <= num_folds <= size:
        raise ArgumentError(f"folds must be from 2 to the number of identities, {size}, found {num_folds}")
    return assign_identities(identities, np.full(num_folds, 1 / num_folds), classes, seed=seed)


def assign_identities(
    identities: ArrayLike, shares: ArrayLike, classes: ArrayLike | None = None, *, seed: int = 0
) -> Ints:
    """Assign whole identities to parts of given shares, with every class in each as far as the identities allow.

    Identities with rare classes come first, and of these the large ones. Each goes where it lowers
    sum_c (count - due)^2 / due most, so that a rare class weighs as much as a large one; all items together count as
    one more class, so that shares hold where every class is small.

    Args:
        identities: (N,) integers or strings.
        shares: (P,) positive, of sum 1.
        classes: (N,) integers or strings; default none.
        seed: decides among identities of the same rarity and size.

    Returns:
        (N,) part of each item, 0 to P - 1.

    Raises:
        SplitError: there are too few identities for every part to get one.
    """
    units: Ints = np.unique(np.asarray(identities), return_inverse=True)[1].astype(np.int64)
    kinds = (
        np.zeros_like(units) if classes is None else np.unique(np.asarray(classes), return_inverse=True)[1]
    )
    parts = np.asarray(shares, dtype=np.float64)
    num_units, num_kinds = int(units.max()) + 1, int(kinds.max()) + 1
    if num_units < len(parts):
        raise SplitError(f"split: {num_units} identities cannot fill {len(parts)} splits; use fewer splits")
    pairs, counts = np.unique(units * num_kinds + kinds, return_counts=True)
    unit_of, kind_of = np.divmod(pairs, num_kinds)
    start = np.searchsorted(unit_of, np.arange(num_units + 1))
    size, totals = np.bincount(units), np.bincount(kinds)
    rarity, first = np.minimum.reduceat(totals[kind_of], start[:-1]), kind_of[start[:-1]]
    order = np.lexsort((np.random.default_rng(seed).random(num_units), first, -size, rarity))
    due = np.outer(parts, np.append(totals, len(units)))
    lacking = due.copy()
    homes = np.empty(num_units, np.int64)
    for begin, end in pairwise(_runs(order, size, first, np.diff(start) == 1)):
        run = order[begin:end]
        here = slice(start[run[0]], start[run[0] + 1])
        columns = np.append(kind_of[here], num_kinds)
        amounts = np.append(counts[here], size[run[0]]).astype(np.float64)
        if len(run) == 1:
            gain = (amounts * (2 * lacking[:, columns] - amounts) / due[:, columns]).sum(axis=1)
            homes[run] = best = int(gain.argmax())
            lacking[best, columns] -= amounts
        else:
            homes[run] = chosen = _best_parts(lacking[:, columns], due[:, columns], amounts, len(run))
            lacking[:, columns] -= np.outer(np.bincount(chosen, minlength=len(parts)), amounts)
    empty = len(parts) - len(np.unique(homes))
    if empty:
        raise SplitError(
            f"split: {empty} of {len(parts)} splits stay empty; there are too few identities ({num_units})"
        )
    return homes[units]


def _runs(order: Ints, size: Ints, first: Ints, alike: Ints) -> list[int]:
    """Where runs of identities of one class and one size begin in ``order``, and its end; others stand alone."""
    before, after = order[:-1], order[1:]
    same = alike[before] & alike[after] & (first[before] == first[after]) & (size[before] == size[after])
    return [0, *(np.flatnonzero(~same) + 1).tolist(), len(order)]


def _best_parts(lacking: Doubles, due: Doubles, amounts: Doubles, count: int) -> Ints:
    """The parts (count,) that equal identities go to one after the other, each where it gains most.

    What the k-th of them gains in a part falls with k, so the best ``count`` of all these gains, in their order, are
    what assigning them one by one would choose; a thousand identities of one image each take one step.
    """
    taken = np.arange(count)[:, None, None] * amounts  # (count, 1, columns)
    gains = (amounts * (2 * (lacking - taken) - amounts) / due).sum(axis=2)  # (count, P)
    best: Ints = np.argsort(-gains, axis=None, kind="stable")[:count] % len(lacking)
    return best
