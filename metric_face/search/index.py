"""EmbeddingIndex: vectors, what is known of them, and the model they come from, searched with FAISS."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Ints
from metric_face.errors import ArgumentError, ModelMismatchError
from metric_face.files import build
from metric_face.search.build import build_store
from metric_face.search.columns import Column, Columns
from metric_face.search.exact import Exclusion
from metric_face.search.faiss_store import FaissStore
from metric_face.search.files import Description, read_index_folder, write_index_folder
from metric_face.search.ids import as_ids, check_ids, columns_for
from metric_face.search.kinds import get_effort, knob, plan_index
from metric_face.search.merge import merge_shards
from metric_face.search.result import SearchResult
from metric_face.search.tuning import Recall, check_recall
from metric_face.vectors import (
    Metric,
    as_vectors,
    check_k,
    check_metric,
    faiss_threads,
    group_codes,
    off_graph,
)


class EmbeddingIndex:
    """N vectors to search, each with an id and its columns, which stay together whatever is added or removed.

    Make one with ``build``, ``load`` or ``merge``.

    Attributes:
        ids: (N,) int64, each once.
        columns: name -> (N,) labels, paths, identities, in the order of ``ids``.
        metric: ``cosine``, ``inner_product`` or ``euclidean``.
        kind: ``flat`` (exact), ``ivf``, ``hnsw`` or ``ivfpq``.
        recall: recall@10 asked for and reached when the index was built; what is reached is None of another kind than
            ``flat`` once vectors were added, removed or merged, since it is not measured then.
        fingerprint: of the model that made the vectors; empty where it is not known.
        transform: how the model wants its images, as it stood beside the model; or None.
        metadata: whatever else the maker wrote down; JSON.
    """

    def __init__(
        self,
        store: FaissStore,
        ids: Ints,
        columns: Columns,
        recall: Recall,
        fingerprint: str = "",
        transform: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._store = store
        self._read_only = False
        self.ids, self.columns, self.recall = ids, columns, recall
        self.fingerprint, self.transform, self.metadata = fingerprint, transform, dict(metadata or {})

    @classmethod
    def build(
        cls,
        embeddings: Any,
        labels: Any = None,
        *,
        kind: str = "auto",
        metric: Metric = "cosine",
        memory_budget: int | None = None,
        recall: float = 0.98,
        ids: Any = None,
        fingerprint: str | None = None,
        transform: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        threads: int | None = None,
        seed: int = 0,
    ) -> "EmbeddingIndex":
        """Index (N, D) vectors.

        Args:
            embeddings: (N, D) float32, or an object with ``.vectors`` (and ``.table``, ``.fingerprint``).
            labels: (N,) labels, a mapping or data frame of (N,) columns; None takes the table of the embeddings.
                A column ``identity`` is what ``search(exclude=...)`` compares.
            kind: ``flat``, ``ivf``, ``hnsw``, ``ivfpq``; ``auto`` chooses from N, D and the memory budget.
            metric: ``cosine``, ``inner_product`` or ``euclidean``.
            memory_budget: bytes that the index may take; None for as many as it needs.
            recall: recall@10 that an approximate kind is tuned for; what it reaches stands in ``recall``.
            ids: (N,) integers, each once; None numbers them from 0.
            fingerprint: of the model; None takes that of the embeddings.
            transform: how the model wants its images, saved with the index.
            metadata: anything JSON, saved with the index.
            threads: None takes all.
            seed: of training and tuning.

        Raises:
            ArgumentError: a value, length, kind or budget that cannot be.
        """
        vectors = as_vectors(embeddings)
        if not len(vectors):
            raise ArgumentError(
                "embeddings must hold at least one vector, found none; use empty() of another index"
            )
        metric, recall = check_metric(metric), check_recall(recall)
        plan = plan_index(kind, len(vectors), vectors.shape[1], memory_budget)
        columns = columns_for(embeddings, labels, len(vectors))
        nothing = np.empty(0, np.int64)
        checked = np.arange(len(vectors)) if ids is None else check_ids(ids, len(vectors), nothing)
        with faiss_threads(threads):
            store, reached = build_store(vectors, plan, metric, recall, seed)
        if fingerprint is None:
            fingerprint = getattr(embeddings, "fingerprint", "")
        return cls(store, checked, columns, reached, fingerprint, transform, metadata)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        reached = (
            "not measured since it changed" if self.recall.reached is None else f"{self.recall.reached:.3f}"
        )
        found = "exact" if self.kind == "flat" else f"recall@{self.recall.k} {reached}"
        return f"EmbeddingIndex({len(self)} x {self.dimensions}, {self.kind}, {self.metric}, {found})"

    @property
    def kind(self) -> str:
        return self._store.kind

    @property
    def metric(self) -> Metric:
        return self._store.metric

    @property
    def dimensions(self) -> int:
        """D."""
        return self._store.dimensions

    @property
    def faiss_index(self) -> Any:
        """The FAISS index itself; its ids are not those of this index."""
        return self._store.faiss

    def search(
        self,
        queries: Any,
        k: int,
        *,
        exclude: Any = None,
        fingerprint: str | None = None,
        threads: int | None = None,
    ) -> SearchResult:
        """Find the k nearest vectors of each query.

        A flat index is exact: nearest first, and among equals the vector that was added first (in an index with
        default ids, the smaller id). Under the cosine it is exact for what it holds, vectors of length one in float32:
        two that differ by less than that rounding, 6e-8, may stand in either order. The other kinds find what
        ``recall`` says; ``ivf`` and ``hnsw`` order what they find by float64 as well, ``ivfpq`` by its codes.

        Args:
            queries: (Q, D), or one query (D,), or an object with ``.vectors``.
            k: neighbors of each; more than there are is filled up with -1.
            exclude: (Q,) identity of each query; vectors whose column ``identity`` is equal are left out.
            fingerprint: of the model that made the queries; None takes that of the object, if it has one.
            threads: None takes all.

        Raises:
            ArgumentError: another D, a value that is not finite, k below 1, no column ``identity``.
            ModelMismatchError: the queries come from another model.
        """
        self._check_model(queries, fingerprint, "queries")
        values = getattr(queries, "vectors", queries)
        values = as_vectors(np.atleast_2d(off_graph(values)), "queries", self.dimensions)
        k = check_k(k)
        excluded = None if exclude is None else self._excluded(exclude, len(values))
        with faiss_threads(threads):
            rows, similarities = self._store.search(self._store.prepare(values, "queries"), k, excluded)
        ids = np.where(rows < 0, -1, self.ids[rows]) if len(self) else rows
        return SearchResult(ids, rows, similarities, self.metric)

    def lookup(self, column: str, result: SearchResult) -> Column:
        """Return the values of a column for what a search found, (Q, k).

        Args:
            column: name of the column.
            result: of this index, before anything was removed.

        Returns:
            (Q, k); where there is no neighbor, None of strings, nan of floats, -1 of integers, False of bools.
        """
        values = self._column(column)
        missing = {"O": None, "f": np.nan, "i": -1, "b": False}[values.dtype.kind]
        if not len(values):
            return np.full(result.rows.shape, missing, values.dtype)
        taken: Column = values[result.rows]
        taken[result.rows < 0] = missing
        return taken

    def add(
        self, embeddings: Any, labels: Any = None, *, ids: Any = None, fingerprint: str | None = None
    ) -> "EmbeddingIndex":
        """Add vectors with their columns, and return the index; on an error nothing is added.

        Args:
            embeddings: (M, D), as for ``build``.
            labels: the same columns as the index has.
            ids: (M,) integers that the index does not hold; None counts on from the greatest.
            fingerprint: of the model; None takes that of the embeddings, if they have one.

        Raises:
            ArgumentError: another D, an id that is there already, other columns, or an index read with ``mmap``.
            ModelMismatchError: the vectors come from another model.
        """
        self._check_writable()
        self._check_model(embeddings, fingerprint, "embeddings")
        vectors = as_vectors(embeddings, dimensions=self.dimensions)
        if ids is None:
            ids = self.ids.max(initial=-1) + 1 + np.arange(len(vectors))
        checked = check_ids(ids, len(vectors), self.ids)
        columns = self.columns.joined(columns_for(embeddings, labels, len(vectors)))
        self._store.add(vectors)
        self._forget_recall(len(vectors))
        self.ids, self.columns = np.concatenate([self.ids, checked]), columns
        return self

    def remove(self, ids: Any) -> "EmbeddingIndex":
        """Remove the vectors with these ids, and their columns, and return the index.

        Raises:
            ArgumentError: an id that the index does not hold; nothing is removed then.
        """
        self._check_writable()
        wanted = as_ids(ids)
        unknown = wanted[~np.isin(wanted, self.ids)]
        if len(unknown):
            raise ArgumentError(f"ids must be ids of the index, found {int(unknown[0])}; see index.ids")
        keep = ~np.isin(self.ids, wanted)
        columns = self.columns.take(keep)
        self._store.remove(np.flatnonzero(~keep))
        self._forget_recall(len(wanted))
        self.ids, self.columns = self.ids[keep], columns
        return self

    def empty(self) -> "EmbeddingIndex":
        """Return an index of the same kind and training that holds nothing: the way to make shards that merge."""
        store = self._store.empty()
        nothing = np.empty(0, np.int64)
        columns = self.columns.take(nothing)
        return EmbeddingIndex(
            store, nothing, columns, self.recall, self.fingerprint, self.transform, self.metadata
        )

    @classmethod
    def merge(cls, shards: "Sequence[EmbeddingIndex]", *, renumber: bool = False) -> "EmbeddingIndex":
        """Join indexes of one kind, metric and model into a new one, in the order given; they stay as they are.

        Args:
            shards: at least one. Kind, transform and metadata are those of the first.
            renumber: give the ids 0 to N - 1 in place of those of the shards, which otherwise must differ.

        Raises:
            ArgumentError: no shard, different kinds, metrics, D or columns, or one id in two shards.
            ModelMismatchError: shards of different models.
        """
        if not shards:
            raise ArgumentError("shards must hold at least one index, found none")
        first = shards[0]
        for number, shard in enumerate(shards):
            first._check_model(shard, None, f"shard {number}")
        merged = first.empty()
        merged.ids, merged.columns = merge_shards(shards, merged._store, renumber)
        merged._forget_recall(len(merged))
        return merged

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the index as a folder, whole or not at all, and return its path."""
        description = Description(
            kind=self._store.kind,
            metric=self.metric,
            dimensions=self.dimensions,
            count=len(self),
            fingerprint=self.fingerprint,
            recall=self.recall,
            search={}
            if knob(self.faiss_index) is None
            else {str(knob(self.faiss_index)): get_effort(self.faiss_index)},
            transform=self.transform,
            metadata=self.metadata,
        )
        return write_index_folder(folder, description, self._store, self.ids, self.columns)

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], *, mmap: bool = False, verify: bool = True
    ) -> "EmbeddingIndex":
        """Read a folder that ``save`` wrote.

        Args:
            folder: the folder.
            mmap: leave the vectors on disk and read what a search touches; such an index cannot change.
            verify: compare checksums before reading. Without it only sizes are compared: for an index of your own
                that is too large to read whole.

        Raises:
            FileFormatError: a file is missing, truncated, altered, of another index or not ours.
        """

        def read() -> "EmbeddingIndex":
            description, store, ids, columns = read_index_folder(folder, mmap=mmap, verify=verify)
            return cls(
                store,
                ids,
                columns,
                description.recall,
                description.fingerprint,
                description.transform,
                description.metadata,
            )

        index = build(read, Path(folder) / "index.json", remedy="build the index again")
        index._read_only = mmap
        return index

    def _forget_recall(self, changed: int) -> None:
        if changed and self.kind != "flat":
            self.recall = replace(self.recall, reached=None, num_queries=0, count=len(self._store))

    def _column(self, name: str) -> Column:
        if name not in self.columns:
            raise ArgumentError(
                f"column must be one of {sorted(self.columns)}, found {name!r}; give it as a label"
            )
        return self.columns[name]

    def _excluded(self, exclude: Any, num_queries: int) -> Exclusion:
        identities = np.atleast_1d(np.asarray(exclude))
        if identities.shape != (num_queries,):
            raise ArgumentError(
                f"exclude must hold one identity for each of the {num_queries} queries, found shape {identities.shape}"
            )
        known = self._column("identity")
        if (identities.dtype.kind in "iufb") != (known.dtype.kind in "iufb"):
            raise ArgumentError(
                f"exclude must hold identities as the index does, {known.dtype}, found {identities.dtype}, "
                "which equals none of them; convert one of the two"
            )
        return Exclusion(*group_codes(identities, known))

    def _check_model(self, other: Any, fingerprint: str | None, name: str) -> None:
        theirs = getattr(other, "fingerprint", "") if fingerprint is None else fingerprint
        if theirs and self.fingerprint and theirs != self.fingerprint:
            raise ModelMismatchError(
                f"{name} must come from the model of the index, {self.fingerprint}, found {theirs}; "
                "embed them with that model or build the index again"
            )

    def _check_writable(self) -> None:
        if self._read_only:
            raise ArgumentError("an index read with mmap=True cannot change; load it without")
