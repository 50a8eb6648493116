"""The page of an audit: what was found, in plain words, in one file that needs no network."""

import os
from pathlib import Path
from typing import Any

from metric_face.auditing.findings import InspectionReport, Severity
from metric_face.auditing.sentences import batch_sentences
from metric_face.files import write_text
from metric_face.pages import page_texts, render

_MOST_CLASSES = 60
_SHOWN = 50  # groups of rows that a finding carries at most
_SEVERITIES: tuple[Severity, ...] = ("certain", "warning", "note")


def write_page(report: InspectionReport, path: str | os.PathLike[str], *, lang: str = "en") -> Path:
    """Write the report as one HTML file, atomically.

    Args:
        report: from `audit`.
        path: where the page shall be.
        lang: ``en`` or ``ko``.

    Returns:
        The path written.

    Raises:
        ArgumentError: there are no texts in this language.
    """
    texts = page_texts("audit", lang)
    groups = [
        (texts["headings"][severity], [_told(finding, report, texts["page"], lang) for finding in found])
        for severity in _SEVERITIES
        if (found := report.of(severity))
    ]
    return write_text(
        path,
        render(
            "inspection.html.j2",
            title=texts["title"],
            lang=lang,
            texts=texts["page"],
            lead=_lead(report, texts["lead"]),
            groups=groups,
            contents=_contents(report, texts["page"]),
            counts={name: grid for name, grid in report.counts.items() if len(grid) <= _MOST_CLASSES},
            named={
                "all": texts["page"]["all"],
                **{f"({key})": texts["page"][key] for key in ("missing", "none")},
            },
            batches=[] if report.sampler is None else batch_sentences(report.sampler, lang),
        ),
    )


def _told(finding: Any, report: InspectionReport, texts: Any, lang: str) -> dict[str, Any]:
    """A finding as the template shows it."""
    sentence, remedy = finding.say(lang)
    joint = " = " if finding.id.startswith(("exact", "near")) else ", "
    where = texts["where_more" if len(finding.rows) >= _SHOWN else "where"].format(count=len(finding.rows))
    return {
        "id": finding.id,
        "sentence": sentence,
        "remedy": remedy,
        "where": where,
        "joint": joint,
        "rows": [
            [(texts["row"].format(row=row), report.paths[row]) for row in group] for group in finding.rows
        ],
    }


def _contents(report: InspectionReport, texts: Any) -> str:
    """How many images, of how many identities, in which splits."""
    some = "images" if report.identities is None else "images_identities"
    images = texts[some].format(images=f"{report.images:,}", identities=f"{report.identities or 0:,}")
    splits = ", ".join(
        texts["split_count"].format(name=name, count=f"{count:,}") for name, count in report.splits.items()
    )
    text: str = texts["in_splits" if report.splits else "one_split"]
    return text.format(images=images, count=len(report.splits), splits=splits)


def _lead(report: InspectionReport, texts: Any) -> str:
    for severity in ("certain", "warning"):
        count = sum(finding.severity == severity for finding in report.findings)
        if count:
            return str(texts[f"{severity}_one" if count == 1 else severity].format(count=count))
    return str(texts["clean"])
