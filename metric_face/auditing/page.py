"""The page of an audit: what was found, in plain words, in one file that needs no network."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.auditing.findings import DataFinding, InspectionReport, Severity
from metric_face.auditing.sentences import batch_sentences
from metric_face.data import file_of
from metric_face.files import write_text
from metric_face.pages import ACROSS, Thumbnails, make_thumbnails, pack_ids, page_texts, render

_MOST_CLASSES = 60
_PICTURED = 8  # groups of a finding that are shown, and images of a group
_BYTES = 4_000_000  # of the page, for thumbnails
_SHOWN = 50  # groups of rows that a finding carries at most
_SEVERITIES: tuple[Severity, ...] = ("certain", "warning", "note")


def write_page(
    report: InspectionReport, path: str | os.PathLike[str], *, lang: str = "en", thumbnails: bool = True
) -> Path:
    """Write the report as one HTML file, atomically.

    Args:
        report: from `audit`.
        path: where the page shall be.
        lang: ``en`` or ``ko``.
        thumbnails: False leaves every image out.

    Returns:
        The path written.

    Raises:
        ArgumentError: there are no texts in this language.
    """
    texts = page_texts("audit", lang)
    drawn, tiles = _draw(report) if thumbnails else (None, {})
    block: dict[str, Any] = {"n": len(tiles)}
    if drawn is not None:
        order = pack_ids(drawn.order, len(tiles))
        block["thumbnails"] = {"side": drawn.side, "across": ACROSS, "order": order}
    groups = [
        (
            texts["headings"][severity],
            [_told(finding, report, tiles, texts["page"], lang) for finding in found],
        )
        for severity in _SEVERITIES
        if (found := report.of(severity))
    ]
    return write_text(
        path,
        render(
            "inspection.html.j2",
            title=texts["title"],
            lang=lang,
            block=block,
            sheets=() if drawn is None else drawn.sheets,
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


def _draw(report: InspectionReport) -> tuple[Thumbnails | None, dict[int, int]]:
    """Thumbnails of the first rows of each finding, and the number of each row's; a broken file has none."""
    rows = dict.fromkeys(
        row
        for finding in report.findings
        for group in finding.rows[:_PICTURED]
        for row in group[:_PICTURED]
        if row in report.files and file_of(report.files[row]).is_file()
    )
    if not rows:
        return None, {}
    files, first = [report.files[row] for row in rows], np.arange(len(rows), dtype=np.int64)
    drawn = make_thumbnails(files, np.zeros((len(files), 2), np.float32), budget=_BYTES, first=first)
    return drawn, {row: place for place, row in enumerate(rows) if place not in drawn.broken}


def _told(
    finding: DataFinding, report: InspectionReport, tiles: Mapping[int, int], texts: Any, lang: str
) -> dict[str, Any]:
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
        "pictured": [
            [(tiles[row], report.paths[row]) for row in group[:_PICTURED] if row in tiles]
            for group in finding.rows[:_PICTURED]
        ],
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
