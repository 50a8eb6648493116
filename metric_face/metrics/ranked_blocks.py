"""ranked_blocks: queries compared with all points by float64 matrix products, a block of queries at a time."""

from collections.abc import Iterator

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.progress import Progress
from metric_face.search import Queries

_BLOCK_BYTES = 1 << 26  # similarities held at once: 64 MiB, that is 83 queries against 100,000 items
_LEAST_QUERIES = 32  # of a block: of fewer, a product takes longer
_WIDE_BYTES = (
    1 << 30
)  # all vectors in float64, if they take no more; else made again for each block, which is larger


def ranked_blocks(
    asked: Queries, queries: Ints, progress: Progress
) -> Iterator[tuple[Ints, Doubles, Doubles]]:
    """Compare queries with all N points.

    Args:
        asked: all the queries, with the points.
        queries: (q,) those of them that ask.
        progress: called with (queries done, queries in all) when a block is left.

    Yields:
        (n,) queries of the block; (n, N) ranks and (n,) lengths, as ``Queries.against_all`` gives them. The next
        block has its ranks in the same memory.
    """
    points = asked.points
    wide = points.wide(slice(None)) if 8 * points.vectors.size <= _WIDE_BYTES else None
    most = _BLOCK_BYTES if wide is not None else 4 * _BLOCK_BYTES
    size = max(1, min(len(queries), max(_LEAST_QUERIES, most // (8 * len(points)))))
    held = np.empty((size, len(points)))
    for start in range(0, len(queries), size):
        rows = queries[start : start + size]
        ranks, lengths = asked.against_all(rows, wide, held)
        yield rows, ranks, lengths
        progress(min(start + size, len(queries)), len(queries))
