"""A store in Milvus: the vectors and their columns lie in a collection, rows are found by their keys."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metric_face.arrays import Bools, Floats, Ints
from metric_face.errors import ArgumentError
from metric_face.search.asking import search_by_asking
from metric_face.search.columns import Columns
from metric_face.search.exact import Exclusion
from metric_face.search.faiss_store import FaissStore
from metric_face.search.found import exact_similarities
from metric_face.search.kinds import Kind
from metric_face.search.milvus_client import blaming_milvus
from metric_face.search.milvus_places import KEY, VECTOR, expression, values_of
from metric_face.vectors import Metric, check_directions, normalize

_MOST = 16_384  # neighbors, and keys in a condition, that a server takes
_INSERT_BYTES = 1 << 22  # inserted at a time: 4 MiB, where a server takes 64
_FOUND_BYTES = 1 << 24  # of vectors that one answer brings


@dataclass
class MilvusStore:
    """Vectors in a collection, addressed by row.

    Keys grow with the rows and are never given twice, so a row is found by its key, and what a killed command inserted
    without finishing has a key that no row has.

    Attributes:
        client: of the database.
        place: ``uri``, ``collection``, ``build``, ``lists`` and ``fields`` (column -> field), as
            ``index.json`` keeps them.
        kind: of the index in the database.
        metric: cosine holds rows of length one and searches them by inner product.
        dimensions: D.
        keys: (N,) ascending.
        strays: rows of the collection that no row of the index has.
        effort: ``nprobe`` or ``ef``; 0 of ``flat``.
    """

    client: Any
    place: dict[str, Any]
    kind: Kind
    metric: Metric
    dimensions: int
    keys: Ints
    strays: int = 0
    effort: int = 0
    is_mapped: bool = True
    columns: Columns = field(default_factory=lambda: Columns({}, 0))
    _removed: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def collection(self) -> str:
        return str(self.place["collection"])

    @property
    def knob(self) -> str | None:
        return {"flat": None, "hnsw": "ef"}.get(self.kind, "nprobe")

    @property
    def efforts(self) -> tuple[int, int]:
        """The least effort and that beyond which nothing is gained."""
        if self.kind == "flat":
            return 0, 0
        return (16, max(16, min(4096, len(self)))) if self.kind == "hnsw" else (1, int(self.place["lists"]))

    @property
    def parts(self) -> list[FaissStore]:
        """None: the vectors are not here."""
        return []

    def empty(self) -> FaissStore:
        raise ArgumentError("an index in Milvus cannot be merged; build one of all the vectors")

    def prepare(self, vectors: Floats, name: str) -> Floats:
        """Return the vectors as the collection holds them: of length one for the cosine."""
        return normalize(vectors, name) if self.metric == "cosine" else vectors

    def add(self, vectors: Floats, columns: Columns | None = None) -> None:
        """Insert (M, D) vectors as the next rows, block by block.

        Raises:
            ArgumentError: a row of zeros under the cosine, or a text too long; nothing is added then.
            OutputError: the database refuses.
        """
        if self.metric == "cosine":
            check_directions(vectors)
        columns = Columns({}, len(vectors)) if columns is None else columns
        known = {name: field for name, field in self.place["fields"].items() if name in columns}
        values = values_of(columns, known)
        first = self.next_key()
        keys = first + np.arange(len(vectors))
        step = max(1, _INSERT_BYTES // (4 * self.dimensions + 64 * (1 + len(values))))
        with blaming_milvus(f"collection {self.collection}: cannot insert"):
            for start in range(0, len(vectors), step):
                block = self.prepare(np.ascontiguousarray(vectors[start : start + step]), "embeddings")
                self.client.insert(
                    self.collection,
                    [
                        {
                            KEY: int(keys[start + row]),
                            VECTOR: vector,
                            **{name: each[start + row] for name, each in values.items()},
                        }
                        for row, vector in enumerate(block)
                    ],
                )
            self.client.flush(self.collection)
        self.keys = np.concatenate([self.keys, keys])

    def next_key(self) -> int:
        """The key of the next row; each is given once."""
        return max(int(self.keys.max(initial=-1)) + 1, int(self.place.get("next", 0)))

    def remove(self, rows: Ints) -> None:
        """Remove the given rows, in the database when the change is kept; the rows behind them move up."""
        self.place["next"] = self.next_key()
        self._removed += self.keys[rows].tolist()
        self.keys = np.delete(self.keys, rows)

    def forget_columns(self, names: Sequence[str]) -> None:
        """Let the database's copies of these columns be: what is chosen by them is chosen here."""
        self.place["fields"] = {
            name: field for name, field in self.place["fields"].items() if name not in names
        }

    def keep(self) -> None:
        """Delete what was removed, now that the folder no longer names it."""
        with blaming_milvus(f"collection {self.collection}: cannot delete"):
            for start in range(0, len(self._removed), _MOST):
                self.client.delete(self.collection, ids=self._removed[start : start + _MOST])
        self._removed = []

    def drop_unkept(self) -> None:
        """Delete what a killed command inserted and did not keep."""
        with blaming_milvus(f"collection {self.collection}: cannot delete"):
            self.client.delete(self.collection, filter=f"{KEY} >= {self.next_key()}")

    def search(
        self,
        queries: Floats,
        k: int,
        excluded: Exclusion | None = None,
        chosen: Bools | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> tuple[Ints, Floats]:
        """Find the k nearest rows of each prepared query, (Q, k), -1 and ``-inf`` where there are fewer."""
        condition, count = "", len(self)
        if chosen is not None:
            count = int(chosen.sum())
            condition = self._condition(chosen, where)

        def ask(queries: Floats, ask: int, wide: bool) -> tuple[Ints, Floats]:
            return self._ask(queries, ask, wide, condition)

        return search_by_asking(ask, queries, k, count, excluded)

    def vectors(self, rows: Ints) -> Floats:
        """Return the (M, D) vectors of the given rows, as the collection holds them."""
        found = np.empty((len(rows), self.dimensions), np.float32)
        step = min(_MOST, max(1, _FOUND_BYTES // (4 * self.dimensions)))
        with blaming_milvus(f"collection {self.collection}: cannot be read"):
            for start in range(0, len(rows), step):
                keys = self.keys[rows[start : start + step]].tolist()
                hits = self.client.get(self.collection, ids=keys, output_fields=[KEY, VECTOR])
                held = {hit[KEY]: hit[VECTOR] for hit in hits}
                found[start : start + step] = [held[key] for key in keys]
        return found

    def _condition(self, chosen: Bools, where: Mapping[str, Any] | None) -> str:
        """What only the chosen rows fulfil."""
        if where is not None and set(where) <= set(self.place["fields"]):
            return expression(where, self.columns, self.place["fields"])
        keys = self.keys[chosen]
        if len(keys) > _MOST:
            raise ArgumentError(
                f"where must choose by columns that Milvus holds, {sorted(self.place['fields'])}, or at most {_MOST:,} "
                f"vectors, found {len(keys):,}; build the index again"
            )
        return f"{KEY} in {keys.tolist()}"

    def _ask(self, queries: Floats, ask: int, wide: bool, condition: str) -> tuple[Ints, Floats]:
        """Ask the database, and put what it finds in order by float64; a key that no row has counts as nothing."""
        depth = min(_MOST, ask + min(self.strays + len(self._removed), 1000))
        rows = np.full((len(queries), depth), -1, np.int64)
        near = np.full((len(queries), depth), -np.inf, np.float32)
        step = max(1, _FOUND_BYTES // (4 * depth * self.dimensions))
        for start in range(0, len(queries), step):
            part = queries[start : start + step]
            for at, hits in enumerate(self._hits(part, depth, wide, condition), start):
                keys = np.array([hit["entity"][KEY] for hit in hits], np.int64)
                if not len(keys):
                    continue
                place = np.searchsorted(self.keys, keys)
                known = self.keys[np.minimum(place, len(self.keys) - 1)] == keys
                vectors = np.array([hit["entity"][VECTOR] for hit in hits], np.float32)[known]
                if not len(vectors):
                    continue
                similar = exact_similarities(queries[at : at + 1], vectors[None], self.metric)[0]
                place = place[known]
                order = np.lexsort((place, -similar))
                rows[at, : len(order)], near[at, : len(order)] = place[order], similar[order]
        return rows[:, :ask], near[:, :ask]

    def _hits(self, queries: Floats, depth: int, wide: bool, condition: str) -> Iterator[Any]:
        least = {"ef": depth}.get(str(self.knob), 1)
        effort = self.efforts[1] if wide else max(self.effort, least)
        settings = {} if self.knob is None else {self.knob: max(effort, least)}
        with blaming_milvus(f"collection {self.collection}: cannot search"):
            found = self.client.search(
                self.collection,
                data=queries,
                anns_field=VECTOR,
                limit=depth,
                filter=condition,
                output_fields=[KEY, VECTOR],
                search_params={"params": settings},
            )
        yield from found
