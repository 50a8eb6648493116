"""What an audit of batches found, in numbers and in words."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any, Self


@dataclass(frozen=True)
class Defect:
    """One thing that is wrong with the batches.

    Attributes:
        name: a fixed word for programs, such as "drift".
        sentence: what is wrong, with its numbers, and what follows from it.
        values: the numbers alone, by name; a pair of them is (fewest, most).
    """

    name: str
    sentence: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, template: str, **values: Any) -> Self:
        """Fill the blanks of a sentence."""
        shown = {key: _span(value) if isinstance(value, tuple) else value for key, value in values.items()}
        return cls(name, template.format(**shown), values)


@dataclass(frozen=True)
class AuditReport:
    """One epoch of batches, counted.

    Attributes:
        batches: yielded; promised: what `len` returned, None where nothing was promised.
        batch_sizes: (fewest, most) images in a batch.
        identities_per_batch, instances_per_label: (fewest, most) labels in a batch and images of a label in it.
        images, labels: in the data; images_seen, labels_seen: in the epoch.
        mean_draws, most_draws: of an image that was seen.
        repeated_groups: groups that repeat an image while the label has others.
        groups_of_one_image: groups of a single image, which has no positive, although its label has others.
        singleton_groups: groups whose label has one image: their only "positive" would be the image itself.
        same_identity_pairs: share of positive pairs that show one identity, None without identities.
        drift_distance: total variation between the label mixes of the first and the last third.
        drift_p_value: chance of so large a difference without drift.
        classes_per_batch: mean number of classes in a batch; classes: in the data.
        soft_f1_floor: what a macro soft-F1 loss cannot go below, as absent classes count as failures.
        epochs: how many were looked at; unreachable_images: never drawn in any of them.
        defects: what is wrong, in words.
    """

    batches: int
    promised: int | None
    batch_sizes: tuple[int, int]
    identities_per_batch: tuple[int, int]
    instances_per_label: tuple[int, int]
    images: int
    images_seen: int
    labels: int
    labels_seen: int
    mean_draws: float
    most_draws: int
    groups: int
    repeated_groups: int
    groups_of_one_image: int
    singleton_groups: int
    same_identity_pairs: float | None
    drift_distance: float
    drift_p_value: float
    classes: int
    classes_per_batch: float
    soft_f1_floor: float
    epochs: int
    unreachable_images: int
    defects: list[Defect] = field(default_factory=list)

    def __repr__(self) -> str:
        found = ", ".join(defect.name for defect in self.defects) or "clean"
        return f"AuditReport({self.batches} batches of {_span(self.batch_sizes)} images: {found})"

    def _repr_html_(self) -> str:
        return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in self.sentences())}</ul>"

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.defects

    def named(self) -> set[str]:
        """The names of the defects."""
        return {defect.name for defect in self.defects}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as for JSON."""
        return asdict(self)

    def sentences(self) -> list[str]:
        """The counts in plain words, then each defect."""
        promise = "no length promised" if self.promised is None else f"{self.promised} promised"
        lines = [
            f"{self.batches} batches ({promise}) of {_span(self.batch_sizes)} images: "
            f"{_span(self.identities_per_batch)} labels with {_span(self.instances_per_label)} images each.",
            f"An epoch shows {self.images_seen} of {self.images} images ({_percent(self.images_seen, self.images)}) "
            f"and {self.labels_seen} of {self.labels} labels; an image is drawn {self.mean_draws:.2f} times on "
            f"average and {self.most_draws} times at most.",
            f"A batch holds {self.classes_per_batch:.1f} of {self.classes} classes: a macro soft-F1 loss averaged "
            f"over all classes cannot fall below {self.soft_f1_floor:.2f} on such batches.",
            f"The label mix of the first and the last third differs by {self.drift_distance:.3f} (total variation, "
            f"p = {self.drift_p_value:.2g}).",
        ]
        if self.singleton_groups:
            lines.append(
                f"{self.singleton_groups} of {self.groups} groups are of labels with one image, which has no "
                f"positive but itself."
            )
        if self.same_identity_pairs is not None:
            lines.append(f"{self.same_identity_pairs:.1%} of the positive pairs show the same identity.")
        return lines + [f"DEFECT {defect.name}: {defect.sentence}" for defect in self.defects]

    def __str__(self) -> str:
        return "\n".join(self.sentences())


def _span(values: tuple[int, int]) -> str:
    return str(values[0]) if values[0] == values[1] else f"{values[0]} to {values[1]}"


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
