"""ItemKinds: items by the classes of several labels and by the group left out, which tell many neighbors apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Ints
from metric_face.metrics.label_retrieval import LabelRetrieval
from metric_face.search import MOST_CELLS, Cells

_DEEP = 8  # kinds are sorted for a query that has more than one item in 8 to find


@dataclass(frozen=True)
class ItemKinds:
    """The kinds of N items.

    Attributes:
        cells: the kind of each item.
        folds: (kinds,) the group of ``LeftOut`` of each kind; None without identities.
        classes: of each of ``tallies``, (kinds,) its class; -1 for those that are small.
        tallies: the labels.
    """

    cells: Cells
    folds: Ints | None
    classes: list[Ints]
    tallies: list[LabelRetrieval]

    def serve(self, tally: LabelRetrieval, query: int) -> bool:
        """Whether a query has so much to find by a label that kinds are sorted for it."""
        return tally in self.tallies and _DEEP * int(tally.relevant[query]) > len(tally.codes)

    def add(
        self, tallies: Sequence[LabelRetrieval], query: int, found: Ints, *, is_all: bool
    ) -> list[LabelRetrieval]:
        """Score a query by each of some labels.

        Args:
            tallies: the labels.
            query: its position.
            found: (L,) kinds of its nearest, in order.
            is_all: whether it has no other candidates.

        Returns:
            The labels for which they were enough.
        """
        folds = None if self.folds is None else self.folds[found]
        done = []
        for tally in tallies:
            is_hit = self.classes[self.tallies.index(tally)] == tally.codes[query]
            if tally.add(query, is_hit[found], folds, is_all=is_all):
                done.append(tally)
        return done


def kinds_of(tallies: Sequence[LabelRetrieval]) -> list[ItemKinds]:
    """Number the kinds of items by those labels that have large classes, several labels together where they fit.

    Args:
        tallies: labels of the same items with the same identities.
    """
    kinds: list[ItemKinds] = []
    for tally in tallies:
        sizes = np.bincount(tally.codes)
        is_large = _DEEP * sizes > len(tally.codes)
        if not is_large.any():
            continue
        own = np.where(is_large[tally.codes], tally.codes, -1)
        joined = _with(kinds[-1], tally, own) if kinds else None
        if joined is None:
            kinds.append(_alone(tally, own))
        else:
            kinds[-1] = joined
    return kinds


def _alone(tally: LabelRetrieval, own: Ints) -> ItemKinds:
    folds = np.zeros(len(own), np.int64) if tally.left is None else tally.left.folds
    codes, first = _numbered(own, folds)
    cells = Cells(codes, len(first))
    return ItemKinds(cells, None if tally.left is None else folds[first], [own[first]], [tally])


def _with(kinds: ItemKinds, tally: LabelRetrieval, own: Ints) -> ItemKinds | None:
    """The kinds told apart by one label more; None where they are too many."""
    codes, first = _numbered(own, kinds.cells.codes)
    if len(first) > MOST_CELLS:
        return None
    before = kinds.cells.codes[first]
    folds = None if kinds.folds is None else kinds.folds[before]
    classes = [*(values[before] for values in kinds.classes), own[first]]
    return ItemKinds(Cells(codes, len(first)), folds, classes, [*kinds.tallies, tally])


def _numbered(own: Ints, others: Ints) -> tuple[Ints, Ints]:
    """Number the pairs of two codes: (N,) from 0, and the position of the first of each."""
    pairs = (own + 1) * (int(others.max()) + 1) + others
    _, first, codes = np.unique(pairs, return_index=True, return_inverse=True)
    return codes.astype(np.int64), first
