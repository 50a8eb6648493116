"""The page of an inspection: what was found, in plain words, in one file that needs no network."""

import os
from pathlib import Path

from metric_face.auditing.findings import InspectionReport
from metric_face.files import write_text
from metric_face.pages import render

_MOST_CLASSES = 60
_SHOWN = 50  # groups of rows that a finding carries at most


def write_page(report: InspectionReport, path: str | os.PathLike[str]) -> Path:
    """Write the report as one HTML file, atomically.

    Args:
        report: from `inspect_data`.
        path: where the page shall be.

    Returns:
        The path written.
    """
    certain, warnings = len(report.of("certain")), len(report.of("warning"))
    headings = (
        ("Certain to spoil a result", report.of("certain")),
        ("Worth a look", report.of("warning")),
        ("Good to know", report.of("note")),
    )
    return write_text(
        path,
        render(
            "inspection.html.j2",
            title="Before training: the data",
            lead=_lead(certain, warnings),
            groups=[(heading, findings) for heading, findings in headings if findings],
            report=report,
            most_classes=_MOST_CLASSES,
            shown=_SHOWN,
        ),
    )


def _lead(certain: int, warnings: int) -> str:
    if certain:
        things = "One thing is" if certain == 1 else f"{certain} things are"
        return f"{things} certain to spoil a result. Put that right before training; no model can make up for it."
    if warnings:
        things = "one thing" if warnings == 1 else f"{warnings} things"
        return f"Nothing is certain to spoil a result, and {things} should be looked at."
    return "Nothing was found that would spoil a result."
