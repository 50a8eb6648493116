"""A matrix of classes on a page: a table whose cells open their images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

from metric_face.arrays import Doubles, Ints
from metric_face.errors import ArgumentError
from metric_face.pages import Column, pack_ids, page_words, tag
from metric_face.visualization.faithfulness import identity_codes, neighbor_confusion, neighbor_shares


@dataclass(frozen=True, eq=False)
class MatrixChart:
    """A matrix (C, C) whose cells know their points.

    Attributes:
        id: of its figure: letters, digits and hyphens.
        title: over it.
        names: C class names.
        values: (C, C); NaN cells stay empty.
        points: rows of the table behind a cell, by (row, column); a cell without any cannot be chosen.
        caption: under it.
        highest: the value with the deepest color; by default the largest one beside the diagonal.
    """

    id: str
    title: str
    names: Sequence[str]
    values: Doubles
    points: Mapping[tuple[int, int], Ints] = field(default_factory=dict)
    caption: str = ""
    highest: float | None = None

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.names),) * 2:
            raise ArgumentError(
                f"values: must have the shape ({len(self.names)}, {len(self.names)}) of its names; "
                f"found {self.values.shape}; give one row and one column for each class"
            )

    def block(self, n: int) -> dict[str, dict[str, str]]:
        """What the data block holds of it."""
        return {f"{row},{col}": pack_ids(ids, n) for (row, col), ids in self.points.items() if len(ids)}

    def html(self, lang: str = "en") -> Markup:
        """The figure; it is its own table."""
        words = page_words(lang)
        beside = self.values[~np.eye(len(self.names), dtype=bool)]
        deepest = self.highest or float(np.nanmax(beside, initial=0)) or 1.0
        heads = Markup("").join(tag("th", tag("span", name), scope="col", title=name) for name in self.names)
        rows = Markup("").join(
            tag(
                "tr",
                tag("th", name, scope="row", title=name) + self._cells(row, deepest, words["confusion_cell"]),
            )
            for row, name in enumerate(self.names)
        )
        table = tag("table", tag("thead", tag("tr", tag("td") + heads)) + tag("tbody", rows), class_="matrix")
        gallery = tag("div", tag("h3") + tag("div", class_="gallery"), class_="cell-thumbnails", hidden="")
        caption = tag("figcaption", self.caption) if self.caption else Markup("")
        inner = tag("h3", self.title) + tag("div", table, class_="scroll") + caption + gallery
        return tag("figure", inner, id=self.id)

    def _cells(self, row: int, deepest: float, label: str) -> Markup:
        cells = []
        for col, value in enumerate(self.values[row]):
            if not np.isfinite(value):
                cells.append(tag("td"))
                continue
            number = f"{value:.2f}"
            own = row == col
            shade = "cell" if own else f"h{round(min(float(value) / deepest, 1) * 10)}"
            points = self.points.get((row, col))
            if points is None or not len(points):
                cells.append(tag("td", tag("span", number, class_=f"cell {shade}")))
                continue
            title = label.format(row=self.names[row], col=self.names[col], value=number)
            button = tag(
                "button",
                number,
                type="button",
                class_=shade,
                title=title,
                data_cell=f"{row},{col}",
                aria_pressed="false",
                aria_label=title,
            )
            cells.append(tag("td", button))
        return Markup("").join(cells)


def confusion_chart(
    ids: ArrayLike,
    column: Column,
    *,
    id: str,
    identities: ArrayLike | None = None,
    per_cell: int = 60,
    lang: str = "en",
) -> MatrixChart:
    """Neighbor confusion of a column's classes; a cell holds the points of its row most surrounded by its column.

    Args:
        ids: (N, K) neighbors in the embedding space, -1 for none.
        column: the classes.
        id: of the figure.
        identities: (N,); neighbors of the same identity do not count, and a cell shows one image of each.
        per_cell: points of a cell, at most.
        lang: ``en`` or ``ko``.
    """
    words = page_words(lang)
    near = np.asarray(ids)
    near = np.where(near == np.arange(len(near))[:, None], -1, near)
    codes = identity_codes(identities, len(near))
    return MatrixChart(
        id,
        words["confusion_title"].format(name=column.name),
        column.classes or (),
        neighbor_confusion(near, column.values, column.num_classes),
        _cell_points(near, column, codes, per_cell),
        words["confusion_caption"],
    )


def _cell_points(ids: Ints, column: Column, codes: Ints, per_cell: int) -> dict[tuple[int, int], Ints]:
    found: list[Doubles] = []
    for block, shares in neighbor_shares(ids, column.values, column.num_classes):
        rows, cols = np.nonzero(np.nan_to_num(shares) > 0)
        found.append(np.stack([rows + block.start, cols, shares[rows, cols]], axis=1))
    rows, cols, share = np.concatenate(found).T if found else np.zeros((3, 0))
    rows, cols = rows.astype(np.int64), cols.astype(np.int64)
    known = column.values[rows] >= 0
    cells = column.values[rows] * column.num_classes + cols
    order = np.lexsort((rows, -share, cells))
    order = order[known[order]]
    points = {}
    for piece in np.split(order, np.flatnonzero(np.diff(cells[order])) + 1):
        if len(piece):
            first = np.sort(np.unique(codes[rows[piece]], return_index=True)[1])  # one image of each identity
            cell = divmod(int(cells[piece[0]]), column.num_classes)
            points[cell] = rows[piece[first[:per_cell]]]
    return points
