"""EmbeddingIndex: a searchable index that takes and gives up vectors, merges, and is saved and loaded."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Bools
from metric_face.errors import ArgumentError
from metric_face.files import INDEX, build, replace_folder
from metric_face.search.files import Description, read_index_folder, write_index_files
from metric_face.search.ids import as_ids, check_ids
from metric_face.search.index_checks import check_same_model
from metric_face.search.kinds import get_effort, knob
from metric_face.search.merge import merge_shards
from metric_face.search.new_rows import new_columns, relabeled
from metric_face.search.searchable_index import SearchableIndex
from metric_face.search.where import rows_where
from metric_face.vectors import as_vectors


class EmbeddingIndex(SearchableIndex):
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
        self._store.add(vectors)
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
        merged = first.empty()
        merged.ids, merged.columns = merge_shards(shards, merged._store, renumber)
        merged._forget_recall(len(merged))
        return merged

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the index as a folder, whole or not at all, and return its path."""
        with replace_folder(folder, INDEX) as new:
            self._write(new)
        return Path(folder)

    @classmethod
    @contextmanager
    def changing(cls, folder: str | os.PathLike[str]) -> "Iterator[EmbeddingIndex]":
        """Give the index of a folder to be changed, and write it back where the block ends without an error.

        The folder is locked from the reading to the writing, so two processes that add both add; one waits for the
        other. It holds the old index or the new, whenever a process is killed.

        Args:
            folder: that ``save`` wrote.

        Raises:
            FileFormatError: as ``load``.
            OutputError: another process changes it for more than a minute, or the system refuses.

        Example:
            >>> with EmbeddingIndex.changing("runs/first/index") as index:
            ...     index.add(embeddings)
        """
        if not (Path(folder) / "index.json").is_file():
            cls.load(folder)  # raises, and makes no place beside a folder that is none of ours
        with replace_folder(folder, INDEX) as new:
            index = cls.load(folder)
            yield index
            index._write(new)

    def _write(self, folder: Path) -> None:
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
        write_index_files(folder, description, self._store, self.ids, self.columns)

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

    def _check_writable(self) -> None:
        if self._read_only:
            raise ArgumentError("an index read with mmap=True cannot change; load it without")
