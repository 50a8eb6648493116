"""FAISS indexes from the inside: the lists of an inverted file, its training, and an empty twin."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from metric_face.arrays import Floats, Ints


def empty_like(index: Any) -> Any:
    """Return a FAISS index of the same kind, settings and training that holds no vector."""
    import faiss

    if hasattr(index, "hnsw"):
        twin = faiss.IndexHNSWFlat(index.d, index.hnsw.nb_neighbors(1), index.metric_type)
        twin.hnsw.efSearch = index.hnsw.efSearch
        return twin
    if not hasattr(index, "nlist"):
        return faiss.IndexFlat(index.d, index.metric_type)
    quantizer = faiss.clone_index(index.quantizer)
    if hasattr(index, "pq"):
        pq = index.pq
        twin = faiss.IndexIVFPQ(quantizer, index.d, index.nlist, pq.M, pq.nbits, index.metric_type)
        faiss.copy_array_to_vector(faiss.vector_to_array(pq.centroids), twin.pq.centroids)
        twin.by_residual = index.by_residual
        twin.precompute_table()
    elif hasattr(index, "sq"):
        twin = faiss.IndexIVFScalarQuantizer(
            quantizer, index.d, index.nlist, index.sq.qtype, index.metric_type, index.by_residual
        )
        faiss.copy_array_to_vector(faiss.vector_to_array(index.sq.trained), twin.sq.trained)
    else:
        twin = faiss.IndexIVFFlat(quantizer, index.d, index.nlist, index.metric_type)
    quantizer.this.disown()  # the inverted file deletes it
    twin.own_fields, twin.is_trained, twin.nprobe = True, True, index.nprobe
    return twin


def reserve(inverted_file: Any, list_of_row: Ints) -> None:
    """Give each list exactly the memory it will need: growing by doubling, they would take half as much again."""
    sizes = np.bincount(list_of_row, minlength=inverted_file.nlist)
    for number in np.flatnonzero(sizes).tolist():
        inverted_file.invlists.resize(number, int(sizes[number]))
        inverted_file.invlists.resize(number, 0)  # the memory stays


def add_to_lists(inverted_file: Any, vectors: Floats, ids: Ints, list_of_row: Ints) -> None:
    """Add (N, D) prepared vectors with their ids to lists that are already known."""
    import faiss

    inverted_file.add_core(
        len(vectors), faiss.swig_ptr(vectors), faiss.swig_ptr(ids), faiss.swig_ptr(list_of_row)
    )


def lists_of(inverted_file: Any) -> Iterator[tuple[int, Ints]]:
    """Yield the number and the ids, as a view, of each list that holds any."""
    import faiss

    for number in range(inverted_file.nlist):
        size = inverted_file.invlists.list_size(number)
        if size:
            yield number, faiss.rev_swig_ptr(inverted_file.invlists.get_ids(number), size)


def vectors_of_list(inverted_file: Any, number: int, size: int) -> Floats:
    """Return the (size, D) vectors of one list of an uncompressed inverted file, as a view."""
    import faiss

    codes = faiss.rev_swig_ptr(inverted_file.invlists.get_codes(number), size * inverted_file.code_size)
    vectors: Floats = codes.view(np.float32).reshape(size, -1)
    return vectors


def copy_lists(source: Any, target: Any, offset: int) -> None:
    """Append the lists of ``source`` to those of ``target``, of the same training, with ``offset`` added to the ids."""
    import faiss

    for number, ids in lists_of(source):
        moved = ids + offset
        target.invlists.add_entries(
            number, len(ids), faiss.swig_ptr(moved), source.invlists.get_codes(number)
        )
    target.ntotal += source.ntotal


def same_training(first: Any, second: Any) -> bool:
    """Say whether two inverted files have equal lists and codes, so that one can take the other's as they are."""
    return _training(first) == _training(second)


def _training(inverted_file: Any) -> tuple[bytes, bytes]:
    """Return what training made of an inverted file, to compare two of them."""
    import faiss

    quantizer = faiss.downcast_index(inverted_file.quantizer)
    # A tensor where faiss.contrib.torch_utils was imported, as pytorch-metric-learning does.
    centroids = np.asarray(quantizer.reconstruct_n(0, quantizer.ntotal)).tobytes()
    codes = b""
    if hasattr(inverted_file, "pq"):
        codes = faiss.vector_to_array(inverted_file.pq.centroids).tobytes()
    elif hasattr(inverted_file, "sq"):
        codes = faiss.vector_to_array(inverted_file.sq.trained).tobytes()
    return centroids, codes
