"""Seen: the images of a run under a map, and the columns that color it, in a language."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from metric_face.arrays import Ints
from metric_face.data import LabelSpace, targets_of
from metric_face.embeddings import Embeddings
from metric_face.pages import Column
from metric_face.search import NeighborGraph
from metric_face.visualization.map_columns import label_columns
from metric_face.visualization.mixing import MAP_DEPTH
from metric_face.visualization.new_images import NewImages
from metric_face.visualization.ways import ways_to_look


@dataclass(frozen=True, eq=False)
class Seen:
    """What a map shows, before any language.

    Attributes:
        held: N embeddings.
        space: of their labels, or None.
        graph: their neighbors among each other.
        new: M images that were placed on their map, or None.
        made: the columns of the N by language, kept once they are made.
    """

    held: Embeddings
    space: LabelSpace | None
    graph: NeighborGraph
    new: NewImages | None = None
    made: dict[str, tuple[list[Column], dict[str, Column]]] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> list[str]:
        """The N + M paths as their tables have them."""
        return [str(path) for one in self._all for path in one.table.frame["path"]]

    @property
    def files(self) -> Sequence[Path]:
        """The N + M files."""
        return (
            self.held.table.paths if self.new is None else [p for one in self._all for p in one.table.paths]
        )

    def neighbors(self, width: int) -> Ints:
        """(N + M, width) neighbors among the N, -1 for none."""
        return self.graph.ids[:, :width] if self.new is None else self.new.ids(self.graph.ids, width)

    @property
    def _all(self) -> list[Embeddings]:
        return [self.held] if self.new is None else [self.held, self.new.held]

    def columns(self, lang: str) -> tuple[list[Column], dict[str, Column]]:
        """The labels of the N + M, and the ways to look by their keys."""
        labels, ways = self.own_columns(lang)
        return (labels, ways) if self.new is None else self.new.columns(labels, ways, self.space, lang)

    def own_columns(self, lang: str) -> tuple[list[Column], dict[str, Column]]:
        """The same of the N alone."""
        if lang not in self.made:
            self.made[lang] = self._own_columns(lang)
        return self.made[lang]

    def _own_columns(self, lang: str) -> tuple[list[Column], dict[str, Column]]:
        frame, space = self.held.table.frame, self.space
        predicted, near = None, self.graph.ids[:, :MAP_DEPTH]
        if space is not None and space.has_heads(self.held.logits):
            predicted = space.head_classes(self.held.logits)
        ways = ways_to_look(
            near,
            self.graph.similarities[:, :MAP_DEPTH],
            {name: codes for name, (codes, _) in targets_of(self.held.table, space).items()},
            predicted=predicted,
            split=frame["split"] if "split" in frame.columns else None,
            lang=lang,
        )
        return label_columns(self.held, space, near, lang), ways
