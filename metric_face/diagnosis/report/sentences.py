"""What a diagnosis says, in the reader's language; every text stands in ``pages/texts/LANGUAGE/why*.json``."""

from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Finding, HypothesisAnswer, Measure
from metric_face.diagnosis.report.commands import attribute_command, told_apart, try_command
from metric_face.pages import page_texts

PARTS = ("title", "number", "sentence", "next")
_TERMS = ("property", "cause", "effect", "winner")
"""Values that are terms of ours, not names of the user's."""


@cache
def words(lang: str) -> Any:
    """The texts of a diagnosis: ``page``, ``findings``, ``terms`` and so on, each by its keys.

    Raises:
        ArgumentError: there are no texts in this language.
    """
    parts = (page_texts(name, lang) for name in ("why", "why_findings", "why_numbers"))
    return SimpleNamespace(**{key: text for part in parts for key, text in part.items()})


def finding_text(finding: Finding, lang: str = "en") -> dict[str, str]:
    """Title, number, sentence and next step of a finding.

    Where the finding names a ``remedy``, the texts ``sentence_REMEDY`` and ``next_REMEDY`` go before the plain ones;
    where its ``unit`` is the image, because no identities are known, ``sentence_images`` goes before ``sentence``.
    """
    templates: Mapping[str, str] = words(lang).findings[finding.id]
    values = _named(finding.values, lang)
    endings = [f"_{values.get('remedy')}", ""]
    if "unit" in values:
        endings = [ending + f"_{values['unit']}" for ending in endings] + endings
    found = {part: next(e for e in endings if part + e in templates) for part in PARTS}
    return {part: _fill(templates[part + e], finding.measure, values) for part, e in found.items()}


def try_text(finding: Finding, context: Context, lang: str = "en") -> str:
    """What tries the next step of a finding, as a sentence; "" where nothing does."""
    command = try_command(finding, context)
    return "" if command is None else str(words(lang).page["try"]).format(command=command)


def regions_text(answer: HypothesisAnswer, context: Context, lang: str = "en") -> str:
    """Where the classes of an answer are told apart, or the command that shows it; "" without either."""
    wording, found, command = (
        words(lang).page,
        told_apart(answer, context),
        attribute_command(answer, context),
    )
    if found is not None:
        first, second = found["classes"]
        return str(wording["told_apart"]).format(**found, first=first, second=second)
    return "" if command is None else str(wording["attribute"]).format(command=command)


def answer_text(answer: HypothesisAnswer, lang: str = "en") -> dict[str, str]:
    """Question, verdict and reason of a hypothesis."""
    wording = words(lang)
    reason: str = wording.reasons[f"{answer.hypothesis}.{answer.reason}"]
    return {
        "question": wording.hypotheses[answer.hypothesis],
        "verdict": wording.verdicts[answer.verdict.value],
        "reason": _fill(reason, answer.measure, _named(answer.values, lang)),
    }


def abstention_text(abstention: Abstention, lang: str = "en") -> str:
    """Why a question was left open."""
    return _fill(words(lang).abstentions[abstention.reason], None, _named(abstention.values, lang))


def term(name: str, lang: str = "en") -> str:
    """A column or figure by its name in the reader's language; a name of the user's own stays as it is."""
    known: Mapping[str, str] = words(lang).terms
    return known.get(name, name)


def table_title(name: str, lang: str = "en") -> str:
    """The title of a table; what follows the second dot of its name is the user's."""
    wording = words(lang)
    kind = ".".join(name.split(".")[:2])
    rest = name[len(kind) + 1 :] or wording.page["joint"]
    title: str = wording.tables[kind]
    return title.format(name=rest)


def _named(values: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """The values of a sentence, with terms of ours in the reader's language."""
    return {key: term(str(v), lang) if key in _TERMS else v for key, v in values.items()}


def _fill(template: str, measure: Measure | None, values: Mapping[str, Any]) -> str:
    fields: dict[str, Any] = {} if measure is None else dict(vars(measure))
    fields |= values
    return template.format_map({k: v for k, v in fields.items() if v is not None})
