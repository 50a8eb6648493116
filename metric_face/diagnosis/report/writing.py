"""report.json: every number of a diagnosis as plain values, the same that the page shows."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metric_face.diagnosis.report.commands import attribute_command, told_apart, try_command
from metric_face.diagnosis.report.map_sample import num_shown, sample_text
from metric_face.diagnosis.report.sentences import (
    abstention_text,
    answer_text,
    finding_text,
    table_title,
    words,
)
from metric_face.files import plain, write_text
from metric_face.progress import Say, silent

if TYPE_CHECKING:
    from metric_face.diagnosis.finding import Measure
    from metric_face.diagnosis.result import Diagnosis
    from metric_face.visualization import Projection

FORMAT, VERSION = "metric_face.report", 1
MOST_ROWS = 5000
"""Rows of one finding that are written out."""


def as_plain(diagnosis: "Diagnosis") -> dict[str, Any]:
    """The report as dictionaries, lists, strings and numbers; what is not finite becomes null.

    It is the same whatever the language of the page: ids, numbers, and sentences in English.
    """
    findings = []
    for finding in diagnosis.findings:
        findings.append(
            {
                "id": finding.id,
                "question": finding.question,
                **finding_text(finding),
                "try": try_command(finding, diagnosis.context),
                "measure": _measure(finding.measure),
                "values": finding.values,
                "tier": finding.tier.value,
                "confidence": finding.confidence.value,
                "explained_macro_f1": finding.explained,
                "evidence": finding.evidence,
                "controls": finding.controls,
                "rows": finding.rows[:MOST_ROWS],
                "num_rows": len(finding.rows),
                "picture": finding.picture,
            }
        )
    answers = {
        a.hypothesis: {
            **answer_text(a),
            "verdict_id": a.verdict.value,
            "reason_id": a.reason,
            "measure": _measure(a.measure),
            "values": a.values,
            "attribute": attribute_command(a, diagnosis.context),
            "told_apart": told_apart(a, diagnosis.context),
        }
        for a in diagnosis.answers
    }
    context = diagnosis.context
    report = {
        "format": FORMAT,
        "version": VERSION,
        "images": context.num_images,
        "identities": context.num_identities if context.identities_known else None,
        "evaluated_images": len(context.evaluated),
        "seed": context.seed,
        "map": {"images": num_shown(context), "sentence": sample_text(context) or None},
        "score": _measure(diagnosis.score),
        "predictions_are": diagnosis.predictions_are,
        "findings": findings,
        "hypotheses": answers,
        "abstentions": [
            {"question": a.question, "reason": a.reason, "sentence": abstention_text(a)}
            for a in diagnosis.abstentions
        ],
        "tables": {
            name: {"title": table_title(name), "columns": table.columns, "rows": table.rows}
            for name, table in diagnosis.tables.items()
        },
        "seconds": {name: round(value, 3) for name, value in diagnosis.seconds.items()},
    }
    return dict(plain(report))


def write_report(
    diagnosis: "Diagnosis",
    folder: str | Path,
    *,
    lang: str = "en",
    thumbnails: bool = True,
    title: str | None = None,
    projection: "Projection | None" = None,
    say: Say = silent,
) -> Path:
    """Write ``report.json`` and ``report.html``, the page that shows the same numbers.

    Args:
        diagnosis: of :func:`metric_face.diagnose`.
        folder: where; made if it is missing.
        lang: ``en`` or ``ko``.
        thumbnails: False leaves every image out of the page.
        title: of the page.
        projection: a map of the N images; laid out here where None.
        say: called with a line before each long step.

    Returns:
        The path of the page.

    Raises:
        ArgumentError: an unknown language.
    """
    from metric_face.diagnosis.report.page import write_page

    home = Path(folder)
    words(lang)  # refused before anything is written
    write_json(diagnosis, home / "report.json")
    return write_page(
        diagnosis,
        home / "report.html",
        lang=lang,
        thumbnails=thumbnails,
        title=title,
        projection=projection,
        say=say,
    )


def write_json(diagnosis: "Diagnosis", path: str | Path) -> Path:
    """Write ``report.json``, whole or not at all, and return its path."""
    return write_text(
        path, json.dumps(as_plain(diagnosis), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    )


def _measure(measure: "Measure | None") -> dict[str, Any] | None:
    return None if measure is None else dict(vars(measure))
