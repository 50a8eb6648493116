"""Building an index in shards, one in memory at a time: train once, fill and write each, tune on all of them mapped."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.search.build import block_rows, trained_store
from metric_face.search.faiss_reading import facts_of, read_shard, shard_name
from metric_face.search.faiss_store import FaissStore
from metric_face.search.kinds import Plan
from metric_face.search.sharded_store import Shard, ShardedStore
from metric_face.search.store import Store
from metric_face.search.tuning import HeldOut, Recall, held_out_rows, tune
from metric_face.vectors import Metric

_SPARE = 16  # neighbors asked for beyond k while tuning, in place of the queries, which are found and dropped


def build_shards(
    folder: Path, vectors: Floats, plan: Plan, metric: Metric, recall: float, seed: int, count: int
) -> tuple[ShardedStore, Recall]:
    """Put (N, D) vectors into ``count`` shards in a folder.

    Args:
        folder: where the shards are written.
        vectors: (N, D) finite float32, not prepared, such as a map of a file: read in blocks, never copied as a whole.
        plan: of one shard.
        metric: of the search.
        recall: recall@10 to tune for.
        seed: of the training, and of which queries are held out.
        count: of shards, at most N.

    Returns:
        The store, its shards mapped from their files; and the recall it reaches.
    """
    total = len(vectors)
    template = trained_store(vectors, plan, metric, seed)
    bounds = np.linspace(0, total, count + 1).astype(np.int64).tolist()
    shards = []
    for number, (start, stop) in enumerate(pairwise(bounds)):
        path = folder / shard_name(number)
        _write_shard(path, template, vectors, start, stop)
        read = partial(read_shard, path, plan.kind, metric, template.dimensions)
        shards.append(Shard(read(mmap=True), path, facts_of(path), partial(read, mmap=False)))
    store = ShardedStore(shards)
    if plan.kind == "flat":
        return store, Recall(recall, 1.0, count=total)
    held = held_out_rows(total, seed)
    return store, tune(store, HeldOut(vectors, held, metric), without(held, store), recall, total)


def without(held: Ints, store: Store) -> Callable[[Floats, int], Ints]:
    """A search of a store as if it did not hold some rows, for tuning with them as queries."""

    def search(queries: Floats, k: int) -> Ints:
        found, _ = store.search(queries, k + _SPARE)
        order = np.argsort(np.isin(found, held), axis=1, kind="stable")[:, :k]
        kept = np.take_along_axis(found, order, axis=1)
        return np.where(np.isin(kept, held), -1, kept)

    return search


def _write_shard(path: Path, template: FaissStore, vectors: Floats, start: int, stop: int) -> None:
    import faiss

    store = template.empty()
    step = block_rows(vectors)
    for first in range(start, stop, step):
        store.add(np.ascontiguousarray(vectors[first : min(stop, first + step)]))
    faiss.write_index(store.faiss, str(path))
