"""Context: the facts of a training and what the questions share of them, computed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.diagnosis.facts import Facts
from metric_face.diagnosis.finding import Measure
from metric_face.diagnosis.measures import probing
from metric_face.diagnosis.measures.copies import copy_codes
from metric_face.diagnosis.measures.null_scores import Signal, signals
from metric_face.fold_assignment import identity_folds
from metric_face.metrics import macro_f1

if TYPE_CHECKING:
    from metric_face.search import NeighborGraph

NEIGHBORS = 20
FOLDS = 5
FEWEST_IDENTITIES = 30
"""Below this many identities in a class, an estimate for it is not trusted."""


@dataclass
class Context(Facts):
    """What the questions read: the facts, and the computations that several of them need."""

    @cached_property
    def features(self) -> Doubles:
        """(N, D) the embedding, centered and of unit mean square, in float64."""
        centered = self.embeddings.astype(np.float64)
        centered -= centered.mean(axis=0)
        scale = float(np.sqrt(np.square(centered).mean()))
        return centered / scale if scale > 0 else centered

    @cached_property
    def graph(self) -> "NeighborGraph":
        """The nearest neighbors of every image, those of the same identity left out."""
        from metric_face.search import kept_graph

        exclude = self.identities if self.identities_known else None
        return kept_graph(self.graph_file, self.embeddings, NEIGHBORS, exclude=exclude)

    @cached_property
    def neutral_graph(self) -> "NeighborGraph":
        """The 10 nearest neighbors of every image in the neutral embedding, those of the same identity left out."""
        from metric_face.search import NeighborGraph

        assert self.neutral is not None
        exclude = self.identities if self.identities_known else None
        return NeighborGraph.build(self.neutral, 10, exclude=exclude)

    @cached_property
    def neutral_scores(self) -> Mapping[str, Doubles]:
        """Out-of-fold ridge scores by attribute (N, C) on the neutral embedding."""
        assert self.neutral is not None
        centered = self.neutral.astype(np.float64) - self.neutral.mean(axis=0, dtype=np.float64)
        centered /= max(float(np.sqrt(np.square(centered).mean())), np.finfo(np.float64).tiny)
        return probing.ridge_scores(centered, self.targets, self.folds).scores

    @cached_property
    def copies(self) -> Ints:
        """(N,) a code that byte-identical images share: of the files, the pixels, or else the vectors."""
        return copy_codes(self.images, self.embeddings)

    @cached_property
    def folds(self) -> Ints:
        """(N,) fold of each row; identities are never divided."""
        labels = self.joint if self.attributes else np.zeros(self.num_images, dtype=np.int64)
        count = min(FOLDS, self.num_identities)
        return identity_folds(self.identities, count, labels, seed=self.seed)

    @cached_property
    def targets(self) -> probing.Targets:
        """What a probe predicts of every image: the classes of each attribute."""
        return probing.Targets.of(
            {a: probing.one_hot(self.labels[a], len(self.classes[a])) for a in self.attributes}
        )

    @cached_property
    def ridge(self) -> probing.Ridge:
        """Out-of-fold ridge scores of each attribute."""
        return probing.ridge_scores(self.features, self.targets, self.folds)

    @property
    def scores(self) -> Mapping[str, Doubles]:
        """Out-of-fold ridge scores by attribute (N, C)."""
        return self.ridge.scores

    @cached_property
    def strength(self) -> float:
        """Ridge strength that the attributes ask for, in units of the mean variance (geometric mean)."""
        return float(np.exp(np.mean(np.log(list(self.ridge.strengths.values())))))

    @cached_property
    def probes(self) -> Mapping[str, probing.Softmax]:
        """The softmax that turns each attribute's scores into probabilities."""
        return {
            a: probing.fit_softmax(self.scores[a], self.labels[a], len(self.classes[a]))
            for a in self.attributes
        }

    @cached_property
    def out_of_fold(self) -> Mapping[str, Doubles]:
        """(N, C) calibrated probabilities of each attribute, from probes that never saw the identity."""
        return {a: self.probes[a].clean(self.scores[a]) for a in self.attributes}

    @cached_property
    def signals(self) -> Mapping[str, Mapping[str, Signal]]:
        """How well head, embedding and neutral embedding rank each attribute, with the null of labels permuted."""
        return {a: signals(self, a) for a in self.attributes}

    def predict_from(self, rows: Ints) -> dict[str, Ints]:
        """(N,) classes by attribute from one probe fitted on ``rows`` as they are, whichever identities they show."""
        scores = probing.scores_from(self.features, self.targets.matrix, rows, self.strength)
        return {
            a: self.probes[a].clean(found).argmax(axis=1).astype(np.int64)
            for a, found in self.targets.split(scores).items()
        }

    @property
    def predictions_are(self) -> str:
        """Whose predictions are scored: the ``model``'s where they were given, else the ``probe``'s."""
        return "probe" if self.predictions is None else "model"

    @cached_property
    def predicted(self) -> Mapping[str, Ints]:
        """(N,) predicted classes by attribute; only evaluated rows are certain to hold one."""
        if self.predictions is not None:
            return {a: self.predictions[a] for a in self.attributes}
        return {a: self.out_of_fold[a].argmax(axis=1).astype(np.int64) for a in self.attributes}

    def f1(
        self,
        predicted: Mapping[str, Ints] | None = None,
        labels: Mapping[str, Ints] | None = None,
        rows: Ints | None = None,
    ) -> float:
        """Joint macro F1 of the evaluated rows (or of ``rows``), with some predictions or labels replaced."""
        chosen = self.evaluated if rows is None else rows
        guess = self.join({**self.predicted, **(predicted or {})})[chosen]
        truth = self.join({**self.labels, **(labels or {})})[chosen]
        return macro_f1(truth, guess)

    @cached_property
    def score(self) -> Measure:
        """Joint macro F1 of the evaluated rows with its interval over identities."""
        from metric_face.metrics import bootstrap_interval

        rows = self.evaluated
        truth, guess = self.joint[rows], self.join(self.predicted)[rows]
        identities = self.identities[rows]
        count = len(np.unique(identities))
        if count < 2:
            return Measure(macro_f1(truth, guess), identities=count, images=len(rows))
        found = bootstrap_interval(
            truth, guess, identities
        )  # as ``evaluate`` does: one interval for one number
        return Measure(found.value, found.low, found.high, None, count, len(rows))
