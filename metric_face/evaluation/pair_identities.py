"""Who is on the images of pairs where the table does not say: as the file names them, or as genuine pairs join them."""

from collections.abc import Sequence

import numpy as np

from metric_face.arrays import Bools, Ints
from metric_face.evaluation.pair_files import NamedPair
from metric_face.vectors import group_codes


def identities_of_pairs(
    named: Sequence[NamedPair], first: Ints, second: Ints, same: Bools, count: int
) -> Ints:
    """(N,) codes of identities; an image that is in no pair stands for itself.

    Args:
        named: P pairs as a file names them.
        first, second: (P,) their rows of the table.
        same: (P,) whether a pair is genuine.
        count: N, the images of the table.
    """
    both = [pair.identities for pair in named if pair.identities is not None]
    if len(both) < len(named):
        return _components(first[same], second[same], count)
    [codes] = group_codes([name for pair in both for name in pair])
    identities = np.arange(count, dtype=np.int64) + int(codes.max()) + 1
    identities[np.stack([first, second], axis=1).ravel()] = codes
    return identities


def _components(first: Ints, second: Ints, count: int) -> Ints:
    """(N,) codes of images that genuine pairs join."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joined = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    return np.asarray(connected_components(joined, directed=False)[1], dtype=np.int64)
