"""The page of a diagnosis: verdicts first, then the map and the charts, every number in a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.diagnosis.context import NEIGHBORS, Context
from metric_face.diagnosis.finding import Finding, Table
from metric_face.diagnosis.questions.information import MOST_CELLS
from metric_face.diagnosis.report import cards, chapters
from metric_face.diagnosis.report.sentences import abstention_text, finding_text, table_title, term, words
from metric_face.diagnosis.report.summary import where_lost
from metric_face.files import write_text
from metric_face.pages import Column, number, pack_ids, palette, render
from metric_face.progress import Say, silent
from metric_face.visualization import (
    MatrixChart,
    Projection,
    build_map,
    confusion_chart,
    joint_parts,
    project,
)

if TYPE_CHECKING:
    from metric_face.diagnosis.result import Diagnosis

MOST_ROWS = 400
"""Rows of a table shown on the page; report.json has all."""


@dataclass(frozen=True)
class Numbers:
    """A table as the page shows it."""

    name: str
    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    more: int


def write_page(
    diagnosis: "Diagnosis",
    path: str | Path,
    *,
    lang: str = "en",
    thumbnails: bool = True,
    title: str | None = None,
    projection: Projection | None = None,
    say: Say = silent,
) -> Path:
    """Write the page as one HTML file that opens by a double click and needs no network.

    Args:
        diagnosis: what was found.
        path: where.
        lang: ``en`` or ``ko``.
        thumbnails: False leaves every image out.
        title: of the page.
        projection: a map of the N images; laid out here, by UMAP and without labels, where None.
        say: called with a line before each long step.

    Returns:
        The path written.
    """
    context, wording = diagnosis.context, words(lang)
    shown = projection or project(
        context.graph,
        vectors=context.embeddings,
        seed=context.seed,
        n_neighbors=min(15, NEIGHBORS),
        say=say,
    )
    evidence = cards.Evidence()
    verdicts = [cards.card(f, place, evidence, lang) for place, f in enumerate(diagnosis.findings, 1)]
    matrices = _matrices(context, lang)
    part = build_map(
        shown,
        _columns(diagnosis, lang),
        images=_files(context),
        faithfulness=_faithfulness(context, shown),
        neighbors=context.graph.ids[:, :8],
        evidence=np.unique(np.concatenate([*evidence.rows.values(), np.empty(0, np.int64)]).astype(np.int64)),
        matrices=matrices,
        thumbnails=thumbnails,
        lang=lang,
    )
    galleries = {key: pack_ids(rows, context.num_images) for key, rows in evidence.rows.items()}
    name = title or wording.page["title"]
    html = render(
        "why.html.j2",
        title=name,
        block={**part.block, "evidence": galleries},
        sheets=part.sheets,
        lang=lang,
        map=part,
        wording=wording.page,
        lead=_lead(diagnosis, lang),
        lost=where_lost(diagnosis, lang),
        cards=verdicts,
        answers=[cards.answer_card(a, lang) for a in diagnosis.answers],
        matrices=[matrix.html(lang) for matrix in matrices],
        chapters=chapters.chapters(diagnosis, lang),
        numbers=[_numbers(table, lang) for table in diagnosis.tables.values() if table.rows],
        abstained=_abstained(diagnosis, lang),
        method=wording.page["method_notes"].format(
            seed=context.seed, seconds=sum(diagnosis.seconds.values())
        ),
    )
    return write_text(path, html)


def _abstained(diagnosis: "Diagnosis", lang: str) -> list[tuple[str, list[str]]]:
    """What each question left open."""
    left: dict[str, list[str]] = {}
    for abstention in diagnosis.abstentions:
        left.setdefault(abstention.question, []).append(abstention_text(abstention, lang))
    return [(words(lang).questions[question], reasons) for question, reasons in left.items()]


def _lead(diagnosis: "Diagnosis", lang: str) -> str:
    wording, score = words(lang), diagnosis.score
    if score is None:
        return ""
    held = "lead_score" if diagnosis.context.in_held_out is not None else "lead_all"
    template: str = wording.page["lead_point" if score.low is None else held]
    if not diagnosis.context.identities_known and score.low is not None:
        template = wording.summary["score_images"]
    return template.format(**vars(score), source=wording.summary[diagnosis.predictions_are])


def _files(context: Context) -> Sequence[str | Path] | None:
    return None if context.images is None or isinstance(context.images, np.ndarray) else list(context.images)


def _columns(diagnosis: "Diagnosis", lang: str) -> list[Column]:
    """Labels, raw values, whether the prediction is right, the part, and who is named by which finding."""
    context, wording = diagnosis.context, words(lang).page
    columns = _joint(context, wording["joint"])
    columns += [
        Column(a, context.labels[a], context.classes[a], ordered=a in context.cuts)
        for a in context.labels
        if len(context.classes[a]) <= max(200, context.num_images // 10)
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
    marked = [f for f in diagnosis.findings if len(f.rows)]
    if marked:
        columns.append(_named(context, marked, lang))
    return columns


def _joint(context: Context, name: str) -> list[Column]:
    """The joint class with its colors, as the map of ``visualize`` has it, where there are several attributes."""
    sizes = [len(context.classes[a]) for a in context.attributes]
    if len(sizes) < 2:
        return []
    count = int(np.prod(sizes))
    codes = np.stack(np.unravel_index(np.arange(count), sizes), axis=1)
    parts = joint_parts(
        codes.tolist(), sizes, [a in context.cuts for a in context.attributes], palette.MOST_CATEGORIES
    )
    if parts is None:
        return []
    names = tuple(context.joint_name(code) for code in range(count))
    return [Column(name, np.asarray(context.joint, dtype=np.int64), names, parts=parts)]


def _named(context: Context, findings: Sequence[Finding], lang: str) -> Column:
    codes = np.zeros(context.num_images, dtype=np.int64)
    for place, finding in reversed(list(enumerate(findings, 1))):
        codes[finding.rows] = place
    wording = words(lang).page
    names = ("–", *(finding_text(finding, lang)["title"] for finding in findings))
    return Column(wording["suspect"], codes, names, group=wording["verdicts"])


def _faithfulness(context: Context, projection: Projection) -> Mapping[str, Any]:
    from metric_face.visualization import measure_faithfulness

    identities = context.identities if context.identities_known else None
    return {
        a: measure_faithfulness(
            projection.coords, context.graph.ids, context.labels[a], context.embeddings, identities=identities
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


def _numbers(table: Table, lang: str) -> Numbers:
    skip = [at for at, name in enumerate(table.columns) if name in ("edges", "first_shares", "second_shares")]
    kept = [at for at in range(len(table.columns)) if at not in skip]
    rows = [[_cell(row[at], lang) for at in kept] for row in table.rows[:MOST_ROWS]]
    heads = [term(table.columns[at], lang) for at in kept]
    more = max(0, len(table.rows) - MOST_ROWS)
    return Numbers(table.name, table_title(table.name, lang), heads, rows, more)


def _cell(value: object, lang: str) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "✓" if value else "–"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return number(float(value))
    return term(str(value), lang)
