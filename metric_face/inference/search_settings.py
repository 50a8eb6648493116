"""SearchSettings: how similar images are searched for, checked against the index before anything is embedded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metric_face.errors import ArgumentError
from metric_face.search import EmbeddingIndex, check_column, check_values, nearest_words, parse_filters

RERANKINGS = ("k-reciprocal",)
K = 10


@dataclass(frozen=True)
class SearchSettings:
    """How similar images are searched for.

    Attributes:
        k: images to find; None for all that ``within`` allows, else 10.
        where: column -> value or values, or texts such as ``gender=female``: only such images are found.
        within: least similarity.
        rerank: ``k-reciprocal`` (see :func:`metric_face.search.k_reciprocal`), or None.
        expand: search again with the mean of the query and its nearest images, so many of them; 0 does not.
        unique: column of which each value is found once, by its nearest image.
        identity: who is on the queries; images of this identity are not found.
        others: leave out images of a query row's own identity.
    """

    k: int | None = None
    where: Mapping[str, Any] | Sequence[str] = ()
    within: float | None = None
    rerank: str | None = None
    expand: int = 0
    unique: str | None = None
    identity: str | None = None
    others: bool = False

    @property
    def filters(self) -> dict[str, Any]:
        """``where`` of settings that were checked."""
        return dict(self.where) if isinstance(self.where, Mapping) else {}

    def checked(self, index: EmbeddingIndex) -> "SearchSettings":
        """The settings with ``where`` as a mapping, once all of them fit the index.

        Raises:
            ArgumentError: names the option, the rule and what there is.
        """
        if self.k is not None and self.k < 1:
            raise ArgumentError(f"k={self.k}: must be at least 1")
        if self.expand < 0:
            raise ArgumentError(f"expand={self.expand}: must be 0 or the number of images to average with")
        if self.rerank is not None and self.rerank not in RERANKINGS:
            raise ArgumentError(f"rerank={self.rerank!r} (--rerank): must be one of {', '.join(RERANKINGS)}")
        if self.within is not None and not -1 <= self.within <= 1:
            raise ArgumentError(f"within={self.within:g} (--within): is a least cosine similarity, in -1..1")
        if self.unique is not None:
            check_column(index, self.unique, "--unique")
        if (self.identity is not None or self.others) and "identity" not in index.columns:
            raise ArgumentError(
                "--identity and --others need an index with a column of identities, found none; use --where"
            )
        if self.identity is not None:
            known = {str(one) for one in index.columns["identity"].tolist()}
            if self.identity not in known:
                raise ArgumentError(
                    f"--identity {self.identity}: no image of the index is of it; near it are "
                    f"{nearest_words(self.identity, known)}"
                )
        where = self.where
        if isinstance(where, Mapping):
            check_values(index, where)
        else:
            where = parse_filters(index, [where] if isinstance(where, str) else where)
        k = self.k if self.k is not None or self.within is not None else K
        values = {**vars(self), "where": where, "k": k}
        return SearchSettings(**values)
