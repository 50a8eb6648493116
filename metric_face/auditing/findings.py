"""What a look at the data found: findings in words, and the report that holds them."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["certain", "warning", "note"]


@dataclass(frozen=True)
class DataFinding:
    """One thing to know about the data before training on it.

    Attributes:
        id: a fixed word for programs, such as ``identity-across-splits``.
        severity: ``certain`` to spoil a result, a ``warning`` to look into, or a ``note``.
        sentence: what was found, with its numbers, in plain words.
        remedy: what to do about it.
        rows: the rows of the table concerned, in groups that belong together (two copies of one photograph).
    """

    id: str
    severity: Severity
    sentence: str
    remedy: str = ""
    rows: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class InspectionReport:
    """Everything that can be said of data, split and sampler without a model.

    Attributes:
        images: how many; identities: how many, None where the table names none.
        splits: images of each split, by name; empty where the table is not split.
        counts: by attribute, the images of each class in each split (``all`` where there is no split).
        findings: the most severe first.
        smallest_difference: the fields of `assumed_resolution`; None without classes or with fewer than two identities.
        sampler: the report of the sampler's audit as plain data; None without one.
        paths: of the rows that findings name, by row.
        refusal: why a training would refuse this, in its own words; empty where it would begin.
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
    refusal: str = ""
    notes: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether something is certain to spoil a result."""
        return any(finding.severity == "certain" for finding in self.findings)

    def of(self, severity: Severity) -> list[DataFinding]:
        """The findings of one severity."""
        return [finding for finding in self.findings if finding.severity == severity]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as for JSON."""
        return {**asdict(self), "certain": self.certain, "paths": {str(k): v for k, v in self.paths.items()}}
