"""kept_graph: a run's neighbor graphs are searched once and kept in its folder, for every analysis that asks.

A kept graph is known again by a checksum of what it was searched in: the vectors in their order, and who is the same
identity. So it needs no word on model, images or split: whatever of these changes, the checksum does.
"""

import hashlib
import logging
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.errors import FileFormatError
from metric_face.files import tidy
from metric_face.search.neighbor_graph import NeighborGraph
from metric_face.vectors import as_vectors, group_codes

_LOG = logging.getLogger(__name__)

DEPTH = 30
"""Neighbors of each item in a graph that is kept: the most that an analysis asks for."""
DEPTH_BETWEEN = 100
"""The same from one split to another, where the k of kNN is chosen."""


def graph_file(folder: Path, split: str, among: str | None = None) -> Path:
    """Where the graph of a split of a run is kept: its images among each other, or among those of another split."""
    name = split if among is None else f"{split}-in-{among}"
    return folder / "neighbors" / f"{quote(name, safe='')}.npz"


def kept_graph(
    file: Path | None, vectors: Any, k: int, *, exclude: Any = None, base: Any = None
) -> NeighborGraph:
    """The graph of these vectors: read from ``file`` where it holds just this graph, else searched and kept there.

    A file that is damaged, foreign, of other vectors or not deep enough is replaced. Where nothing can be written,
    the graph is searched all the same.

    Args:
        file: as :func:`graph_file` names it; None keeps nothing.
        vectors: (N, D) float32.
        k: neighbors of each item.
        exclude: (N,) identities whose images do not find each other, as in :meth:`NeighborGraph.build`.
        base: (M, D) vectors to search in; default ``vectors`` themselves. There is no ``exclude`` with it.

    Returns:
        The graph of the k nearest, by the cosine.
    """
    vectors = as_vectors(vectors)
    base = None if base is None else as_vectors(base, "base")
    if file is None:
        return _search(vectors, k, exclude, base)
    source = _checksum(vectors, exclude, base)
    count = len(vectors if base is None else base)
    if file.exists():
        try:
            kept = NeighborGraph.load(file)
        except FileFormatError as error:
            _LOG.warning("%s; the neighbors are searched anew", str(error).partition("; ")[0])
        else:
            if kept.source == source and kept.k >= k and len(kept) == len(vectors) and kept.fits(count):
                tidy(file)
                return kept.head(k)
    depth = max(k, DEPTH if base is None else DEPTH_BETWEEN)
    graph = replace(_search(vectors, depth, exclude, base), source=source)
    with suppress(OSError):  # a run that may only be read, or a full disk
        graph.save(file)
    return graph.head(k)


def graph_between(
    folder: Path | None, split: str, queries: Floats, among: str, gallery: Floats, *, rows: Ints | None = None
) -> NeighborGraph:
    """The graph from one split to another, kept in the folder of a run, as deep as the choice of k looks.

    Args:
        folder: of the run; None keeps nothing.
        split: whose images ask.
        queries: (Q, D) their vectors.
        among: the split that is searched.
        gallery: (N, D) its vectors.
        rows: (q,) those of the queries that ask; default all of them.
    """
    depth = min(DEPTH_BETWEEN, len(gallery))
    name = split if rows is None or len(rows) == len(queries) else f"{split}-{len(rows)}"
    file = None if folder is None else graph_file(folder, name, among)
    return kept_graph(file, queries if name == split else queries[rows], depth, base=gallery)


def _search(vectors: Floats, k: int, exclude: Any, base: Floats | None) -> NeighborGraph:
    if base is None:
        return NeighborGraph.build(vectors, k, exclude=exclude)
    return NeighborGraph.between(vectors, base, k)


def _checksum(vectors: Floats, exclude: Any, base: Floats | None) -> str:
    digest = hashlib.sha256()
    for values in (vectors,) if base is None else (vectors, base):
        digest.update(f"{values.shape}".encode())
        digest.update(values.data)
    if exclude is not None:
        # Who is the same identity counts, not how identities are called: number them as they first appear.
        codes = group_codes(exclude)[0]
        _, first, places = np.unique(codes, return_index=True, return_inverse=True)
        digest.update(b"exclude")
        digest.update(first[places].astype(np.int64).data)
    return digest.hexdigest()
