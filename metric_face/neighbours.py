"""The neighbour graph: the k nearest of every item, found once and read by every analysis."""

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.errors import ArgumentError, FileFormatError
from metric_face.exact_search import Barred, nearest
from metric_face.files import write_atomically
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
    """

    ids: Ints
    similarities: Floats
    metric: Metric = "cosine"
    same_identity_excluded: bool = False

    @classmethod
    def build(
        cls,
        embeddings: Any,
        k: int,
        *,
        exclude: Any = None,
        metric: Metric = "cosine",
        threads: int | None = None,
    ) -> "NeighbourGraph":
        """Find the k nearest of every item, exactly.

        Args:
            embeddings: (N, D) float32, or an object with ``.vectors``; normalised here for the cosine.
            k: neighbours for each item; more than there are is filled up with -1.
            exclude: (N,) identity of each item, integers or strings; items of the same identity are left out.
                None leaves out the item alone.
            metric: ``cosine``, ``inner_product`` or ``euclidean``.
            threads: threads of the search; None takes all.

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
        prepared = normalise(vectors) if metric == "cosine" else vectors
        with faiss_threads(threads):
            ids, similarities = nearest(prepared, prepared, k, metric, Barred(groups, groups))
        return cls(ids, similarities, metric, same_identity_excluded=exclude is not None)

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
        return NeighbourGraph(
            self.ids[:, :k], self.similarities[:, :k], self.metric, self.same_identity_excluded
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the graph to one ``.npz`` file, whole or not at all, and return its path."""
        ids, similarities = np.ascontiguousarray(self.ids), np.ascontiguousarray(self.similarities)
        header = {
            "format": _FORMAT,
            "version": _VERSION,
            "metric": self.metric,
            "same_identity_excluded": self.same_identity_excluded,
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
            expected = header["sha256"]
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
        return cls(ids, similarities, metric, is_excluded)


def _checksum(ids: Ints, similarities: Floats) -> str:
    digest = hashlib.sha256(f"{ids.dtype}{ids.shape}{similarities.dtype}{similarities.shape}".encode())
    digest.update(ids.tobytes())
    digest.update(similarities.tobytes())
    return digest.hexdigest()
