"""EmbeddingIndex: a searchable index that takes and gives up vectors, merges, and is saved and loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from metric_face.arrays import Bools
from metric_face.errors import ArgumentError
from metric_face.search.ids import as_ids, check_ids
from metric_face.search.index_checks import check_same_model
from metric_face.search.kept_index import KeptIndex
from metric_face.search.merge import merge_shards
from metric_face.search.new_rows import CODE, new_columns, relabeled
from metric_face.search.where import rows_where
from metric_face.vectors import as_vectors


class EmbeddingIndex(KeptIndex):
    """N vectors to search, each with an id and its columns, which stay together whatever is added or removed.

    Make one with ``build``, ``build_in``, ``load`` or ``merge``.

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

    def add(
        self, embeddings: Any, labels: Any = None, *, ids: Any = None, fingerprint: str | None = None
    ) -> "EmbeddingIndex":
        """Add vectors with their columns, and return the index; on an error nothing is added.

        ``index.add(embeddings)`` is all that is needed: the codes of the classes follow their names, a class that is
        new is taken up, and paths of another root are kept whole.

        Args:
            embeddings: (M, D), as for ``build``.
            labels: the same columns as the index has, but for codes; None takes the table of the embeddings, where a
                column that the index or the table lacks is missing.
            ids: (M,) integers that the index does not hold; None counts on from the greatest.
            fingerprint: of the model; None takes that of the embeddings, if they have one.

        Raises:
            ArgumentError: another D, an id that is there already, other columns, or an index read with ``mmap``.
            DataError: an image lacks the label of a target.
            ModelMismatchError: the vectors come from another model.
        """
        self._check_writable()
        check_same_model(self.fingerprint, embeddings, fingerprint, "embeddings")
        vectors = as_vectors(embeddings, dimensions=self.dimensions)
        if ids is None:
            ids = self.ids.max(initial=-1) + 1 + np.arange(len(vectors))
        checked = check_ids(ids, len(vectors), self.ids)
        own, new, metadata = new_columns(self.columns, self.metadata, embeddings, labels, len(vectors))
        columns = own.joined(new)
        self._store.add(vectors, new)
        self._forget_recall(len(vectors))
        self.ids, self.columns = np.concatenate([self.ids, checked]), columns
        self.metadata = dict(metadata)
        return self

    def remove(self, ids: Any = None, *, where: Mapping[str, Any] | None = None) -> "EmbeddingIndex":
        """Remove vectors and their columns, and return the index.

        Args:
            ids: of the vectors; or None.
            where: column -> a value or a list of values, such as ``{"identity": "Anna"}`` or ``{"path": paths}``;
                or None.

        Raises:
            ArgumentError: neither or both are given, an id or a value that the index does not hold; nothing is removed
                then.
        """
        self._check_writable()
        keep = ~self._chosen(ids, where)
        columns = self.columns.take(keep)
        self._store.remove(np.flatnonzero(~keep))
        self._forget_recall(len(keep) - int(keep.sum()))
        self.ids, self.columns = self.ids[keep], columns
        return self

    def relabel(
        self, values: Mapping[str, Any], ids: Any = None, *, where: Mapping[str, Any] | None = None
    ) -> "EmbeddingIndex":
        """Set columns of some vectors to a value each, with the codes that follow from them, and return the index.

        Args:
            values: column -> its new value.
            ids: as for ``remove``.
            where: as for ``remove``.

        Raises:
            ArgumentError: as ``remove``; or a column that is not there, is a code, or holds another kind of value.
        """
        self._check_writable()
        chosen = self._chosen(ids, where)
        self.columns, self.metadata = relabeled(self.columns, self.metadata, values, chosen)
        self._store.forget_columns([*values, *(name for name in self.columns if name.startswith(CODE))])
        return self

    def _chosen(self, ids: Any, where: Mapping[str, Any] | None) -> Bools:
        """(N,) the vectors that a call names, by ids or by what their columns hold."""
        if (ids is None) == (where is None):
            raise ArgumentError("give either ids or where, found " + ("neither" if ids is None else "both"))
        if where is not None:
            chosen = rows_where(self.columns, where)
            if not chosen.any():
                raise ArgumentError(f"where={dict(where)!r} must name vectors of the index, found none")
            return chosen
        wanted = as_ids(ids)
        unknown = wanted[~np.isin(wanted, self.ids)]
        if len(unknown):
            raise ArgumentError(f"ids must be ids of the index, found {int(unknown[0])}; see index.ids")
        found: Bools = np.isin(self.ids, wanted)
        return found

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
            check_same_model(first.fingerprint, shard, None, f"shard {number}")
        store = first._store.empty()
        ids, columns = merge_shards(shards, store, renumber)
        merged = EmbeddingIndex(
            store, ids, columns, first.recall, first.fingerprint, first.transform, first.metadata
        )
        merged._forget_recall(len(merged))
        return merged

    def _forget_recall(self, changed: int) -> None:
        if changed and self.kind != "flat":
            self.recall = replace(self.recall, reached=None, num_queries=0, count=len(self._store))
