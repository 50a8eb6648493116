"""Building the FAISS index of many vectors: train on a sample, tune on queries held out, then add those too."""

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.search.faiss_lists import add_to_lists, reserve
from metric_face.search.faiss_store import FaissStore
from metric_face.search.kinds import Plan, empty_faiss, train, training_rows
from metric_face.search.tuning import HeldOut, Recall, held_out_rows, tune
from metric_face.vectors import Metric, normalize

_BLOCK_BYTES = 1 << 25  # vectors prepared at a time: 32 MiB


def build_store(
    vectors: Floats, plan: Plan, metric: Metric, recall: float, seed: int
) -> tuple[FaissStore, Recall]:
    """Put (N, D) vectors into an index, and find how far it must look.

    Args:
        vectors: (N, D) finite float32, not prepared; never copied as a whole.
        plan: the kind and its sizes.
        metric: of the search.
        recall: recall@10 to tune for.
        seed: of the training, and of which queries are held out.

    Returns:
        The index, row i of it vector i; and the recall it reaches.
    """
    count = len(vectors)
    store = trained_store(vectors, plan, metric, seed)
    if plan.kind == "flat":
        store.add(vectors)
        return store, Recall(recall, 1.0, count=count)
    held = held_out_rows(count, seed)
    others = np.setdiff1d(np.arange(count), held, assume_unique=True)
    if plan.kind == "hnsw":
        for start in range(0, len(others), block_rows(vectors)):
            store.add(vectors[others[start : start + block_rows(vectors)]])
    else:
        _fill_lists(store, vectors, others)

    def search(queries: Floats, k: int) -> Ints:
        found = store.search(queries, k, None)[0]
        return np.where(found < 0, -1, others[found]) if plan.kind == "hnsw" else found

    reached = tune(store, HeldOut(vectors, held, metric), search, recall, count)
    store.add(vectors[held], rows=held)
    if plan.kind == "hnsw":
        store.slots = np.empty(count, np.int64)  # the queries came last
        store.slots[np.concatenate([others, held])] = np.arange(count)
    return store, reached


def trained_store(vectors: Floats, plan: Plan, metric: Metric, seed: int) -> FaissStore:
    """Train the index of a plan on a sample of (N, D) vectors; it holds none of them."""
    count, dimensions = vectors.shape
    sample = training_rows(plan, count, seed)
    store = FaissStore(empty_faiss(plan, dimensions, metric, len(sample), seed), plan.kind, metric)
    if len(sample):
        training = vectors[sample]  # a copy, so it can be prepared in place
        train(store.faiss, normalize(training, out=training) if metric == "cosine" else training)
    return store


def _fill_lists(store: FaissStore, vectors: Floats, rows: Ints) -> None:
    """Add ``rows`` of the vectors to an inverted file, in two passes: one to know how long its lists will be."""
    step = block_rows(vectors)
    list_of_row = np.empty(len(vectors), np.int64)
    for start in range(0, len(vectors), step):
        block = store.prepare(vectors[start : start + step], "embeddings")
        list_of_row[start : start + step] = store.faiss.quantizer.assign(block, 1).ravel()
    reserve(store.faiss, list_of_row)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        add_to_lists(store.faiss, store.prepare(vectors[part], "embeddings"), part, list_of_row[part])


def block_rows(vectors: Floats) -> int:
    """How many rows are prepared at a time."""
    return int(max(1, _BLOCK_BYTES // (4 * vectors.shape[1])))
