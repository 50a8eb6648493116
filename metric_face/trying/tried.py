"""Tried: the changes of a run that were tried, ranked, with what each brings and what to run next."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metric_face.metrics import Interval
from metric_face.pages import page_texts
from metric_face.trying.changes import WhatIf
from metric_face.trying.learning_curve import LearningCurve
from metric_face.visible import shell_word


@dataclass(frozen=True)
class ChangeEffect:
    """What a change brings.

    Attributes:
        what_if: the change.
        scores: name -> its score.
        differences: name -> its score less the baseline's, with the interval that holds for all of them together.
        seconds: that it took.
    """

    what_if: WhatIf
    scores: Mapping[str, float]
    differences: Mapping[str, Interval]
    seconds: float

    def helps(self, score: str) -> bool:
        """Whether a score is better beyond its interval, and none is worse."""
        own = self.differences.get(score)
        return own is not None and own.low > 0 and not any(one.high < 0 for one in self.differences.values())

    def harms(self, score: str) -> bool:
        """Whether a score is worse beyond its interval."""
        own = self.differences.get(score)
        return own is not None and own.high < 0


@dataclass(frozen=True)
class Tried:
    """What a run's changes bring on its cached features.

    Attributes:
        folder: of the run.
        score: the one they are ranked by, ``head``, ``knn`` or ``recall``.
        baseline: name -> the scores of the run's own settings, trained in the same way.
        ranked: the changes, the largest difference first; among them nothing but settings and dropped images.
        null: the run's own settings with another seed: what luck alone brings; None where it was not trained.
        curve: scores by the number of identities; None where it could not be drawn.
        refused: the name of a change -> why it could not be trained.
        left: changes that the time did not reach.
        steps: batches that each was trained on, about.
        images, identities: of validation.
        suspects: training images that were dropped in ``without_suspects``.
        factor: standard errors on each side of every difference.
        seen_training: whether the backbone was trained on the training images, so that their features look better
            than new ones.
    """

    folder: Path
    score: str
    baseline: Mapping[str, float]
    ranked: tuple[ChangeEffect, ...]
    null: ChangeEffect | None
    curve: LearningCurve | None
    refused: Mapping[str, str]
    left: int
    steps: int
    images: int
    identities: int
    suspects: int
    factor: float
    seen_training: bool

    @property
    def best(self) -> ChangeEffect | None:
        """The change with the largest difference, if it helps."""
        helping = [one for one in self.ranked if one.helps(self.score)]
        return helping[0] if helping else None

    @property
    def command(self) -> str:
        """The one command to run next: the run's training with the change that helps most.

        Where none does, the backbone is trained too if it was frozen; else the same with another seed, which shows
        what training again is worth.
        """
        best = next((one for one in self.ranked if one.helps(self.score) and one.what_if.is_setting), None)
        config = f"--config {shell_word(self.folder / 'config.yaml')}"
        if best is not None:
            overrides = best.what_if.overrides
        elif not self.seen_training:
            overrides = ("trainer.frozen=false", "trainer.epochs=3")
        else:
            overrides = ("seed=1",)
        return " ".join(["metric-face train", config, *(f"--set {shell_word(one)}" for one in overrides)])

    def name_of(self, what_if: WhatIf, lang: str = "en") -> str:
        """A change in words."""
        text: str = page_texts("try", lang)["what_ifs"][what_if.key]
        return text.format(**what_if.blanks)

    def score_name(self, score: str, lang: str = "en") -> str:
        """A score in words."""
        name: str = page_texts("try", lang)["scores"][score]
        return name

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON."""
        return {
            "run": str(self.folder),
            "score": self.score,
            "baseline": dict(self.baseline),
            "what_ifs": [self._entry(one) for one in self.ranked],
            "another_seed": None if self.null is None else self._entry(self.null),
            "learning_curve": None if self.curve is None else self.curve.to_dict(),
            "refused": dict(self.refused),
            "not_reached": self.left,
            "steps": self.steps,
            "validation": {"images": self.images, "identities": self.identities},
            "suspects": self.suspects,
            "correction": {"method": "studentized maximum over all differences", "factor": self.factor},
            "backbone_saw_the_training_images": self.seen_training,
            "next": self.command,
        }

    def _entry(self, one: ChangeEffect) -> dict[str, Any]:
        return {
            "name": one.what_if.name,
            "text": self.name_of(one.what_if),
            "set": list(one.what_if.overrides),
            "scores": dict(one.scores),
            "differences": {
                name: {"value": found.value, "low": found.low, "high": found.high}
                for name, found in one.differences.items()
            },
            "helps": one.helps(self.score),
            "harms": one.harms(self.score),
            "seconds": round(one.seconds, 2),
        }
