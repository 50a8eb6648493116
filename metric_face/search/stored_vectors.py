"""The vectors that an index holds, by row: as they are searched, so of length one under the cosine."""

from typing import TYPE_CHECKING

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.search.milvus_store import MilvusStore

if TYPE_CHECKING:
    from metric_face.search.faiss_store import FaissStore
    from metric_face.search.index import EmbeddingIndex


def stored_vectors(index: "EmbeddingIndex", rows: Ints) -> Floats:
    """The vectors (M, D) of the given rows; of ``ivfpq`` what its codes stand for, but in Milvus the vectors.

    Args:
        index: that was built, or loaded.
        rows: (M,) each at least 0.

    Raises:
        OutputError: the index lies in a database that does not answer.
    """
    if isinstance(index._store, MilvusStore):
        return index._store.vectors(rows)
    parts = index._store.parts
    found, first = np.empty((len(rows), index.dimensions), np.float32), 0
    for part in parts:
        at = np.flatnonzero((rows >= first) & (rows < first + len(part)))
        if len(at):
            found[at] = _of_part(part, rows[at] - first)
        first += len(part)
    return found


def _of_part(store: "FaissStore", rows: Ints) -> Floats:
    if store.kind == "flat":
        return store.flat_vectors()[rows]
    if store.kind == "hnsw":
        return store.flat_vectors()[rows if store.slots is None else store.slots[rows]]
    import faiss

    store.faiss.make_direct_map()
    try:
        return np.stack([store.faiss.reconstruct(int(row)) for row in rows])
    finally:
        store.faiss.set_direct_map_type(faiss.DirectMap.NoMap)
