"""What an audit found: findings as keys and numbers, which the texts of ``pages`` say in the reader's language."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from metric_face.auditing.sentences import remedy_of, sentence_of
from metric_face.notebook import lines_html, table_html
from metric_face.plurals import counted

Severity = Literal["certain", "warning", "note"]


@dataclass(frozen=True)
class DataFinding:
    """One thing to know about the data before training on it.

    Attributes:
        id: a fixed word for programs, such as ``identity-across-splits``.
        severity: ``certain`` to spoil a result, a ``warning`` to look into, or a ``note``.
        text: the key of its sentence in the texts of the page.
        values: the numbers and names in its sentence.
        rows: the rows of the table concerned, in groups that belong together (two copies of one photograph).
        also: keys of further sentences.
    """

    id: str
    severity: Severity
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[tuple[int, ...], ...] = ()
    also: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What was found, with its numbers, in plain English."""
        return self.say("en")[0]

    @property
    def remedy(self) -> str:
        """What to do about it, in plain English; empty where there is nothing to do."""
        return self.say("en")[1]

    def say(self, lang: str) -> tuple[str, str]:
        """The sentence and the remedy in a language."""
        keys = (self.text, *self.also)
        return sentence_of(keys, self.values, lang), remedy_of(self.id, self.values, lang)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as for JSON; the sentences are the English ones, whatever the language of a page."""
        return {
            "id": self.id,
            "severity": self.severity,
            "sentence": self.sentence,
            "remedy": self.remedy,
            "values": dict(self.values),
            "rows": self.rows,
        }


@dataclass(frozen=True)
class InspectionReport:
    """Everything that an audit can say of data, split and sampler without a model.

    Attributes:
        images: how many; identities: how many, None where the table names none.
        splits: images of each split, by name; empty where the table is not split.
        counts: by attribute, the images of each class in each split (``all`` where there is no split).
        findings: the most severe first.
        smallest_difference: the fields of `assumed_resolution`; None without classes or with fewer than two identities.
        sampler: the report of the sampler's audit as plain data; None without one.
        paths: of the rows that findings name, by row.
        files: of the same rows, for the pictures of the page; they stand in no JSON.
        refusal: the message with which a training would refuse this; empty where it would begin.
        notes: what was read, left out and made of the data, one line each.
    """

    images: int
    identities: int | None
    splits: dict[str, int]
    counts: dict[str, dict[str, dict[str, int]]]
    findings: list[DataFinding]
    smallest_difference: dict[str, float] | None = None
    sampler: dict[str, Any] | None = None
    paths: dict[int, str] = field(default_factory=dict)
    files: dict[int, Path] = field(default_factory=dict, repr=False, compare=False)
    refusal: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        refused = "; a training would refuse" if self.refusal else ""
        return f"InspectionReport({counted(self.images, 'images')}: {counted(len(self.findings), 'findings')}{refused})"

    def _repr_html_(self) -> str:
        rows = [(one.severity, *one.say("en")) for one in self.findings]
        return table_html(("severity", "finding", "what to do"), rows, repr(self)) + lines_html(
            [self.refusal] if self.refusal else []
        )

    @property
    def certain(self) -> bool:
        """Whether something is certain to spoil a result."""
        return any(finding.severity == "certain" for finding in self.findings)

    def of(self, severity: Severity) -> list[DataFinding]:
        """The findings of one severity."""
        return [finding for finding in self.findings if finding.severity == severity]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as for JSON."""
        plain = asdict(self)
        del plain["files"]
        return {
            **plain,
            "findings": [finding.to_dict() for finding in self.findings],
            "certain": self.certain,
            "paths": {str(k): v for k, v in self.paths.items()},
        }
