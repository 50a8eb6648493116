"""SearchableIndex: vectors, what is known of them, and the model they come from, searched with FAISS."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from metric_face.arrays import Ints
from metric_face.errors import ArgumentError
from metric_face.notebook import table_html
from metric_face.search.build import build_store
from metric_face.search.columns import Column, Columns
from metric_face.search.ids import check_ids, columns_for
from metric_face.search.index_checks import as_excluded, check_same_model
from metric_face.search.kinds import plan_index
from metric_face.search.known_identities import KnownIdentities
from metric_face.search.result import SearchResult
from metric_face.search.store import Store
from metric_face.search.tuning import Recall, check_recall
from metric_face.search.where import rows_where
from metric_face.vectors import (
    Metric,
    as_vectors,
    check_k,
    check_metric,
    faiss_threads,
    off_graph,
)


class SearchableIndex:
    """N vectors to search: what :class:`EmbeddingIndex`, which lists the attributes, is before it changes."""

    def __init__(
        self,
        store: Store,
        ids: Ints,
        columns: Columns,
        recall: Recall,
        fingerprint: str = "",
        transform: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._store = store
        self._read_only = False
        self._known: tuple[Column, KnownIdentities] | None = None
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
    ) -> Self:
        """Index (N, D) vectors.

        Args:
            embeddings: (N, D) float32, or an object with ``.vectors`` (and ``.table``, ``.fingerprint``).
            labels: (N,) labels, a mapping or data frame of (N,) columns; None takes the table of the embeddings.
                A column ``identity`` is what ``search(exclude=...)`` compares.
            kind: ``flat``, ``ivf``, ``hnsw``, ``ivfsq``, ``ivfpq``; ``auto`` chooses from N, D and the memory budget.
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
        about = cls._described(embeddings, labels, len(vectors), ids, fingerprint, transform, metadata)
        with faiss_threads(threads):
            store, reached = build_store(vectors, plan, metric, recall, seed)
        return cls(store, recall=reached, **about)

    @staticmethod
    def _described(
        embeddings: Any,
        labels: Any,
        count: int,
        ids: Any = None,
        fingerprint: str | None = None,
        transform: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """What is known of ``count`` vectors, checked, by the names of this class's arguments."""
        nothing = np.empty(0, np.int64)
        return {
            "ids": np.arange(count) if ids is None else check_ids(ids, count, nothing),
            "columns": columns_for(embeddings, labels, count),
            "fingerprint": getattr(embeddings, "fingerprint", "") if fingerprint is None else fingerprint,
            "transform": transform,
            "metadata": metadata,
        }

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        reached = (
            "not measured since it changed" if self.recall.reached is None else f"{self.recall.reached:.3f}"
        )
        found = "exact" if self.kind == "flat" else f"recall@{self.recall.k} {reached}"
        return f"{type(self).__name__}({len(self)} x {self.dimensions}, {self.kind}, {self.metric}, {found})"

    def _repr_html_(self) -> str:
        rows = [(name, self.columns[name].dtype) for name in self.columns]
        return table_html(("column", "kind"), rows, repr(self))

    @property
    def kind(self) -> str:
        return self._store.kind

    @property
    def metric(self) -> Metric:
        return self._store.metric

    @property
    def shards(self) -> int:
        """Pieces that the vectors lie in."""
        return max(1, len(self._store.parts))

    @property
    def dimensions(self) -> int:
        """D."""
        return self._store.dimensions

    @property
    def faiss_index(self) -> Any:
        """The FAISS index itself, of an index in one piece; its ids are not those of this index."""
        return self._store.parts[0].faiss if len(self._store.parts) == 1 else None

    def search(
        self,
        queries: Any,
        k: int,
        *,
        exclude: Any = None,
        where: Mapping[str, Any] | None = None,
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
            where: column -> a value or a list of values, such as ``{"gender": "female"}``: only vectors that hold one
                of them in each column are found. Of an approximate kind, the recall among them is not what was tuned.
            fingerprint: of the model that made the queries; None takes that of the object, if it has one.
            threads: None takes all.

        Raises:
            ArgumentError: another D, a value that is not finite, k below 1, no such column or no column ``identity``.
            ModelMismatchError: the queries come from another model.
        """
        check_same_model(self.fingerprint, queries, fingerprint, "queries")
        values = getattr(queries, "vectors", queries)
        values = as_vectors(np.atleast_2d(off_graph(values)), "queries", self.dimensions)
        k = check_k(k)
        excluded = None
        if exclude is not None:
            identities = as_excluded(exclude, len(values))
            excluded = self._identities().excluded(identities)
        chosen = None if where is None else rows_where(self.columns, where)
        with faiss_threads(threads):
            rows, similarities = self._store.search(
                self._store.prepare(values, "queries"), k, excluded, chosen, where
            )
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

    def _identities(self) -> KnownIdentities:
        """The identities of the columns as they are; numbering a million took 270 ms of each search."""
        column = self._column("identity")
        if self._known is None or self._known[0] is not column:
            self._known = (column, KnownIdentities.of(column))
        return self._known[1]

    def _column(self, name: str) -> Column:
        if name not in self.columns:
            raise ArgumentError(
                f"column must be one of {sorted(self.columns)}, found {name!r}; give it as a label"
            )
        return self.columns[name]
