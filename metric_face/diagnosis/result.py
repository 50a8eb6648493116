"""Diagnosis: the result of every question, ranked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Finding, HypothesisAnswer, Measure, Table
from metric_face.notebook import lines_html
from metric_face.plurals import counted


@dataclass(frozen=True)
class Diagnosis:
    """What holds a training back.

    Attributes:
        findings: ranked; none where nothing was found.
        answers: of the hypotheses A (classes overlap) and B (losses pull apart); always both.
        tables: every number measured, finding or none, by name.
        abstentions: what no question could answer, and why.
        score: joint macro F1 of the evaluated images; None without a learnable attribute.
        predictions_are: whose predictions were scored, ``model`` or ``probe``.
        seconds: taken by each question.
        context: what was looked at.
    """

    findings: tuple[Finding, ...]
    answers: tuple[HypothesisAnswer, ...]
    tables: Mapping[str, Table]
    abstentions: tuple[Abstention, ...]
    score: Measure | None
    predictions_are: str
    seconds: Mapping[str, float]
    context: Context = field(repr=False)

    def __repr__(self) -> str:
        images = counted(len(self.context.embeddings), "images")
        return f"Diagnosis({counted(len(self.findings), 'findings')} on {images})"

    def _repr_html_(self) -> str:
        return lines_html(self.lines(), repr(self))

    def lines(self, lang: str = "en") -> list[str]:
        """The answer for a terminal: the top findings in ten lines."""
        from metric_face.diagnosis.report.summary import ten_lines

        return ten_lines(self, lang)

    def failures(self, lang: str = "en") -> list[str]:
        """What could not be looked at because something is damaged or failed, a line each."""
        from metric_face.diagnosis.report.sentences import abstention_text

        failed = [one for one in self.abstentions if one.reason == "failed"]
        return [f"{one.question}: {abstention_text(one, lang)}" for one in failed]

    def to_dict(self) -> dict[str, Any]:
        """The content of ``report.json``: plain values, the same in every language."""
        from metric_face.diagnosis.report.writing import as_plain

        return as_plain(self)
