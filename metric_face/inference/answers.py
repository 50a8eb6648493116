"""Answer: the prediction for one image; and the competition's submission of many."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from metric_face.data import refuse_repeated
from metric_face.inference.target_votes import TargetAnswer


@dataclass(frozen=True)
class Neighbor:
    """An indexed image near the query image.

    Attributes:
        path: as the index knows it.
        similarity: to the query image.
        identity: the one on it, or None where the index does not name it.
        labels: target -> class name.
        same_file: whether it is the query file itself.
    """

    path: str
    similarity: float
    identity: str | None
    labels: dict[str, str]
    same_file: bool = False


@dataclass(frozen=True)
class Answer:
    """The prediction for one image.

    Attributes:
        path: the query image.
        neighbors: the nearest indexed images, nearest first; fewer or more than those that vote.
        targets: target -> how its answer was reached.
        identity: whose images in the index did not count; None where all images counted.
        left_out: how many indexed images those are.
    """

    path: str
    neighbors: tuple[Neighbor, ...]
    targets: dict[str, TargetAnswer]
    identity: str | None = None
    left_out: int = 0

    def __repr__(self) -> str:
        return f"Answer({self.nearest(0).lines()[0]})"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    @property
    def predicted(self) -> dict[str, str]:
        """Target -> class name, or ``unknown`` where the certainty is below the index's threshold."""
        return {name: target.answer for name, target in self.targets.items()}

    @property
    def probability(self) -> dict[str, float]:
        """Target -> calibrated probability of the likeliest class; without calibration its share of the votes."""
        return {name: target.probability for name, target in self.targets.items()}

    @property
    def shown_targets(self) -> list[str]:
        """The targets to print: all but the joint class, which repeats its attributes."""
        return [name for name in self.targets if name != "joint" or len(self.targets) == 1]

    @property
    def same_identity_excluded(self) -> bool:
        """Whether the query's own identity was excluded from the neighbors."""
        return self.identity is not None

    def nearest(self, count: int) -> Self:
        """The answer with its ``count`` nearest neighbors only."""
        return replace(self, neighbors=self.neighbors[:count])

    def lines(self) -> list[str]:
        """The answer for a terminal: a line for the image, and one for each neighbor."""
        targets = ", ".join(f"{name} {self.targets[name]}" for name in self.shown_targets)
        excluded = f" (without {self.left_out} images of {self.identity})" if self.left_out else ""
        return [
            f"{self.path}{excluded}: {targets}".removesuffix(": "),
            *map(self._neighbor_line, self.neighbors),
        ]

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain data, for JSON."""
        derived = ("predicted", "probability", "same_identity_excluded")
        return {"path": self.path, **{name: getattr(self, name) for name in derived}, **asdict(self)}

    def _neighbor_line(self, near: Neighbor) -> str:
        labels = ", ".join(near.labels[name] for name in self.shown_targets if name in near.labels)
        same = "  (the query file itself)" if near.same_file else ""
        return f"    {near.similarity:+.3f}  {near.path}  {labels or near.identity or ''}{same}"


def submission(answers: Sequence[Answer], classes: Sequence[str], target: str = "joint") -> str:
    """The competition's submission as CSV text: ``ImageID,ans`` with the number of the joint class.

    It has no "unknown": each image gets its likeliest class.

    Raises:
        DataError: two images have the same file name.
    """
    names = [Path(one.path).name for one in answers]
    refuse_repeated(names)
    number = {name: code for code, name in enumerate(classes)}
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("ImageID", "ans"))
    rows.writerows(
        (name, number[one.targets[target].likeliest]) for name, one in zip(names, answers, strict=True)
    )
    return text.getvalue()
