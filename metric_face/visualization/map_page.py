"""The map as one offline HTML page that a reader can move, search and question."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

from metric_face.arrays import Ints
from metric_face.errors import ArgumentError
from metric_face.files import write_text
from metric_face.pages import (
    ACROSS,
    Column,
    MapView,
    as_columns,
    choose_view,
    crossed,
    make_thumbnails,
    pack_ids,
    page_words,
    palette,
    render,
)
from metric_face.progress import Progress, silent
from metric_face.visualization.faithfulness import Faithfulness
from metric_face.visualization.map_block import (
    names_of,
    pack_centers,
    pack_column,
    pack_coords,
    pack_neighbors,
    pack_paths,
    themes,
)
from metric_face.visualization.map_measures import measures_of
from metric_face.visualization.map_words import ChartTable, banner, class_table, lead, remark, trust
from metric_face.visualization.matrices import MatrixChart
from metric_face.visualization.mixing import with_mixing
from metric_face.visualization.new_images import padded
from metric_face.visualization.projection import Projection

_BYTES_PER_BASE64 = 4 / 3
_MOST_NAMED = 1000  # classes whose names can stand on a map


@dataclass(frozen=True)
class MapPart:
    """A map ready to be shown by ``map_part.html.j2``, alone or within a longer page.

    Attributes:
        block: its share of the page's data block, see ``pages/data.js``.
        sheets: WebP images of thumbnails.
        trust: names and numbers that say how far it may be believed.
        banner: a warning, or None.
        remark: what the reader should know of the thumbnails, or "".
        tables: its numbers.
    """

    block: dict[str, Any]
    sheets: list[bytes]
    trust: list[tuple[str, str]]
    banner: str | None
    remark: str
    tables: list[ChartTable] = field(default_factory=list)

    @property
    def has_thumbnails(self) -> bool:
        return bool(self.sheets)


def build_map(
    projection: Projection,
    columns: "Mapping[str, ArrayLike | Column] | Sequence[Column]",
    *,
    images: Sequence[str | Path] | None = None,
    paths: Sequence[str] | None = None,
    faithfulness: Mapping[str, Faithfulness] | None = None,
    neighbors: ArrayLike | None = None,
    evidence: Sequence[int] | Ints = (),
    matrices: Sequence[MatrixChart] = (),
    color_by: str | None = None,
    thumbnails: bool = True,
    thumbnail_bytes: int = 7_400_000,
    lang: str = "en",
    progress: Progress = silent,
) -> MapPart:
    """Prepare a map for a page.

    Args:
        projection: of N points.
        columns: what is known of the points, by name or as Columns: floating arrays are values, others classes.
        images: N files to make thumbnails of; None for none.
        paths: N texts that name the points; by default ``images`` below their common folder, else row numbers.
        faithfulness: by the name of a column of classes, of the points that were laid out; adds purity, mismatch and
            distortion, a table of each, and the figures under the map.
        neighbors: (N, K) ids in the embedding space, -1 for none: shown when a point is chosen.
        evidence: rows that must have a thumbnail.
        matrices: charts of the same page whose cells name rows of this map.
        color_by: the name of the column that colors the map at first; by default labels are chosen.
        thumbnails: False leaves every image out.
        thumbnail_bytes: of the page, for thumbnails.
        lang: ``en`` or ``ko``.
        progress: called with (thumbnails made, thumbnails in all).

    Raises:
        ArgumentError: the shapes do not agree.
    """
    n, words = projection.n, page_words(lang)
    known = as_columns(columns, n)
    if not known:
        known = [Column(words["all_images"], np.zeros(n, dtype=np.int64), (words["all_images"],))]
    if neighbors is not None:
        known = [with_mixing(column, neighbors) for column in known]
    _check_rows(n, images=images, paths=paths, neighbors=neighbors)
    measured = dict(faithfulness or {})
    stray = measured.keys() - {column.name for column in known if column.is_class}
    if stray:
        raise ArgumentError(
            f"faithfulness: {sorted(stray)[0]!r} must be the name of a column of classes; "
            f"the columns are {', '.join(column.name for column in known)}"
        )
    view = MapView(None) if color_by else choose_view(known)
    laid_out = n - projection.new
    measures = [measure for name, one in measured.items() for measure in measures_of(name, one, lang)]
    shown = [*known, *(padded(measure, projection.new) for measure in measures)]
    flat = projection.coords.shape[1] == 2 and not projection.new  # of new images few labels are known
    panels = view.cols if flat else None
    if flat and view.rows is not None and view.cols is not None:
        panels = crossed(view.rows, view.cols)
        shown.append(panels)
    drawn, missing = None, ""
    if thumbnails and images is not None and n:
        must = [
            *evidence,
            *(row for matrix in matrices for ids in matrix.points.values() for row in ids[:12]),
        ]
        drawn = make_thumbnails(
            images,
            projection.coords[:, :2],
            budget=int(thumbnail_bytes / _BYTES_PER_BASE64),
            first=np.asarray(must, dtype=np.int64),
            progress=progress,
        )
        missing = remark(n, len(drawn.order), len(drawn.broken), words)
    packed = [pack_column(column, words["labels"]) for column in shown]
    for column, one in zip(shown, packed, strict=True):
        one["measured"] &= column.name != words["way_new"]  # who is new is known, and on every card
        if column.is_class and not column.group and n and 1 < column.num_classes <= _MOST_NAMED:
            one["centers"] = pack_centers(projection.coords, column)
    if panels is not None and panels not in known and view.cols is not None:
        packed[-1] |= {"derived": True, "across": view.cols.num_classes}
    block = {
        "n": n,
        "firstNew": laid_out,
        **pack_coords(projection.coords),
        "columns": packed,
        "color": _first(shown, color_by, view.hue),
        "panels": shown.index(panels) if panels is not None else -1,
        "focusColors": themes(palette.categories(palette.MOST_CATEGORIES)),
        "paths": pack_paths(names_of(n, images, paths)),
        "near": None,
        "thumbnails": None,
        "matrices": {matrix.id: matrix.block(n) for matrix in matrices},
    }
    if neighbors is not None:
        block |= pack_neighbors(neighbors, n)
    if drawn is not None:
        block["thumbnails"] = {"side": drawn.side, "across": ACROSS, "order": pack_ids(drawn.order, n)}
    return MapPart(
        block,
        drawn.sheets if drawn else [],
        trust(projection, measured, words),
        banner(measured, words),
        missing,
        [
            class_table(replace(column, values=column.values[:laid_out]), measured[column.name], words)
            for column in known
            if column.name in measured
        ],
    )


def write_map(
    path: str | os.PathLike[str],
    projection: Projection,
    columns: "Mapping[str, ArrayLike | Column] | Sequence[Column]",
    *,
    title: str = "Map",
    charts: Sequence[Markup] = (),
    matrices: Sequence[MatrixChart] = (),
    lang: str = "en",
    **settings: Any,
) -> Path:
    """Write the map as one HTML file that opens by a double click and needs no network.

    Args:
        path: where.
        projection: of N points.
        columns: what is known of the points.
        title: of the page.
        charts: figures of ``metric_face.pages.charts`` to follow the map.
        matrices: matrices to follow the map; their cells open their images.
        lang: ``en`` or ``ko``.
        settings: as of ``build_map``: ``images``, ``paths``, ``faithfulness``, ``neighbors``, ``evidence``,
            ``thumbnails``, ``thumbnail_bytes`` and ``progress``.

    Returns:
        The path written.

    Raises:
        ArgumentError: the shapes do not agree.
    """
    part = build_map(projection, columns, matrices=matrices, lang=lang, **settings)
    html = render(
        "map.html.j2",
        title=title,
        block=part.block,
        sheets=part.sheets,
        lang=lang,
        map=part,
        lead=lead(projection, page_words(lang)),
        charts=[*(matrix.html(lang) for matrix in matrices), *charts],
    )
    return write_text(path, html)


def _first(shown: Sequence[Column], color_by: str | None, hue: Column | None) -> int:
    """The place of the column that colors the map at first."""
    if color_by is not None:
        return [column.name for column in shown].index(color_by)
    return 0 if hue is None else shown.index(hue)


def _check_rows(n: int, **given: Any) -> None:
    for name, rows in given.items():
        if rows is not None and len(rows) != n:
            raise ArgumentError(
                f"{name}: must have one entry for each of the {n} points; found {len(rows)}; "
                "take it from the same table"
            )
