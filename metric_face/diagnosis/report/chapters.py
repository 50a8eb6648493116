"""The chapters below the map: each draws tables that the report holds, and computes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from metric_face.diagnosis.finding import Table
from metric_face.diagnosis.report.sentences import table_title, term, words
from metric_face.pages import Series, arrows_chart, bar_chart, histogram_chart, line_chart

if TYPE_CHECKING:
    from metric_face.diagnosis.result import Diagnosis

MOST_HISTOGRAMS = 6


@dataclass(frozen=True)
class Chapter:
    """A heading, a line below it, and charts."""

    id: str
    title: str
    lead: str
    charts: Sequence[Markup]


def chapters(diagnosis: "Diagnosis", lang: str) -> list[Chapter]:
    """The chapters that have something to draw, in reading order."""
    wording = words(lang).page
    made: list[tuple[str, Callable[[Diagnosis, str], list[Markup]]]] = [
        ("overlaps", _overlaps),
        ("boundary", _boundary),
        ("errors", _errors),
        ("information", _information),
        ("training", _training),
        ("shift", _shift),
    ]
    found = [(name, draw(diagnosis, lang)) for name, draw in made]
    return [
        Chapter(name, wording[name], wording.get(f"{name}_lead", ""), charts)
        for name, charts in found
        if charts
    ]


def _overlaps(diagnosis: "Diagnosis", lang: str) -> list[Markup]:
    wording = words(lang).page
    pairs, drawn = diagnosis.tables.get("overlap.pairs"), diagnosis.tables.get("overlap.histograms")
    if pairs is None or drawn is None:
        return []
    values = {(row[0], row[1], row[2]): row[3] for row in pairs.rows}
    charts = []
    for attribute, first, second, edges, one, two in drawn.rows[:MOST_HISTOGRAMS]:
        title = wording["overlap_title"].format(
            first=first, second=second, overlap=values[attribute, first, second]
        )
        chart = histogram_chart(
            edges, one, two, (first, second), title=title, x_name=wording["score"], lang=lang
        )
        charts.append(chart)
    return charts


def _boundary(diagnosis: "Diagnosis", lang: str) -> list[Markup]:
    wording, charts = words(lang).page, []
    for name, table in diagnosis.tables.items():
        if name.startswith("boundary.curve.") and len(table.rows) > 1:
            attribute = name.removeprefix("boundary.curve.")
            near = diagnosis.tables.get(f"boundary.near.{attribute}")
            line = Series(wording["error"], table.column("error"), table.column("low"), table.column("high"))
            charts.append(
                line_chart(
                    table.column("value"),
                    [line],
                    title=table_title(name, lang),
                    x_name=attribute,
                    y_name=wording["error"],
                    cuts=[] if near is None else near.column("cut"),
                    y_range=(0.0, 1.0),
                    lang=lang,
                )
            )
        if name.startswith("boundary.sweep."):
            charts += _sweeps(name, table, lang)
    return charts


def _sweeps(name: str, table: Table, lang: str) -> list[Markup]:
    charts = []
    for cut in dict.fromkeys(table.column("cut")):
        rows = [row for row in table.rows if row[0] == cut]
        scores = [row[2] for row in rows]
        if len(rows) > 1:
            charts.append(
                line_chart(
                    [row[1] for row in rows],
                    [Series(words(lang).page["macro_f1"], scores)],
                    title=table_title(name, lang),
                    x_name=term("moved_to", lang),
                    y_name=words(lang).page["macro_f1"],
                    cuts=[cut],
                    y_range=(min(scores) - 0.02, max(scores) + 0.02),
                    lang=lang,
                )
            )
    return charts


def _errors(diagnosis: "Diagnosis", lang: str) -> list[Markup]:
    table = diagnosis.tables.get("budget.attributes")
    if table is None or len(table.rows) < 2:
        return []
    charts = []
    for column in ("only_this_wrong", "f1_if_perfect"):
        title = f"{table_title('budget.attributes', lang)}: {term(column, lang)}"
        charts.append(bar_chart(table.column("attribute"), table.column(column), title=title, lang=lang))
    return charts


def _information(diagnosis: "Diagnosis", lang: str) -> list[Markup]:
    charts, rungs = [], words(lang).rungs
    table = diagnosis.tables.get("information.ladder")
    for row in () if table is None else table.rows:
        title = f"{table_title('information.ladder', lang)}: {term(row[0], lang)}"
        names = [rungs[column] for column in table.columns[1:]]  # type: ignore[union-attr]
        charts.append(bar_chart(names, row[1:], title=title, quiet=[0], lang=lang))
    shares = diagnosis.tables.get("information.variance")
    parts = ("between_classes", "between_identities", "within_identities")
    for line in () if shares is None else shares.rows:
        title = f"{table_title('information.variance', lang)}: {line[0]}"
        charts.append(bar_chart([term(part, lang) for part in parts], line[1:4], title=title, lang=lang))
    return charts


def _training(diagnosis: "Diagnosis", lang: str) -> list[Markup]:
    wording, charts = words(lang).page, []
    table = diagnosis.tables.get("conflict.over_time")
    if table is not None and table.rows:
        cell: dict[str, list[Any]] = {name: table.column(name) for name in table.columns}
        at = cell.get("epoch") or cell.get("step") or list(range(len(table.rows)))
        last = table.rows[-1][table.columns.index("kappa")]
        if len(table.rows) > 1:
            ribbon = Series("kappa", cell["kappa"], cell.get("kappa_low"), cell.get("kappa_high"))
            title, caption = table_title("conflict.over_time", lang), wording["no_opposition"]
            charts.append(
                line_chart(
                    at,
                    [ribbon],
                    title=title,
                    caption=caption,
                    x_name=wording["epoch" if "epoch" in cell else "step"],
                    y_name=wording["kappa"],
                    cuts=[],
                    noise=0.02,
                    y_range=(-1.0, 1.0),
                    lang=lang,
                )
            )
        names = (wording["metric_loss"], wording["heads_loss"])
        title = table_title("conflict.over_time", lang)
        charts.append(arrows_chart(last, (1.0, 1.0), names, title=title, lang=lang))
    charts += _log_lines(diagnosis, lang)
    return charts


def _log_lines(diagnosis: "Diagnosis", lang: str) -> list[Markup]:
    """Each part of the loss and the learning rate over training."""
    from metric_face.diagnosis.measures.training_log import loss_terms, series

    wording, charts = words(lang).page, []
    log = diagnosis.context.log
    lines = {
        f"{table_title('floors.terms', lang)}: {name}": values for name, values in loss_terms(log).items()
    }
    for name in ("learning_rate", "macro_f1"):
        values = series(log, name)
        if values is not None:
            lines[term(name, lang)] = values
    for title, values in lines.items():
        if len(values) < 2:
            continue
        at = np.unique(np.linspace(0, len(values) - 1, min(200, len(values))).round().astype(int))
        charts.append(
            line_chart(
                at / max(len(values) - 1, 1),
                [Series(title, values[at])],
                title=title,
                x_name=wording["training"],
                y_name="",
                lang=lang,
            )
        )
    return charts


def _shift(diagnosis: "Diagnosis", lang: str) -> list[Markup]:
    table = diagnosis.tables.get("shift.shares")
    if table is None:
        return []
    charts = []
    for attribute in dict.fromkeys(table.column("attribute")):
        names: list[str] = []
        values: list[float] = []
        quiet: list[int] = []
        for row in table.rows:
            cell = dict(zip(table.columns, row, strict=True))
            if cell["attribute"] == attribute:
                quiet.append(len(names))
                names += [f"{cell['class']} · {term(part, lang)}" for part in ("training", "em", "bbse")]
                values += [cell["training"], cell["em"], cell["bbse"]]
        title = f"{table_title('shift.shares', lang)}: {attribute}"
        charts.append(bar_chart(names, values, title=title, quiet=quiet, lang=lang))
    return charts
