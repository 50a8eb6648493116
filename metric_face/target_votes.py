"""TargetVote: how the neighbours' votes on one target become a class, a probability, or "unknown"."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metric_face.scores.calibration import Calibration
from metric_face.votes import Votes, vote_shares

UNKNOWN = "unknown"


@dataclass(frozen=True)
class TargetVote:
    """The settings of one target, as validation chose them; stored with the index.

    Attributes:
        classes: C names.
        k: neighbours that vote.
        votes: how they vote.
        temperature: of the vote.
        val_macro_f1: what these settings reached on validation; the choice saw these images.
        calibration: from shares of the votes to probabilities; None leaves the shares as they are.
        threshold: the smallest probability that is answered; below it the answer is "unknown".
        rejects: what the threshold was calibrated for, in words; "" where nothing is rejected.
    """

    classes: tuple[str, ...]
    k: int = 5
    votes: Votes = "softmax"
    temperature: float = 0.07
    val_macro_f1: float | None = None
    calibration: Calibration | None = None
    threshold: float = 0.0
    rejects: str = ""

    def probabilities(
        self, rows: ArrayLike, similarities: ArrayLike, codes: ArrayLike
    ) -> NDArray[np.float64]:
        """What (Q, K) neighbours say of each class, (Q, C).

        Args:
            rows: (Q, K) positions of the neighbours, nearest first, -1 for none; K at least k.
            similarities: (Q, K).
            codes: (N,) class of each item searched.
        """
        shares = vote_shares(
            rows,
            similarities,
            codes,
            min(self.k, np.shape(rows)[1]),
            num_classes=len(self.classes),
            votes=self.votes,
            temperature=self.temperature,
        )
        return shares if self.calibration is None else self.calibration.apply(shares)

    def answers(self, probabilities: NDArray[np.float64]) -> list[tuple[str, float]]:
        """The class, or "unknown", and its probability, for each of Q rows."""
        best = probabilities.argmax(axis=1)
        top = probabilities[np.arange(len(best)), best]
        return [
            (self.classes[code] if chance >= self.threshold else UNKNOWN, float(chance))
            for code, chance in zip(best.tolist(), top, strict=True)
        ]

    def changed(self, k: int | None = None, votes: Votes | None = None) -> Self:
        """The vote with another k or kind, which makes its calibration and its threshold void."""
        if k is None and votes is None:
            return self
        return replace(
            self, k=k or self.k, votes=votes or self.votes, calibration=None, threshold=0.0, rejects=""
        )

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain data, for JSON."""
        return asdict(self) | {"classes": list(self.classes)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The way back from :meth:`to_dict`."""
        stored = data["calibration"]
        calibration = None if stored is None else Calibration(**stored)
        return cls(**{**data, "classes": tuple(data["classes"]), "calibration": calibration})
