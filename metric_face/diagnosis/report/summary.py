"""The answer for a terminal: ten lines, the first to act on first."""

from typing import TYPE_CHECKING

from metric_face.diagnosis.report.sentences import answer_text, finding_text, regions_text, try_text, words

if TYPE_CHECKING:
    from metric_face.diagnosis.result import Diagnosis

LINES = 10
TOP = 3
WORST = 3
LEAST_SHOWN = 0.0005
"""Macro F1 that three decimals do not call zero."""


def ten_lines(diagnosis: "Diagnosis", lang: str = "en") -> list[str]:
    """Score, where it is lost, the top three findings with what to do, and both hypotheses.

    Args:
        diagnosis: what was found.
        lang: ``en`` or ``ko``.

    Returns:
        At most ten lines, unwrapped.
    """
    wording = words(lang)
    lines = [*_score(diagnosis, lang), *where_lost(diagnosis, lang)]
    named = False  # the command, once
    for place, finding in enumerate(diagnosis.findings[:TOP], 1):
        texts = finding_text(finding, lang)
        worth = finding.explained is not None and finding.explained >= LEAST_SHOWN
        gain = wording.summary["gain"].format(explained=finding.explained) if worth else ""
        confidence = wording.confidence[finding.confidence.value]
        lines.append(wording.summary["finding"].format(rank=place, confidence=confidence, gain=gain, **texts))
        tried = "" if named else try_text(finding, diagnosis.context, lang)
        named = named or bool(tried)
        lines.append(f"{wording.summary['next'].format(**texts)} {tried}".rstrip())
    if not diagnosis.findings:
        lines.append(_none(diagnosis, lang))
    for answer in diagnosis.answers:
        line = wording.summary["answer"].format(hypothesis=answer.hypothesis, **answer_text(answer, lang))
        lines.append(f"{line} {regions_text(answer, diagnosis.context, lang)}".rstrip())
    more = len(diagnosis.findings) - TOP
    if more > 0 and len(lines) < LINES:
        lines.append(wording.summary["more"].format(count=more))
    return lines[:LINES]


def _score(diagnosis: "Diagnosis", lang: str) -> list[str]:
    wording, score = words(lang).summary, diagnosis.score
    if score is None:
        return []
    source = wording[diagnosis.predictions_are]
    identities = "score" if diagnosis.context.identities_known else "score_images"
    template = wording[identities if score.low is not None else "score_point"]
    return [template.format(**vars(score), source=source)]


def _none(diagnosis: "Diagnosis", lang: str) -> str:
    wording = words(lang).summary
    table = diagnosis.tables.get("resolution.differences")
    if table is None:
        return str(wording["none"])
    return str(wording["none_resolution"].format(difference=table.column("difference")[0]))


def where_lost(diagnosis: "Diagnosis", lang: str) -> list[str]:
    """One line that says where the score is lost: by attribute, and in which classes."""
    parts = [*_budget(diagnosis, lang), *_worst(diagnosis, lang)]
    return [" ".join(parts)] if parts else []


def _budget(diagnosis: "Diagnosis", lang: str) -> list[str]:
    table = diagnosis.tables.get("budget.attributes")
    if table is None or len(table.rows) < 2:
        return []
    worst = dict(zip(table.columns, table.rows[0], strict=True))
    return [
        words(lang)
        .summary["budget"]
        .format(share=worst["only_this_wrong"], attribute=worst["attribute"], perfect=worst["f1_if_perfect"])
    ]


def _worst(diagnosis: "Diagnosis", lang: str) -> list[str]:
    """The classes of lowest F1, each with the identities it rests on; nothing where there are two or they are right."""
    table, wording = diagnosis.tables.get("budget.classes"), words(lang).summary
    if table is None or len(table.rows) <= 2:
        return []
    worst = [dict(zip(table.columns, row, strict=True)) for row in table.rows[:WORST]]
    text = wording["worst_class" if diagnosis.context.identities_known else "worst_class_images"]
    names = [text.format(name=w["class"], **w) for w in worst if w["f1"] < 1]
    return [wording["worst"].format(names="; ".join(names))] if names else []
