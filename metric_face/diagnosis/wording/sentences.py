"""What a diagnosis says, in the reader's language; every word stands in ``wording_en`` and ``wording_ko``."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from metric_face.diagnosis.finding import Abstention, Finding, HypothesisAnswer, Measure
from metric_face.diagnosis.wording import english as wording_en
from metric_face.diagnosis.wording import korean as wording_ko
from metric_face.errors import ArgumentError

LANGUAGES: dict[str, ModuleType] = {"en": wording_en, "ko": wording_ko}


def words(lang: str) -> Any:
    """The wording module of a language.

    Raises:
        ArgumentError: a language there is no wording of.
    """
    if lang not in LANGUAGES:
        raise ArgumentError(f"lang must be one of {', '.join(LANGUAGES)}, found {lang!r}")
    return LANGUAGES[lang]


def say(finding: Finding, lang: str = "en") -> dict[str, str]:
    """Title, number, sentence and next step of a finding."""
    templates: Mapping[str, str] = words(lang).FINDINGS[finding.id]
    return {part: _fill(text, finding.measure, finding.values) for part, text in templates.items()}


def say_answer(answer: HypothesisAnswer, lang: str = "en") -> dict[str, str]:
    """Question, verdict and reason of a hypothesis."""
    told = words(lang)
    reason: str = told.REASONS[f"{answer.hypothesis}.{answer.reason}"]
    return {
        "question": told.HYPOTHESES[answer.hypothesis],
        "verdict": told.VERDICTS[answer.verdict.value],
        "reason": _fill(reason, answer.measure, answer.values),
    }


def say_abstention(abstention: Abstention, lang: str = "en") -> str:
    """Why something was not judged."""
    return _fill(words(lang).ABSTENTIONS[abstention.reason], None, abstention.values)


def term(name: str, lang: str = "en") -> str:
    """A column or figure by its name in the reader's language; a name of the user's own stays as it is."""
    known: Mapping[str, str] = words(lang).TERMS
    return known.get(name, name)


def table_title(name: str, lang: str = "en") -> str:
    """The title of a table; what follows the second dot of its name is the user's."""
    told = words(lang)
    kind = ".".join(name.split(".")[:2])
    rest = name[len(kind) + 1 :] or told.PAGE["joint"]
    title: str = told.TABLES[kind]
    return title.format(name=rest)


def _fill(template: str, measure: Measure | None, values: Mapping[str, Any]) -> str:
    fields: dict[str, Any] = {} if measure is None else dict(vars(measure))
    fields |= values
    return template.format_map({k: v for k, v in fields.items() if v is not None})
