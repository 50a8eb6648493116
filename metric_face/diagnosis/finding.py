"""What a question returns: findings with their evidence, tables, a straight answer, and what it left open.

No words live here: a finding carries an id and the values of its sentence, and
:mod:`metric_face.diagnosis.report.sentences` puts it in the reader's language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from metric_face.arrays import Ints

NO_ROWS: Ints = np.empty(0, dtype=np.int64)


class Tier(StrEnum):
    """What a finding does to the numbers beside it; findings are ranked by tier first.

    A *spoiler* is counted, not estimated, and while it stands the other numbers are about the wrong thing (a
    leaked split, an epoch that never showed half the images). A *cause* lowers macro F1 by an estimated amount.
    A *limit* is no fault of the run: what this validation set cannot show.
    """

    SPOILER = "spoiler"
    CAUSE = "cause"
    LIMIT = "limit"


class Confidence(StrEnum):
    """How sure a finding is: counted, measured beyond its null, or a suspicion with a test named beside it."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Verdict(StrEnum):
    """The straight answer to a hypothesis."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not_supported"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True)
class Measure:
    """A number with what it takes to believe it.

    Attributes:
        value: the number.
        low: lower end of its 95 % interval over identities; None where it was counted, not estimated.
        high: upper end.
        null: what the number is where nothing is wrong; None where that is zero by definition.
        identities: how many identities it rests on.
        images: how many images it rests on.
    """

    value: float
    low: float | None = None
    high: float | None = None
    null: float | None = None
    identities: int | None = None
    images: int | None = None


@dataclass(frozen=True)
class Finding:
    """One thing that holds the result back, or makes it untrue.

    Attributes:
        id: ``question.what``, the key of its wording.
        measure: the number the finding rests on.
        values: what the sentence needs beside the measure.
        tier: spoiler, cause or limit.
        confidence: certain, likely or possible.
        explained: macro F1 that would change hands if this were mended; None where that cannot be estimated.
        evidence: rows to look at, the strongest first, at most one of each identity.
        controls: random rows of the same kind without the fault, to look at beside the evidence.
        rows: every row concerned.
        picture: the small drawing of its card: ``kind`` and arrays.
    """

    id: str
    measure: Measure
    values: Mapping[str, Any] = field(default_factory=dict)
    tier: Tier = Tier.CAUSE
    confidence: Confidence = Confidence.LIKELY
    explained: float | None = None
    evidence: Ints = field(default_factory=lambda: NO_ROWS)
    controls: Ints = field(default_factory=lambda: NO_ROWS)
    rows: Ints = field(default_factory=lambda: NO_ROWS)
    picture: Mapping[str, Any] = field(default_factory=dict)

    @property
    def question(self) -> str:
        """The question that found it."""
        return self.id.partition(".")[0]


@dataclass(frozen=True)
class HypothesisAnswer:
    """A hypothesis, answered.

    Attributes:
        hypothesis: ``A`` (the classes share more than they differ in) or ``B`` (the losses pull apart).
        verdict: supported, not supported, cannot tell.
        reason: key of the sentence that gives the reason.
        measure: the number the answer rests on, where there is one.
        values: what the sentence needs.
    """

    hypothesis: str
    verdict: Verdict
    reason: str
    measure: Measure | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Abstention:
    """Something a question left open, and why.

    Attributes:
        question: which one.
        reason: key of the sentence.
        values: what the sentence needs.
    """

    question: str
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """Numbers that are always reported, finding or none; every chart of the page draws one.

    Attributes:
        name: unique within a diagnosis, such as ``overlap.pairs``; the key of its title.
        columns: names of the columns.
        rows: the cells, plain Python values.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def column(self, name: str) -> list[Any]:
        """The cells of one column."""
        at = self.columns.index(name)
        return [row[at] for row in self.rows]


@dataclass(frozen=True)
class Outcome:
    """Everything one question returns."""

    findings: tuple[Finding, ...] = ()
    tables: tuple[Table, ...] = ()
    abstentions: tuple[Abstention, ...] = ()
    answer: HypothesisAnswer | None = None
