"""New images on the map of a run: where they belong, what is known of them, and which are far from all of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from metric_face.arrays import Bools, Ints
from metric_face.data import LabelSpace
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError, ModelMismatchError
from metric_face.missing import missing_rows
from metric_face.pages import Column, page_words
from metric_face.run import Run
from metric_face.search import NeighborGraph
from metric_face.visible import shell_word
from metric_face.visualization.projection import Projection
from metric_face.visualization.ways import density_of

_RARE = 0.01
"""A new image is far where its nearest is less alike than that of this share of the map's own images."""


def open_new(new: Run | Embeddings | str | Path, onto: Run, fingerprint: str) -> Embeddings:
    """Read the embeddings that are to be placed on the map of a run.

    Args:
        new: embeddings, or the folder of some, or another run.
        onto: the run whose map it is.
        fingerprint: of the embeddings under that map.

    Raises:
        ArgumentError: they are the images of the map itself.
        FileFormatError: the folder holds no embeddings.
        ModelMismatchError: another model made them.
    """
    if isinstance(new, Embeddings):
        held, name = new, "the embeddings given"
    else:
        folder = new.folder if isinstance(new, Run) else Path(new)
        if folder.resolve() in (onto.folder.resolve(), (onto.folder / "embeddings").resolve()):
            raise ArgumentError(
                f"onto: the images of {onto.folder} are on its map already; embed others: "
                f"'metric-face embed {shell_word(onto.folder)} IMAGES --out NEW', then "
                f"'metric-face visualize NEW --onto {shell_word(onto.folder)}'"
            )
        is_run = (folder / "config.yaml").is_file()
        held, name = Run.open(folder).embeddings() if is_run else Embeddings.load(folder), str(folder)
    if held.fingerprint != fingerprint:
        raise ModelMismatchError(
            f"{name}: made by model {held.fingerprint or 'unknown'}, the map of {onto.folder} by {fingerprint}; "
            f"vectors of two models share no map; run 'metric-face embed {shell_word(onto.folder)} IMAGES --out NEW'"
        )
    return held


@dataclass(frozen=True, eq=False)
class NewImages:
    """M new images beside the N of a map.

    Attributes:
        held: their M embeddings.
        projection: the map with them on it: N + M points.
        near: their nearest among the N.
        far: (M,) whose nearest is less alike than the nearest of 99 % of the map's own images.
    """

    held: Embeddings
    projection: Projection
    near: NeighborGraph
    far: Bools

    @classmethod
    def place(cls, held: Embeddings, projection: Projection, graph: NeighborGraph) -> "NewImages":
        """Place them: the map stays as it is.

        Args:
            held: M embeddings of the model that made the map.
            projection: the map, with its vectors.
            graph: the neighbors of its N points among each other, nearest first.
        """
        assert projection.vectors is not None
        near = NeighborGraph.between(held.vectors, projection.vectors, graph.k)
        own = graph.similarities[graph.ids[:, 0] >= 0, 0]
        least = float(np.quantile(own, _RARE)) if len(own) else -np.inf
        return cls(held, projection.with_new(held.vectors), near, near.similarities[:, 0] < least)

    def to_dict(self) -> dict[str, int]:
        """How many, and how many are far, as plain data for JSON."""
        return {"images": len(self.held), "far": int(self.far.sum())}

    def ids(self, own: Ints, width: int) -> Ints:
        """(N + M, width) neighbors, all of them among the N, for the page."""
        return np.concatenate([own[:, :width], self.near.ids[:, :width]])

    def columns(
        self, columns: list[Column], ways: Mapping[str, Column], space: LabelSpace | None, lang: str
    ) -> tuple[list[Column], dict[str, Column]]:
        """What is known of all N + M: labels where the new images have them, their density, and who is new."""
        words, count = page_words(lang), len(self.held)
        known = self._class_names(space, words["joint"], words["identity"])
        labels = [_with_classes(column, known.get(column.name), count) for column in columns]
        more = {key: padded(way, count) for key, way in ways.items()}
        density = density_of(self.near.ids, self.near.similarities)
        old = ways["density"]
        more["density"] = replace(old, values=np.concatenate([old.values, density]))
        codes = np.concatenate([np.zeros(len(old.values), np.int64), 1 + self.far.astype(np.int64)])
        names = (words["new_no"], words["new_yes"], words["new_far"])
        new = Column(words["way_new"], codes, names, note=words["new_note"], group=words["ways"])
        return labels, {"new": new, **more}

    def _class_names(
        self, space: LabelSpace | None, joint: str, identity: str
    ) -> dict[str, list[str | None]]:
        """The class of each new image by the name of the column; None where it has no label."""
        table, found = self.held.table, dict[str, list[str | None]]()
        if table.identities is not None:
            found[identity] = [str(name) for name in table.identities]
        names = [] if space is None else [name for name in space.names if name in table.frame.columns]
        labeled = {name: ~missing_rows(table.frame[name].to_numpy(dtype=object)) for name in names}
        asked = {name: labeled[name] for name in names}
        if space is not None and len(names) == len(space.names) > 1:
            asked["joint"] = np.logical_and.reduce(list(labeled.values()))
        for name, rows in asked.items():
            assert space is not None
            values = {one: table.frame[one].to_numpy(dtype=object)[rows] for one in names}
            texts = iter(space.class_names(values, name))
            found[joint if name == "joint" else name] = [next(texts) if there else None for there in rows]
        return found


def padded(column: Column, count: int) -> Column:
    """The column with ``count`` further points of which it knows nothing."""
    nothing = -1 if column.is_class else np.nan
    values = np.concatenate([column.values, np.full(count, nothing, dtype=column.values.dtype)])
    return replace(column, values=values)


def _with_classes(column: Column, names: list[str | None] | None, count: int) -> Column:
    if names is None or not column.is_class:
        return padded(column, count)
    place = {name: code for code, name in enumerate(column.classes or ())}
    codes = np.array([-1 if name is None else place.get(name, -1) for name in names], dtype=np.int64)
    return replace(column, values=np.concatenate([column.values, codes]))
