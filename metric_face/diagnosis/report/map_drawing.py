"""The map of a diagnosis and its matrices: all images, or the sample of them that a page can hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.arrays import Ints
from metric_face.diagnosis.context import NEIGHBORS, Context
from metric_face.diagnosis.finding import Finding
from metric_face.diagnosis.questions.information import MOST_CELLS
from metric_face.diagnosis.report.map_sample import Shown, shown_images
from metric_face.diagnosis.report.sentences import finding_text, term, words
from metric_face.pages import Column, joint_colors, palette
from metric_face.progress import Say, silent
from metric_face.search import NeighborGraph
from metric_face.visualization import (
    MAP_DEPTH,
    MapPart,
    MatrixChart,
    Projection,
    build_map,
    confusion_chart,
    project,
    ways_to_look,
    with_mixing,
)

if TYPE_CHECKING:
    from metric_face.diagnosis.result import Diagnosis


@dataclass(frozen=True)
class DrawnMap:
    """The map, ready to be shown.

    Attributes:
        part: of the page.
        shown: which images are its points.
        matrices: charts whose cells name points of the map.
    """

    part: MapPart
    shown: Shown
    matrices: Sequence[MatrixChart]


def draw_map(
    diagnosis: "Diagnosis",
    evidence: Ints,
    *,
    projection: Projection | None = None,
    thumbnails: bool = True,
    lang: str = "en",
    say: Say = silent,
) -> DrawnMap:
    """Lay out and draw the images of a diagnosis.

    Args:
        diagnosis: what was found.
        evidence: rows that the page shows elsewhere, and that must be points.
        projection: a map of the N images; laid out here, by UMAP and without labels, where None.
        thumbnails: False leaves every image out.
        lang: ``en`` or ``ko``.
        say: called with a line before each long step.
    """
    context = diagnosis.context
    matrices = _matrices(context, lang)
    behind = [ids for matrix in matrices for ids in matrix.points.values()]
    shown = shown_images(context, [evidence, *behind])
    rows = shown.rows
    graph = context.graph
    if shown.is_sample:
        exclude = context.identities[rows] if context.identities_known else None
        graph = NeighborGraph.build(context.embeddings[rows], NEIGHBORS, exclude=exclude)
    if projection is None:
        projection = project(
            graph,
            vectors=context.embeddings[rows],
            seed=context.seed,
            n_neighbors=min(15, NEIGHBORS),
            say=say,
        )
    else:
        projection = replace(projection, coords=projection.coords[rows])
    placed = [
        replace(matrix, points={cell: shown.places(ids) for cell, ids in matrix.points.items()})
        for matrix in matrices
    ]
    part = build_map(
        projection,
        [
            with_mixing(replace(column, values=column.values[rows]), graph.ids[:, :MAP_DEPTH])
            for column in _columns(diagnosis, lang)
        ],
        images=_files(context, rows),
        faithfulness=_faithfulness(context, rows, projection, graph),
        neighbors=graph.ids[:, :8],
        evidence=np.unique(shown.places(evidence)),
        matrices=placed,
        thumbnails=thumbnails,
        lang=lang,
    )
    return DrawnMap(part, shown, placed)


def _files(context: Context, rows: Ints) -> Sequence[str | Path] | None:
    images = context.images
    return (
        None if images is None or isinstance(images, np.ndarray) else [images[row] for row in rows.tolist()]
    )


def _columns(diagnosis: "Diagnosis", lang: str) -> list[Column]:
    """Labels, raw values, whether the prediction is right, the part, and who is named by which finding."""
    context, wording = diagnosis.context, words(lang).page
    columns = _joint(context, wording["joint"])
    columns += [
        Column(a, context.labels[a], context.classes[a], ordered=a in context.cuts)
        for a in context.labels
        if len(context.classes[a]) <= _most_classes(context)
    ]
    columns += [
        Column(f"{a} ({term('value', lang)})", values.astype(np.float32), group=wording["numbers"])
        for a, values in context.raw_values.items()
    ]
    for a in context.attributes:
        wrong = (context.predicted[a] != context.labels[a]).astype(np.int64)
        wrong[np.setdiff1d(np.arange(context.num_images), context.evaluated)] = -1
        columns.append(
            Column(
                f"{wording['prediction']}: {a}",
                wrong,
                (wording["yes"], wording["no"]),
                group=wording["errors"],
            )
        )
    if context.split is not None:
        columns.append(Column.of(wording["part"], context.split, group=wording["numbers"]))
    targets = dict(context.labels) | ({"joint": context.joint} if len(context.attributes) > 1 else {})
    columns += ways_to_look(context.graph.ids, context.graph.similarities, targets, lang=lang).values()
    marked = [f for f in diagnosis.findings if len(f.rows)]
    if marked:
        columns.append(_named(context, marked, lang))
    return columns


def _most_classes(context: Context) -> int:
    """Classes of a column: of more, hardly two images share one."""
    return max(200, context.num_images // 10)


def _joint(context: Context, name: str) -> list[Column]:
    """The joint class with its colors, as the map of ``visualize`` has it, where there are several attributes."""
    classes = [context.classes[a] for a in context.attributes]
    if len(classes) < 2:
        return []
    sizes = [len(names) for names in classes]
    count = int(np.prod(sizes))
    codes = np.stack(np.unravel_index(np.arange(count), sizes), axis=1)
    ordered = [a in context.cuts for a in context.attributes]
    joint = joint_colors(codes.tolist(), classes, ordered, palette.MOST_CATEGORIES)
    if joint is None and count > _most_classes(context):
        return []
    names = tuple(context.joint_name(code) for code in range(count))
    return [Column(name, np.asarray(context.joint, dtype=np.int64), names, joint=joint)]


def _named(context: Context, findings: Sequence[Finding], lang: str) -> Column:
    codes = np.zeros(context.num_images, dtype=np.int64)
    for place, finding in reversed(list(enumerate(findings, 1))):
        codes[finding.rows] = place
    wording = words(lang).page
    names = ("–", *(finding_text(finding, lang)["title"] for finding in findings))
    return Column(wording["suspect"], codes, names, group=wording["verdicts"])


def _faithfulness(
    context: Context, rows: Ints, projection: Projection, graph: NeighborGraph
) -> Mapping[str, Any]:
    from metric_face.visualization import measure_faithfulness

    identities = context.identities[rows] if context.identities_known else None
    vectors = context.embeddings[rows]
    return {
        a: measure_faithfulness(
            projection.coords, graph.ids, context.labels[a][rows], vectors, identities=identities
        )
        for a in context.attributes
    }


def _matrices(context: Context, lang: str) -> list[MatrixChart]:
    """Neighbor confusion of the evaluated images: the numbers of ``information.confusion``, with their images."""
    ids = np.full_like(context.graph.ids, -1)
    ids[context.evaluated] = context.graph.ids[context.evaluated]
    identities = context.identities if context.identities_known else None
    made = []
    if len(context.attributes) > 1:
        codes, joint = np.unique(context.joint, return_inverse=True)
        names = tuple(context.joint_name(int(code)) for code in codes)
        made.append(Column(words(lang).page["joint"], joint.astype(np.int64), names))
    made += [Column(a, context.labels[a], context.classes[a]) for a in context.attributes]
    charts = [
        confusion_chart(ids, column, id=f"matrix-{place}", identities=identities, lang=lang)
        for place, column in enumerate(made)
        if column.num_classes <= MOST_CELLS
    ]
    return [charts[0], *(replace(chart, caption="") for chart in charts[1:])] if charts else []
