"""The page of a diagnosis: verdicts first, then the map and the charts, every number in a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from metric_face.diagnosis.finding import Table
from metric_face.diagnosis.report import cards, chapters
from metric_face.diagnosis.report.map_drawing import draw_map
from metric_face.diagnosis.report.map_sample import sample_text
from metric_face.diagnosis.report.sentences import abstention_text, table_title, term, words
from metric_face.diagnosis.report.summary import where_lost
from metric_face.files import write_text
from metric_face.pages import number, pack_ids, render
from metric_face.progress import Say, silent
from metric_face.visualization import Projection

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
    evidence = cards.Evidence()
    verdicts = [
        cards.card(f, place, evidence, context, lang) for place, f in enumerate(diagnosis.findings, 1)
    ]
    drawn = draw_map(
        diagnosis,
        np.concatenate([*evidence.rows.values(), np.empty(0, np.int64)]).astype(np.int64),
        projection=projection,
        thumbnails=thumbnails,
        lang=lang,
        say=say,
    )
    part, shown = drawn.part, drawn.shown
    galleries = {key: pack_ids(shown.places(rows), len(shown.rows)) for key, rows in evidence.rows.items()}
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
        answers=[cards.answer_card(a, context, lang) for a in diagnosis.answers],
        matrices=[matrix.html(lang) for matrix in drawn.matrices],
        sample=sample_text(context, lang),
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
