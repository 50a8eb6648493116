"""Store: what keeps the vectors behind an index, whichever it is: a FAISS index, shards of them, or a database."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from metric_face.arrays import Bools, Floats, Ints
from metric_face.search.columns import Columns
from metric_face.search.exact import Exclusion
from metric_face.search.kinds import Kind
from metric_face.vectors import Metric

if TYPE_CHECKING:
    from metric_face.search.faiss_store import FaissStore


class Store(Protocol):
    """Vectors addressed by row, 0 to N - 1, whatever is added or removed.

    Attributes:
        effort: how much a search visits; 0 of an exact store, which has no such setting.
    """

    effort: int

    @property
    def kind(self) -> Kind:
        """``flat`` is exact, the others approximate."""
        ...

    @property
    def metric(self) -> Metric:
        """Cosine holds rows of length one."""
        ...

    def __len__(self) -> int: ...

    @property
    def dimensions(self) -> int:
        """D."""
        ...

    @property
    def knob(self) -> str | None:
        """The name of the search parameter that ``effort`` is: ``nprobe``, ``efSearch``, or None of an exact store."""
        ...

    @property
    def efforts(self) -> tuple[int, int]:
        """The least effort and that beyond which nothing is gained."""
        ...

    @property
    def is_mapped(self) -> bool:
        """Whether the vectors lie on disk and cannot change."""
        ...

    @property
    def parts(self) -> "list[FaissStore]":
        """The FAISS stores it consists of, in the order of rows; none of a database."""
        ...

    def empty(self) -> "FaissStore":
        """Return a FAISS store of the same kind and training that holds nothing."""
        ...

    def prepare(self, vectors: Floats, name: str) -> Floats:
        """Return (M, D) vectors as the store holds them: of length one for the cosine."""
        ...

    def add(self, vectors: Floats, columns: Columns | None = None) -> None:
        """Add (M, D) vectors, not yet prepared, as the next rows; on an error nothing is added.

        Args:
            vectors: (M, D).
            columns: of them, for a database that keeps both.
        """
        ...

    def forget_columns(self, names: Sequence[str]) -> None:
        """Take note that these columns changed, so that a database's copy of them is of no use."""
        ...

    def remove(self, rows: Ints) -> None:
        """Remove the given rows; the rows behind them move up."""
        ...

    def search(
        self,
        queries: Floats,
        k: int,
        excluded: Exclusion | None = None,
        chosen: Bools | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> tuple[Ints, Floats]:
        """Find the k nearest rows of each prepared query.

        Args:
            queries: (Q, D).
            k: neighbors of each.
            excluded: rows that a query may not find.
            chosen: (N,) rows that any query may find; None for all.
            where: the same choice by columns, for a database that keeps them.

        Returns:
            (Q, k) rows, nearest first, and similarities; -1 and ``-inf`` where there are fewer.
        """
        ...
