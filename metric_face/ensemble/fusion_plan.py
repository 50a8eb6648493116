"""FusionPlan: the ensemble members of each attribute, what fusing them gains, and the soft vote itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metric_face.embeddings import Predictions
from metric_face.errors import ArgumentError
from metric_face.metrics import Interval


@dataclass(frozen=True)
class AttributeVote:
    """The members that predict one attribute.

    Attributes:
        attribute: its name.
        runs: the runs whose probabilities are averaged.
        macro_f1: of the attribute on validation; the choice saw these images.
        by_run: macro F1 of each run alone.
        gain: over the base run, of members that the images had no part in choosing.
    """

    attribute: str
    runs: tuple[str, ...]
    macro_f1: float
    by_run: Mapping[str, float]
    gain: Interval | None


@dataclass(frozen=True)
class FusionPlan:
    """Members of every attribute, and what fusing gains.

    Attributes:
        members: one for each attribute.
        base: the single run with the best joint macro F1 on validation.
        base_macro_f1: its joint macro F1.
        macro_f1: joint macro F1 of the fusion on validation; the choice saw these images.
        gain: fusion minus base in joint macro F1, cross-fitted, over identities; None without validation.
        num_images: validation images that every run predicted.
        num_left_out: validation images that some run did not predict, such as those of unfinished folds.
    """

    members: tuple[AttributeVote, ...]
    base: str | None = None
    base_macro_f1: float | None = None
    macro_f1: float | None = None
    gain: Interval | None = None
    num_images: int = 0
    num_left_out: int = 0

    @property
    def harms(self) -> bool:
        """Whether the fusion was worse than the best single run on identities that its choice did not see.

        Never where that run answers for every attribute: then it is the fusion.
        """
        fused = any(member.runs != (self.base,) for member in self.members)
        return fused and self.gain is not None and self.gain.value < 0

    @property
    def best_alone(self) -> "FusionPlan":
        """The plan in which the base answers for every attribute."""
        if self.base is None:
            return self
        return fixed_plan({member.attribute: [self.base] for member in self.members})

    def lines(self) -> list[str]:
        """The members of each attribute and the gain, a line each."""
        lines = []
        for member in self.members:
            score = "not measured" if np.isnan(member.macro_f1) else f"macro F1 {member.macro_f1:.3f}"
            lines.append(f"{member.attribute}: {' + '.join(member.runs)}, {score}")
        if self.gain is not None:
            base = f"{self.base} ({self.base_macro_f1:.3f})"
            lines.append(f"gain over {base}: {self.gain}, on identities unseen by the choice")
        return lines

    def apply(self, runs: Sequence[Predictions], name: str = "fused") -> Predictions:
        """Fuse predictions of other images by the same members.

        Args:
            runs: predictions of the same images, by the runs' names; runs that are no member may be absent.
            name: of the result.

        Returns:
            The predictions, in the order of the first run's images.

        Raises:
            ArgumentError: a member is absent.
            DataError: a member lacks an image.
        """
        by_name = by_name_of(runs)
        tables = {}
        for member in self.members:
            absent = [run for run in member.runs if run not in by_name]
            if absent:
                raise ArgumentError(
                    f"runs must include the member {absent[0]!r} of {member.attribute}, found {', '.join(by_name)}"
                )
            members = [by_name[run].take(runs[0].images) for run in member.runs]
            tables[member.attribute] = np.mean([m.probabilities[member.attribute] for m in members], axis=0)
        return Predictions(name, runs[0].images, tables)


def fixed_plan(members: Mapping[str, Sequence[str]]) -> FusionPlan:
    """A plan without validation: the given runs answer for each attribute, by soft vote."""
    if not members or not all(members.values()):
        raise ArgumentError("members must name at least one run for each attribute, found none")
    nan = float("nan")
    return FusionPlan(
        tuple(AttributeVote(name, tuple(runs), nan, {}, None) for name, runs in members.items())
    )


def by_name_of(runs: Sequence[Predictions]) -> dict[str, Predictions]:
    """The runs by their names, which must differ."""
    by_name = {run.name: run for run in runs}
    if not runs or len(by_name) < len(runs):
        raise ArgumentError(
            f"runs must have different names, found {', '.join(r.name for r in runs) or 'none'}"
        )
    return by_name
