"""Joining the shards of an index: vectors, ids and columns in the order of the shards."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from metric_face.arrays import Ints
from metric_face.errors import ArgumentError
from metric_face.search.columns import Columns
from metric_face.search.faiss_store import FaissStore

if TYPE_CHECKING:
    from metric_face.search.index import EmbeddingIndex


def merge_shards(
    shards: "Sequence[EmbeddingIndex]", store: FaissStore, renumber: bool
) -> tuple[Ints, Columns]:
    """Put the vectors of all shards into ``store``, which is empty, and return their ids and columns.

    Args:
        shards: at least one; they stay as they are.
        store: of the kind and training of the first.
        renumber: number the vectors from 0 in place of keeping the ids, which otherwise must differ.

    Raises:
        ArgumentError: different kinds, metrics, D or columns, or one id in two shards; ``store`` is of no use then.
    """
    first = shards[0]
    for number, shard in enumerate(shards):
        for name in ("kind", "metric", "dimensions"):
            if getattr(shard, name) != getattr(first, name):
                raise ArgumentError(
                    f"shards must have one {name}, found {getattr(first, name)} in shard 0 and "
                    f"{getattr(shard, name)} in shard {number}; build them alike"
                )
    ids = np.concatenate([shard.ids for shard in shards])
    if renumber:
        ids = np.arange(len(ids))
    ordered = np.sort(ids)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        raise ArgumentError(
            f"shards must have different ids, found {int(twice[0])} in two of them; "
            "give ids= when building, or merge(renumber=True)"
        )
    columns = first.columns.joined(*(shard.columns for shard in shards[1:]))
    for shard in shards:
        for part in shard._store.parts:
            store.extend(part)
    return ids, columns
