"""KeptIndex: an index in a folder: built into it, saved, loaded, mapped, and changed under a lock."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

from metric_face.errors import ArgumentError
from metric_face.files import INDEX, build, read_whole, replace_folder
from metric_face.search.build_shards import build_shards
from metric_face.search.files import Description, read_index_folder, stored_place, write_index_files
from metric_face.search.kinds import plan_index
from metric_face.search.milvus_build import build_milvus, describe, drop_replaced
from metric_face.search.milvus_places import collection_for, uri_of
from metric_face.search.milvus_store import MilvusStore
from metric_face.search.searchable_index import SearchableIndex
from metric_face.search.tuning import check_recall
from metric_face.vectors import Metric, as_vectors, check_directions, check_k, check_metric, faiss_threads


class KeptIndex(SearchableIndex):
    """N vectors to search, in memory or in a folder: what :class:`EmbeddingIndex` is before it changes."""

    _mmap = False  # how a later ``load`` reads the folder

    @classmethod
    def build_in(
        cls,
        folder: str | os.PathLike[str],
        embeddings: Any,
        labels: Any = None,
        *,
        shards: int = 1,
        mmap: bool = False,
        store: str | None = None,
        kind: str = "auto",
        metric: Metric = "cosine",
        memory_budget: int | None = None,
        recall: float = 0.98,
        threads: int | None = None,
        seed: int = 0,
        **known: Any,
    ) -> Self:
        """Index (N, D) vectors in a folder, in shards of which one is in memory at a time; the way to large ones.

        Args:
            folder: to write, whole or not at all; an index there is replaced.
            embeddings: as for ``build``; vectors in a file are best mapped, ``Embeddings.load(folder, mmap=True)``.
            labels: as for ``build``.
            shards: files to write; all share one training, and each has its share of the rows.
            mmap: leave the vectors on disk whenever the index is loaded, and read what a search touches.
            store: ``milvus:FILE.db`` of Milvus Lite or ``milvus:http://HOST:PORT`` of a server, which then holds the
                vectors and their columns; the folder holds the columns, the settings and where the vectors are. A
                server's token is read from METRIC_FACE_MILVUS_TOKEN.
            kind: as for ``build``; ``auto`` chooses for one shard.
            metric: as for ``build``.
            memory_budget: bytes that all shards together may take.
            recall: as for ``build``.
            threads: as for ``build``.
            seed: as for ``build``.
            known: ``ids``, ``fingerprint``, ``transform`` and ``metadata``, as for ``build``.

        Returns:
            The index, as ``load`` reads it.

        Raises:
            ArgumentError: as ``build``, or more shards than vectors.
            OutputError: something else than an index is there, or the system refuses.
        """
        shards = check_k(shards, "shards")
        if store is not None:
            if shards > 1 or mmap:
                raise ArgumentError(
                    "store keeps the vectors, so shards and mmap have no meaning; leave them out"
                )
            options = {"kind": kind, "metric": metric, "memory_budget": memory_budget}
            return cls._build_in_milvus(folder, store, embeddings, labels, recall, seed, options, known)
        if shards == 1:
            index = cls.build(
                embeddings,
                labels,
                kind=kind,
                metric=metric,
                memory_budget=memory_budget,
                recall=recall,
                threads=threads,
                seed=seed,
                **known,
            )
            index._mmap = mmap
            index.save(folder)
            return cls.load(folder, verify=False) if mmap else index
        vectors = as_vectors(embeddings)
        count, dimensions = vectors.shape
        if shards > count:
            raise ArgumentError(f"shards must be at most the number of vectors, {count}, found {shards}")
        share = None if memory_budget is None else memory_budget // shards
        plan = plan_index(kind, -(-count // shards), dimensions, share)
        recall = check_recall(recall)
        about = cls._described(embeddings, labels, count, **known)
        with replace_folder(folder, INDEX) as new, faiss_threads(threads):
            pieces, reached = build_shards(new, vectors, plan, check_metric(metric), recall, seed, shards)
            index = cls(pieces, recall=reached, **about)
            index._mmap = mmap
            index._write(new)
        return cls.load(folder, verify=False)

    @classmethod
    def _build_in_milvus(
        cls,
        folder: str | os.PathLike[str],
        store: str,
        embeddings: Any,
        labels: Any,
        recall: float,
        seed: int,
        options: Mapping[str, Any],
        known: Mapping[str, Any],
    ) -> Self:
        uri, vectors = uri_of(store), as_vectors(embeddings)
        check_recall(recall)
        metric = check_metric(options["metric"])
        plan = plan_index(options["kind"], len(vectors), vectors.shape[1], options["memory_budget"])
        about = cls._described(embeddings, labels, len(vectors), **known)
        if metric == "cosine":
            check_directions(vectors)  # before anything is made
        with replace_folder(folder, INDEX) as new:
            before = stored_place(folder)
            name = collection_for(folder, None if before is None else str(before.get("collection")))
            held, reached = build_milvus(uri, name, vectors, about["columns"], plan, metric, recall, seed)
            index = cls(held, recall=reached, **about)
            index._write(new)
        drop_replaced(before, uri, name)
        index._read_only = True
        held.is_mapped = True
        return index

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the index as a folder, whole or not at all, and return its path.

        Raises:
            ArgumentError: the vectors are in a database; ``changing`` keeps what changes there.
        """
        if isinstance(self._store, MilvusStore):
            raise ArgumentError(
                "an index in Milvus cannot be saved elsewhere; build it there, or use changing()"
            )
        with replace_folder(folder, INDEX) as new:
            self._write(new)
        return Path(folder)

    @classmethod
    @contextmanager
    def changing(cls, folder: str | os.PathLike[str]) -> Iterator[Self]:
        """Give the index of a folder to be changed, and write it back where the block ends without an error.

        The folder is locked from the reading to the writing, so two processes that add both add; one waits for the
        other. It holds the old index or the new, whenever a process is killed. Of shards, those that do not change
        are neither read nor written.

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
            index = cls._read(folder, None, verify=True, change=True)
            yield index
            index._write(new)
        if isinstance(index._store, MilvusStore):
            index._store.keep()

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, mmap: bool | None = None, verify: bool = True) -> Self:
        """Read a folder that ``save`` wrote.

        Args:
            folder: the folder.
            mmap: leave the vectors on disk and read what a search touches; such an index in one piece cannot change.
                None does what was chosen when it was built, which by default is to read them.
            verify: compare checksums before reading. Without it only sizes are compared: for an index of your own
                that is too large to read whole.

        Raises:
            FileFormatError: a file is missing, truncated, altered, of another index or not ours.
        """
        return cls._read(folder, mmap, verify=verify)

    @classmethod
    def _read(
        cls, folder: str | os.PathLike[str], mmap: bool | None, *, verify: bool, change: bool = False
    ) -> Self:
        about, store, ids, columns = build(
            lambda: read_whole(
                folder, lambda: read_index_folder(folder, mmap=mmap, verify=verify, change=change)
            ),
            Path(folder) / "index.json",
            remedy="build the index again",
        )
        index = cls(store, ids, columns, about.recall, about.fingerprint, about.transform, about.metadata)
        index._mmap = about.mmap
        index._read_only = store.is_mapped
        return index

    def _write(self, folder: Path) -> None:
        description = Description(
            kind=self._store.kind,
            metric=self.metric,
            dimensions=self.dimensions,
            count=len(self),
            fingerprint=self.fingerprint,
            recall=self.recall,
            search={} if self._store.knob is None else {self._store.knob: self._store.effort},
            transform=self.transform,
            metadata=self.metadata,
            mmap=self._mmap,
            store=self._store.place if isinstance(self._store, MilvusStore) else None,
        )
        if isinstance(self._store, MilvusStore):
            describe(self._store, asdict(replace(description, store=None)))
        write_index_files(folder, description, self._store, self.ids, self.columns)

    def _check_writable(self) -> None:
        if self._read_only:
            raise ArgumentError(
                "an index in Milvus changes within EmbeddingIndex.changing(folder)"
                if isinstance(self._store, MilvusStore)
                else "an index read with mmap=True cannot change; load it without"
            )
