"""ImageHits: the indexed images that a search found for one query."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ImageHit:
    """An indexed image that was found.

    Attributes:
        row: of the index.
        path: as the index knows it.
        similarity: to the query, cosine; 1 is identical.
        columns: what the index knows of it: column -> value, None where missing.
        distance: after re-ranking, small where alike; None without.
        same_file: whether it is the query file itself.
    """

    row: int
    path: str
    similarity: float
    columns: dict[str, Any]
    distance: float | None = None
    same_file: bool = False

    @property
    def known(self) -> list[tuple[str, str]]:
        """What is known of it, column and value: identity, classes, and what else the table had but for the split."""
        return [
            (name, str(value))
            for name, value in self.columns.items()
            if name != "split" and value is not None
        ]


@dataclass(frozen=True)
class ImageHits:
    """What a search found for one query.

    Attributes:
        query: its path, ``row 3 (PATH)``, ``vector 0`` or ``image 0``.
        hits: nearest first, or in the order of re-ranking.
        indexed: the path of a query that is a row of the index; None of others.
    """

    query: str
    hits: tuple[ImageHit, ...]
    indexed: str | None = None

    def lines(self) -> list[str]:
        """What was found, for a terminal: a line for the query and one for each image."""
        if not self.hits:
            return [f"{self.query}: nothing found"]
        return [f"{self.query}:", *(_line(hit) for hit in self.hits)]

    def to_dict(self) -> dict[str, Any]:
        """What was found as plain data, for JSON."""
        return asdict(self)


def _line(hit: ImageHit) -> str:
    same = "  (the query file itself)" if hit.same_file else ""
    known = ", ".join(value for _, value in hit.known)
    return f"    {hit.similarity:+.3f}  {hit.path}  {known}{same}"
