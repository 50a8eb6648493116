"""The neighbour graph: the k nearest of every item, found once and read by every analysis."""

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.errors import ArgumentError, FileFormatError
from metric_face.files import write_atomically
from metric_face.search.build import build_store
from metric_face.search.exact import Barred, nearest
from metric_face.search.kinds import plan_index
from metric_face.search.tuning import check_recall
from metric_face.vectors import (
    Floats,
    Ints,
    Metric,
    as_vectors,
    check_k,
    check_metric,
    distances_of,
    faiss_threads,
    group_codes,
    normalise,
)

_FORMAT = "metric_face.NeighbourGraph"
_VERSION = 1
_EXACT_UP_TO = (
    200_000  # items: four minutes at 128 dimensions on two cores, and four times as long for twice as many
)
_BLOCK_ROWS = 1 << 16


@dataclass(frozen=True, eq=False)
class NeighbourGraph:
    """The k nearest neighbours of every item, never the item itself.

    Neighbours stand in order of similarity, and among equals the smaller id first. Where an item has fewer than
    k valid neighbours, the places left are id -1 and similarity ``-inf``.

    Attributes:
        ids: (N, k) int64 positions.
        similarities: (N, k) float32, greatest first; for ``euclidean`` the negative distance.
        metric: ``cosine``, ``inner_product`` or ``euclidean``.
        same_identity_excluded: whether items of the same identity were left out.
        recall: share of the true 10 nearest that the search finds, measured on held-out items; 1 if exact.
    """

    ids: Ints
    similarities: Floats
    metric: Metric = "cosine"
    same_identity_excluded: bool = False
    recall: float = 1.0

    @classmethod
    def build(
        cls,
        embeddings: Any,
        k: int,
        *,
        exclude: Any = None,
        metric: Metric = "cosine",
        kind: str = "auto",
        recall: float = 0.98,
        threads: int | None = None,
        seed: int = 0,
    ) -> "NeighbourGraph":
        """Find the k nearest of every item.

        Args:
            embeddings: (N, D) float32, or an object with ``.vectors``; normalised here for the cosine.
            k: neighbours for each item; more than there are is filled up with -1.
            exclude: (N,) identity of each item, integers or strings; items of the same identity are left out.
                None leaves out the item alone.
            metric: ``cosine``, ``inner_product`` or ``euclidean``.
            kind: ``flat`` compares every pair; ``ivf`` looks where neighbours are likely, and ``auto`` takes it
                past 200,000 items, where every pair would take hours.
            recall: recall@10 that ``ivf`` is tuned for; what it reaches stands in the graph.
            threads: threads of the search; None takes all.
            seed: of the training and tuning of ``ivf``.

        Returns:
            The graph.

        Raises:
            ArgumentError: a value of the embeddings is not finite, a row of zeros under the cosine, k below 1, or
                ``exclude`` of another length.
        """
        vectors = as_vectors(embeddings)
        k, metric = check_k(k), check_metric(metric)
        if exclude is None:
            groups = np.arange(len(vectors))
        else:
            groups = group_codes(exclude)[0]
            if len(groups) != len(vectors):
                raise ArgumentError(
                    f"exclude must hold one identity for each of the {len(vectors)} embeddings, found {len(groups)}"
                )
        if kind not in ("auto", "flat", "ivf"):
            raise ArgumentError(f"kind must be auto, flat or ivf, found {kind!r}")
        if kind == "auto":
            kind = "flat" if len(vectors) <= _EXACT_UP_TO else "ivf"
        search = _search_every_pair if kind == "flat" else partial(_search_lists, recall=recall, seed=seed)
        with faiss_threads(threads):
            ids, similarities, reached = search(vectors, k, metric, groups)
        return cls(ids, similarities, metric, exclude is not None, reached)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def k(self) -> int:
        """Neighbours of each item."""
        return int(self.ids.shape[1])

    @property
    def distances(self) -> Floats:
        """(N, k) float32 distances, smallest first, ``inf`` beside a -1: Euclidean, or one minus the cosine."""
        return distances_of(self.similarities, self.metric)

    def head(self, k: int) -> "NeighbourGraph":
        """Return the graph of the k nearest, k at most the present one; the arrays are views."""
        if check_k(k) > self.k:
            raise ArgumentError(
                f"k must be at most the {self.k} neighbours of this graph, found {k}; build it with more"
            )
        return replace(self, ids=self.ids[:, :k], similarities=self.similarities[:, :k])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the graph to one ``.npz`` file, whole or not at all, and return its path."""
        ids, similarities = np.ascontiguousarray(self.ids), np.ascontiguousarray(self.similarities)
        header = {
            "format": _FORMAT,
            "version": _VERSION,
            "metric": self.metric,
            "same_identity_excluded": self.same_identity_excluded,
            "recall": self.recall,
            "sha256": _checksum(ids, similarities),
        }

        def write(temporary: Path) -> None:
            with open(temporary, "wb") as file:
                np.savez(file, header=np.array(json.dumps(header)), ids=ids, similarities=similarities)

        return write_atomically(path, write)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "NeighbourGraph":
        """Read a graph written by ``save``.

        Raises:
            FileFormatError: the file is missing, truncated, altered or not a neighbour graph.
        """
        try:
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                if not isinstance(header, dict) or header.get("format") != _FORMAT:
                    raise FileFormatError(
                        f"{path} is not a neighbour graph; give a file that NeighbourGraph.save wrote"
                    )
                if header["version"] != _VERSION:
                    raise FileFormatError(
                        f"{path} has version {header['version']}, this program reads {_VERSION}; update metric_face"
                    )
                ids, similarities = file["ids"], file["similarities"]
            metric, is_excluded = check_metric(header["metric"]), bool(header["same_identity_excluded"])
            recall, expected = float(header["recall"]), header["sha256"]
        except FileNotFoundError:
            raise FileFormatError(
                f"{path} does not exist; build the neighbour graph and save it there"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise FileFormatError(
                f"{path} is truncated or not a neighbour graph ({error}); build it again"
            ) from None
        if _checksum(ids, similarities) != expected or ids.shape != similarities.shape or ids.ndim != 2:
            raise FileFormatError(f"{path} was altered: its checksum does not match; build it again")
        return cls(ids, similarities, metric, is_excluded, recall)


def _search_every_pair(vectors: Floats, k: int, metric: Metric, groups: Ints) -> tuple[Ints, Floats, float]:
    prepared = normalise(vectors) if metric == "cosine" else vectors
    return *nearest(prepared, prepared, k, metric, Barred(groups, groups)), 1.0


def _search_lists(
    vectors: Floats, k: int, metric: Metric, groups: Ints, recall: float, seed: int
) -> tuple[Ints, Floats, float]:
    plan = plan_index("ivf", len(vectors), vectors.shape[1], None)
    store, reached = build_store(vectors, plan, metric, check_recall(recall), seed)
    ids, similarities = np.empty((len(vectors), k), np.int64), np.empty((len(vectors), k), np.float32)
    for start in range(0, len(vectors), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        queries = store.prepare(vectors[rows], "embeddings")
        ids[rows], similarities[rows] = store.search(queries, k, Barred(groups[rows], groups))
    return ids, similarities, reached.reached


def _checksum(ids: Ints, similarities: Floats) -> str:
    digest = hashlib.sha256(f"{ids.dtype}{ids.shape}{similarities.dtype}{similarities.shape}".encode())
    digest.update(ids.tobytes())
    digest.update(similarities.tobytes())
    return digest.hexdigest()
