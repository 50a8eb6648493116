"""TargetVote: how votes on one target become a TargetAnswer: a class with a probability, or "unknown"."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Doubles
from metric_face.classifiers import Votes, vote_shares
from metric_face.inference.shown_numbers import apart
from metric_face.metrics import Calibration

UNKNOWN = "unknown"
LISTED = 5
"""Classes that a :class:`TargetAnswer` lists."""
CERTAINTY_DEPTH = 100
"""Neighbors that the certainty of an answer is measured on."""
_NEARNESS = 0.01


@dataclass(frozen=True)
class ClassVotes:
    """The votes for one class.

    Attributes:
        name: of the class.
        share: of the votes, before calibration.
        probability: after it; the share where nothing was calibrated.
    """

    name: str
    share: float
    probability: float


@dataclass(frozen=True)
class TargetAnswer:
    """The prediction of one target for one image, and how it was reached.

    Attributes:
        answer: the class, or ``unknown`` where the certainty is below the threshold or there is no vote.
        classes: the few classes with most votes, the likeliest first; where there is no vote, the first class.
        k: neighbors that voted: as many as requested, or all there were.
        votes: how they voted.
        calibrated: whether the probability is calibrated, and not the bare share of the votes.
        certainty: see :meth:`TargetVote.certainties`; None where nothing is rejected.
        threshold: the smallest certainty that is answered; 0 answers always.
        rejects: what the threshold was calibrated for, in words; "" where nothing is rejected.
    """

    answer: str
    classes: tuple[ClassVotes, ...]
    k: int
    votes: Votes
    calibrated: bool
    certainty: float | None
    threshold: float
    rejects: str

    @property
    def likeliest(self) -> str:
        """The class with most votes, accepted or not."""
        return self.classes[0].name

    @property
    def probability(self) -> float:
        """Of the likeliest class."""
        return self.classes[0].probability

    def __str__(self) -> str:
        """``red (93%)``, or ``unknown (red 41%; certainty 0.12, needed 0.31)``."""
        likeliest = "" if self.answer == self.likeliest else f"{self.likeliest} "
        below = ""
        if likeliest and self.k and self.certainty is not None:
            below = "; certainty {}, needed {}".format(*apart(self.certainty, self.threshold))
        return f"{self.answer} ({likeliest}{self.probability:.0%}{below})"


@dataclass(frozen=True)
class TargetVote:
    """The settings of one target, as validation chose them; stored with the index.

    Attributes:
        classes: C names.
        k: neighbors that vote.
        votes: how they vote.
        temperature: of the vote.
        val_macro_f1: what these settings reached on validation; the choice saw these images.
        calibration: from shares of the votes to probabilities; None leaves the shares as they are.
        threshold: the smallest certainty that is answered; below it the answer is "unknown".
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

    def probabilities(self, rows: ArrayLike, similarities: ArrayLike, codes: ArrayLike) -> Doubles:
        """The probability of each class by (Q, K) neighbors, (Q, C); calibrated where there is a calibration.

        Args:
            rows: (Q, K) positions of the neighbors, nearest first, -1 for none; K at least k.
            similarities: (Q, K).
            codes: (N,) class of each item searched.
        """
        return self._calibrated(self.shares(rows, similarities, codes))

    def shares(self, rows: ArrayLike, similarities: ArrayLike, codes: ArrayLike) -> Doubles:
        """The share of the votes that each class has, (Q, C), before any calibration; arguments as above."""
        return vote_shares(
            rows,
            similarities,
            codes,
            min(self.k, np.shape(rows)[1]),
            num_classes=len(self.classes),
            votes=self.votes,
            temperature=self.temperature,
        )

    def answers(self, rows: ArrayLike, similarities: ArrayLike, codes: ArrayLike) -> list[TargetAnswer]:
        """The predictions for Q images by their (Q, K) neighbors; arguments as :meth:`probabilities`."""
        shares = self.shares(rows, similarities, codes)
        chances = self._calibrated(shares)
        present = (np.asarray(rows)[:, : self.k] >= 0).sum(axis=1).tolist()
        certain = (
            self.certainties(rows, similarities, codes).tolist() if self.rejects else [None] * len(present)
        )
        return [
            self._answer(shares[row], chances[row], voters, certain[row])
            for row, voters in enumerate(present)
        ]

    def certainties(self, rows: ArrayLike, similarities: ArrayLike, codes: ArrayLike) -> Doubles:
        """How certain each of Q answers is, (Q,) in 0..1; arguments as :meth:`probabilities`, K preferably 100.

        It is the share that the likeliest class has in the softmax vote of the 100 nearest, and, with a hundredth
        of the weight, how near those are that voted. The share among the k voters is 1 for most images, those
        answered wrongly among them: a threshold on it could only answer nearly all or nothing.
        """
        places, near = np.asarray(rows), np.asarray(similarities, dtype=np.float64)
        winners = self.shares(places, near, codes).argmax(axis=1)
        depth = min(CERTAINTY_DEPTH, places.shape[1])
        wide = replace(self, k=depth, votes="softmax").shares(places, near, codes)
        voting = places[:, : self.k] >= 0
        nearness = np.where(voting, near[:, : self.k].clip(0, 1), 0).sum(axis=1) / voting.sum(axis=1).clip(1)
        agreement = wide[np.arange(len(winners)), winners]
        return np.asarray((agreement + _NEARNESS * nearness) / (1 + _NEARNESS))

    def __str__(self) -> str:
        """The settings in one line, with what they reached on validation."""
        score = "" if self.val_macro_f1 is None else f", validation macro F1 {self.val_macro_f1:.3f}"
        error = "uncalibrated"
        if self.calibration is not None:
            before, after = self.calibration.error_before, self.calibration.error_after
            error = f"calibration error {before:.3f} -> {after:.3f}"
        reject = f"; unknown below certainty {self.threshold:.4f} ({self.rejects})" if self.rejects else ""
        return f"k={self.k} {self.votes}{score}; {error}{reject}"

    @property
    def depth(self) -> int:
        """Neighbors to search for."""
        return max(self.k, CERTAINTY_DEPTH) if self.rejects else self.k

    def _answer(
        self, shares: Doubles, chances: Doubles, voters: int, certainty: float | None
    ) -> TargetAnswer:
        voted = np.flatnonzero(shares)
        first = voted[np.argsort(-shares[voted], kind="stable")][:LISTED].tolist() or [0]
        known = voters > 0 and (certainty is None or certainty >= self.threshold)
        return TargetAnswer(
            self.classes[first[0]] if known else UNKNOWN,
            tuple(
                ClassVotes(self.classes[code], float(shares[code]), float(chances[code])) for code in first
            ),
            voters,
            self.votes,
            self.calibration is not None,
            certainty,
            self.threshold,
            self.rejects,
        )

    def _calibrated(self, shares: Doubles) -> Doubles:
        return shares if self.calibration is None else self.calibration.apply(shares)

    def changed(self, k: int | None = None, votes: Votes | None = None) -> Self:
        """The vote with another k or kind, which makes its calibration and its threshold void."""
        k, votes = k or self.k, votes or self.votes
        if (k, votes) == (self.k, self.votes):
            return self
        return replace(self, k=k, votes=votes, calibration=None, threshold=0.0, rejects="")

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain data, for JSON."""
        return asdict(self) | {"classes": list(self.classes)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The way back from :meth:`to_dict`."""
        stored = data["calibration"]
        calibration = None if stored is None else Calibration(**stored)
        return cls(**{**data, "classes": tuple(data["classes"]), "calibration": calibration})
