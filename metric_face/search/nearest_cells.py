"""The cells of one query's many nearest, in order, by sorting values alone.

Where half of all items are asked for, finding out which they are costs four times what sorting their similarities does.
A score only needs to know of what kind each is: so the kind, a small number, takes the place of the last bits of the
similarity, and is sorted with it. What these bits, or the rounding of float64, could have told otherwise is settled
from the vectors, as everywhere.
"""

from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.search.order import Queries

MOST_CELLS = 1 << 16
"""Kinds of item: their number takes 16 of the 52 bits of a float64 at most."""
_FEW_RUNS = (
    16  # of items in doubt: each costs a look at all similarities; of more, all items are put in order
)
_LEAST = -np.finfo(np.float64).max


@dataclass(frozen=True)
class Cells:
    """The kind of each of N items.

    Attributes:
        codes: (N,) int64, 0 to ``count - 1``.
        count: how many kinds, at most ``MOST_CELLS``.
    """

    codes: Ints
    count: int

    def nearest(self, asked: Queries, row: int, ranks: Doubles, length: float, depth: int) -> Ints:
        """Return the cells of the ``depth`` nearest of one query, in order.

        Args:
            asked: the queries.
            row: the query.
            ranks: (N,) of ``Queries.against_all``; ``-inf`` for what the query may not find.
            length: of the query, of ``Queries.against_all``.
            depth: how many, at least 1, of N - 1 at most.

        Returns:
            (depth,) int64.
        """
        mask = (1 << max(1, (self.count - 1).bit_length())) - 1
        keys = np.maximum(ranks, _LEAST)  # an infinity with other bits would be no number
        bits = keys.view(np.int64)
        bits &= ~mask
        bits |= self.codes
        keys.partition(len(keys) - depth - 1)
        top = keys[len(keys) - depth - 1 :]
        top.sort()
        top = top[::-1]
        cells = top.view(np.int64) & mask
        in_play = top if top[-1] > _LEAST / 2 else top[:-1]
        cut = mask * 2.0**-52 * max(abs(float(in_play[0])), abs(float(in_play[-1]))) + 1e-300
        rounding = float(asked.rounding(length, asked.points.largest_size))
        close = np.flatnonzero(top[:-1] - top[1:] <= 2 * (cut + rounding))
        doubtful = close[cells[close] != cells[close + 1]]
        is_open = (
            len(close) > 0 and int(close[-1]) == len(top) - 2
        )  # what follows may belong before the last place
        if not len(doubtful) and not is_open:
            return cells[:depth]
        ends = np.setdiff1d(
            np.arange(1, len(top) + 1), close + 1, assume_unique=True
        )  # of runs of close items
        runs = np.unique(np.searchsorted(ends, doubtful, side="right"))
        if len(runs) <= _FEW_RUNS and not is_open:
            for run in runs.tolist():
                begin, end = int(ends[run - 1]) if run else 0, int(ends[run])
                ids = np.flatnonzero((ranks >= top[end - 1] - cut) & (ranks <= top[begin] + cut))
                if len(ids) != end - begin:
                    break
                cells[begin:end] = self.codes[asked.in_order(row, ids)]
            else:
                return cells[:depth]
        return self.codes[asked.best(row, ranks, length, depth)]
