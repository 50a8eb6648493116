"""Facts: what is known of a training, as codes; who is in which split, and the joint class."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Bools, Doubles, Floats, Ints
from metric_face.diagnosis.measures.resampling import is_fixed

if TYPE_CHECKING:
    import pandas as pd

MOST_CLASSES = 200
"""An attribute with more classes is not probed class by class."""

TRAIN_NAMES = ("train", "training")
HELD_OUT_NAMES = ("val", "valid", "validation", "dev", "test", "eval")


@dataclass
class Facts:
    """Everything that may be known of a training; whatever is missing makes the questions that need it abstain.

    Attributes:
        embeddings: (N, D) float32, of all labeled images.
        labels: classes (N,) int64 of each attribute.
        classes: names of the classes of each attribute.
        identities: (N,) int64, coded 0..I-1.
        identities_known: False where none were given and every image stands for itself.
        split: (N,) names of splits, or None.
        predictions: (N,) predicted classes of each attribute, -1 where there is none, or None.
        probabilities: (N, C) the model's class probabilities of each attribute, or None.
        neutral: (N, D0) embedding of a backbone that never saw these labels, or None.
        images: N paths, or an (N, H, W[, 3]) uint8 array, or None.
        log: one row for each thing logged, or None; the columns are listed in
            :mod:`metric_face.diagnosis.measures.training_log`.
        batches: batches of row numbers that training drew, one list for each epoch, or None.
        promised: batches an epoch was announced to have, or None.
        transforms: ``train`` and ``evaluation``: callables on a PIL image, or lists of descriptions; or None.
        settings: facts of the set-up, such as ``monitor`` and ``drop_last``; see :mod:`.basics`.
        raw_values: (N,) continuous values behind a binned attribute.
        cuts: ascending cuts of each binned attribute.
        unlabeled: (M, D) embeddings of the images to be predicted, or None.
        unlabeled_identities: (M,) identities of those, or None.
        arms: macro F1 of each seed by arm (``metric``, ``head``, ``both``), or None.
        head: the classifier's weights (C, D) by attribute, or None.
        look_ahead: measures what a step along one loss does to the other (see :mod:`.look_ahead`), or None.
        graph_file: where the neighbor graph is kept for the next analysis, or None.
        folder: of the run, or None where arrays are diagnosed.
        told_apart: where pairs of classes are told apart, as ``metric-face attribute --between`` left it.
        seed: of every draw.
        missing: question -> why something that it looks at could not be had of a run.
    """

    embeddings: Floats
    labels: Mapping[str, Ints]
    classes: Mapping[str, tuple[str, ...]]
    identities: Ints
    identities_known: bool = True
    split: NDArray[np.str_] | None = None
    predictions: Mapping[str, Ints] | None = None
    probabilities: Mapping[str, Doubles] | None = None
    neutral: Floats | None = None
    images: Sequence[Any] | NDArray[np.uint8] | None = None
    log: "pd.DataFrame | None" = None
    batches: Sequence[Sequence[Ints]] | None = None
    promised: int | None = None
    transforms: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    raw_values: Mapping[str, Doubles] = field(default_factory=dict)
    cuts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    unlabeled: Floats | None = None
    unlabeled_identities: Ints | None = None
    arms: Mapping[str, Sequence[float]] | None = None
    head: Mapping[str, Doubles] | None = None
    look_ahead: Callable[[], Mapping[tuple[str, str], Doubles] | None] | None = None
    graph_file: Path | None = None
    folder: Path | None = None
    told_apart: list[dict[str, Any]] = field(default_factory=list)
    seed: int = 0
    missing: dict[str, str] = field(default_factory=dict)

    # -- who and what ------------------------------------------------------------------------------------------

    @property
    def num_images(self) -> int:
        return len(self.identities)

    @cached_property
    def num_identities(self) -> int:
        return int(self.identities.max()) + 1

    @cached_property
    def in_train(self) -> Bools | None:
        """(N,) which rows trained the model, or None without a split."""
        return None if self.split is None else np.isin(self.split, TRAIN_NAMES)

    @cached_property
    def in_held_out(self) -> Bools | None:
        """(N,) which rows are held out (the first of val, test, ... that occurs), or None without a split."""
        if self.split is None:
            return None
        name = next((n for n in HELD_OUT_NAMES if (self.split == n).any()), None)
        return None if name is None else np.asarray(self.split == name)

    @cached_property
    def evaluated(self) -> Ints:
        """Rows that scores and overlaps are measured on: the held-out ones, those with a prediction; else all."""
        mask = np.ones(self.num_images, dtype=bool) if self.in_held_out is None else self.in_held_out.copy()
        if self.predictions is not None:
            for predicted in self.predictions.values():
                mask &= predicted >= 0
        return np.flatnonzero(mask)

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Attributes that can be predicted for a new identity: two classes or more, each of several identities."""
        return tuple(a for a in self.labels if self._is_learnable(a))

    def _is_learnable(self, attribute: str) -> bool:
        count, identities = len(self.classes[attribute]), self.identities_by_class(attribute)
        present = identities[identities > 0]
        return 2 <= count <= MOST_CLASSES and len(present) >= 2 and float(np.median(present)) >= 5

    def identities_by_class(self, attribute: str, rows: Ints | None = None) -> Ints:
        """(C,) identities that carry each class."""
        chosen = slice(None) if rows is None else rows
        pairs = np.unique(np.column_stack([self.identities[chosen], self.labels[attribute][chosen]]), axis=0)
        return np.bincount(pairs[:, 1], minlength=len(self.classes[attribute]))

    @cached_property
    def fixed(self) -> Mapping[str, bool]:
        """Whether each attribute belongs to the identity (gender) or to the image (mask)."""
        return {
            name: self.identities_known and is_fixed(labels, self.identities)
            for name, labels in self.labels.items()
        }

    @property
    def has_metric_loss(self) -> bool:
        """Whether a metric loss trained the model, as far as the settings say."""
        return self.settings.get("metric") not in (None, "none")

    # -- the joint class ---------------------------------------------------------------------------------------

    def join(self, parts: Mapping[str, Ints]) -> Ints:
        """One code from the codes of all attributes; the first is the most significant."""
        code = np.zeros(len(next(iter(parts.values()))), dtype=np.int64)
        for name in self.attributes:
            code = code * len(self.classes[name]) + parts[name]
        return code

    @cached_property
    def joint(self) -> Ints:
        """(N,) joint class of all learnable attributes."""
        return self.join(self.labels)

    def joint_name(self, code: int) -> str:
        """The class names behind a joint code."""
        names = []
        for attribute in reversed(self.attributes):
            names.append(self.classes[attribute][code % len(self.classes[attribute])])
            code //= len(self.classes[attribute])
        return " / ".join(reversed(names))
