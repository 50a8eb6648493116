"""PredictorScores: macro F1 of heads, kNN, probe and majority on every target, with intervals over identities."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.classifiers import LinearProbe, choose_k, votes_for_ks
from metric_face.data import LabelSpace, Targets
from metric_face.embeddings import Embeddings
from metric_face.evaluation.result import Score
from metric_face.fold_assignment import identity_folds
from metric_face.metrics import Interval, bootstrap_interval, f1_per_class, macro_f1
from metric_face.optional import optional
from metric_face.search import NeighborGraph


@dataclass(frozen=True)
class PredictorScores:
    """Scores predictors on one split; one that fails on a target is noted, and the others stand.

    Attributes:
        known: name -> codes and class names of the N training images.
        targets: the same of the Q images of the split.
        identities: (Q,) the identity of each image of the split.
        seed: of the resampling and of the halves of kNN.
        notes: receives, a line each, what could not be measured and why.
    """

    known: Targets
    targets: Targets
    identities: Any
    seed: int
    notes: list[str]

    def heads(self, embeddings: Embeddings, space: LabelSpace) -> list[Score]:
        """Score the model's own classifiers; nothing where it has none."""
        if not embeddings.logits:
            return []
        predicted = space.head_classes(embeddings.logits)
        return self._each("head", lambda name: (predicted[name], ""))

    def knn(self, graph: NeighborGraph) -> list[Score]:
        """Score kNN from the (Q, K) training images nearest to each image of the split."""
        if len(np.unique(self.identities)) < 2:
            self.notes.append(
                "kNN: left out; its k is chosen on one half of the identities and evaluated on the other, "
                "found 1 identity"
            )
            return []
        return self._each("knn", lambda name: self._neighbors_vote(graph, name))

    def of_rows(self, rows: Ints) -> "PredictorScores":
        """The same on some images of the split."""
        targets = {name: (codes[rows], classes) for name, (codes, classes) in self.targets.items()}
        return replace(self, targets=targets, identities=np.asarray(self.identities)[rows])

    def probe(self, vectors: Floats, groups: Any, queries: Floats) -> list[Score]:
        """Score a linear probe fitted to (N, D) training vectors with (N,) identities, on (Q, D) of the split."""

        def predict(name: str) -> tuple[Ints, str]:
            fitted = LinearProbe().fit(vectors, self.known[name][0], groups=groups)
            return np.asarray(fitted.predict(queries), dtype=np.int64), ""

        return self._each("probe", predict)

    def majority(self) -> list[Score]:
        """Score the baseline that gives every image the commonest class of each target."""

        def predict(name: str) -> tuple[Ints, str]:
            commonest = int(np.bincount(self.known[name][0]).argmax())
            return np.full_like(self.targets[name][0], commonest), ""

        return self._each("majority", predict)

    def _each(self, predictor: str, predict: Callable[[str], tuple[Ints, str]]) -> list[Score]:
        """Score the classes (Q,) that ``predict`` gives for each target, with a note on how they were made."""
        shown = {"head": "head", "knn": "kNN"}.get(predictor, predictor)
        scores = []
        for name, (true, classes) in self.targets.items():
            with optional(f"{shown} of {name}", self.notes):
                predicted, note = predict(name)
                per_class = map(float, f1_per_class(true, predicted, len(classes)))
                interval = self._interval(true, predicted, len(classes))
                scores.append(
                    Score(predictor, name, interval, dict(zip(classes, per_class, strict=True)), note)
                )
        return scores

    def _interval(self, true: Ints, predicted: Ints, num_classes: int) -> Interval:
        if len(np.unique(self.identities)) < 2:
            return Interval.without_range(macro_f1(true, predicted, num_classes))
        return bootstrap_interval(true, predicted, self.identities, num_classes=num_classes, seed=self.seed)

    def _neighbors_vote(self, graph: NeighborGraph, name: str) -> tuple[Ints, str]:
        """The classes (Q,) of kNN, each half of the identities by the k and the vote that the other half chose."""
        known, true = self.known[name][0], self.targets[name][0]
        halves = identity_folds(self.identities, 2, true, seed=self.seed)
        predicted, settings = np.empty_like(true), []
        for half in (0, 1):
            chosen, held = np.flatnonzero(halves == half), np.flatnonzero(halves != half)
            best = choose_k(
                graph.ids[chosen], graph.similarities[chosen], known, true[chosen], seed=self.seed
            ).best
            votes = votes_for_ks(
                graph.ids[held],
                graph.similarities[held],
                known,
                [best.k],
                votes=best.votes,
                temperature=best.temperature,
            )
            predicted[held] = votes[best.k].labels
            settings.append(f"k={best.k} {best.votes}")
        return predicted, " / ".join(dict.fromkeys(settings))
