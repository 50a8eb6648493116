"""Seen: the images of a run under a map, and the columns that color it, in a language."""

from dataclasses import dataclass

from metric_face.data import LabelSpace, targets_of
from metric_face.embeddings import Embeddings
from metric_face.pages import Column
from metric_face.search import NeighborGraph
from metric_face.visualization.map_columns import label_columns
from metric_face.visualization.mixing import MAP_DEPTH
from metric_face.visualization.ways import ways_to_look


@dataclass(frozen=True, eq=False)
class Seen:
    """What a map shows, before any language.

    Attributes:
        held: N embeddings.
        space: of their labels, or None.
        graph: their neighbors among each other.
    """

    held: Embeddings
    space: LabelSpace | None
    graph: NeighborGraph

    def columns(self, lang: str) -> tuple[list[Column], dict[str, Column]]:
        """The labels, and the ways to look by their keys."""
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
