"""ChangeOutcome: what a trained change says of each validation image, and how it is kept."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Bools, Ints
from metric_face.files import write_atomically
from metric_face.metrics import Tally, f1_tally, share_tally

SCORES = ("head", "knn", "recall")
"""Macro F1 of the classifiers and of the 20 nearest training images, and recall@1."""


@dataclass(frozen=True)
class Validation:
    """The Q validation images, the same for every change.

    Attributes:
        groups: (Q,) their identities, from 0.
        true: (Q,) joint classes; None where there are none.
        num_classes: C.
        counted: (Q,) whether another image has the label of recall@1.
    """

    groups: Ints
    true: Ints | None
    num_classes: int
    counted: Bools

    @property
    def identities(self) -> int:
        """How many there are."""
        return int(self.groups.max()) + 1


@dataclass(frozen=True)
class ChangeOutcome:
    """What a change gives.

    Attributes:
        answers: ``head`` and ``knn`` -> (Q,) joint classes, ``recall`` -> (Q,) whether the nearest image has the label.
        seconds: of wall time that the training took.
        steps: that it trained.
        refused: why it could not be trained; empty where it was.
    """

    answers: dict[str, Ints]
    seconds: float = 0.0
    steps: int = 0
    refused: str = ""

    def tallies(self, val: Validation) -> dict[str, Tally]:
        """Its scores, by name."""
        found: dict[str, Tally] = {}
        for name, values in self.answers.items():
            if name == "recall":
                found[name] = share_tally(values.astype(bool), val.counted, val.groups)
            elif val.true is not None:
                found[name] = f1_tally(val.true, values, val.groups, val.num_classes)
        return found

    def save(self, path: Path, state: str) -> None:
        """Write it whole or not at all; ``state`` stands for what it depends on."""

        arrays: dict[str, Any] = {f"answer/{name}": values for name, values in self.answers.items()}
        facts = {"state": state, "seconds": self.seconds, "steps": self.steps, "refused": self.refused}
        arrays |= {name: np.array(value) for name, value in facts.items()}

        def write(file: Path) -> None:
            with file.open("wb") as stream:
                np.savez(stream, **arrays)

        write_atomically(path, write)

    @classmethod
    def kept(cls, path: Path, state: str) -> "ChangeOutcome | None":
        """What an earlier call kept of the same run, images and change; None where there is none, or it is damaged."""
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                if str(stored["state"]) != state:
                    return None
                answers = {name[7:]: stored[name] for name in stored.files if name.startswith("answer/")}
                return cls(answers, float(stored["seconds"]), int(stored["steps"]), str(stored["refused"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
