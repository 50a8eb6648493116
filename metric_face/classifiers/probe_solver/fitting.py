"""Fit linear heads to standardized rows: choose each head's strength on folds, then fit on all rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.classifiers.probe_solver.curvature import KroneckerPreconditioner
from metric_face.classifiers.probe_solver.logistic import Optimum, logistic_path
from metric_face.classifiers.probe_solver.ridge import Moments, ridge_path
from metric_face.classifiers.probe_solver.softmax_objective import (
    NumpyObjective,
    Objective,
    head_slices,
)
from metric_face.classifiers.probe_solver.strength_choice import StrengthChoice
from metric_face.classifiers.probe_solver.torch_objective import TorchObjective
from metric_face.metrics import fit_temperature

Fold = tuple[Ints, Ints]
_MOST_KEPT = 1 << 29  # bytes of what the folds leave for each other and for the final fit
_OUT_OF_REACH = -1000.0  # a score whose probability is 0
_BYTES_KEPT = 3 * 8  # for each coefficient: its curvature, that of the fold, and its sum over the folds


@dataclass(frozen=True)
class Heads:
    """What is to be fitted: the codes of each head, its number of classes and its row weights."""

    targets: Sequence[Ints]
    sizes: Sequence[int]
    row_weights: Sequence[Floats | None]

    def take(self, rows: Ints) -> "Heads":
        """The same heads on some of the rows."""
        weights = [None if weight is None else weight[rows] for weight in self.row_weights]
        return Heads([target[rows] for target in self.targets], self.sizes, weights)


@dataclass(frozen=True)
class FittedHead:
    """One head's result.

    Attributes:
        weights: (D + 1, C) coefficients of the standardized features, the last row the intercepts.
        strength: chosen.
        scores: (S,) out-of-fold macro F1 of each strength; None where there was nothing to choose.
        gradient_norm: largest absolute gradient entry at the optimum; 0 for ridge, which is solved exactly.
        converged: whether the solver reached its tolerance.
        passes: evaluations of all rows in the final fit.
    """

    weights: Doubles
    strength: float
    scores: Doubles | None
    gradient_norm: float
    converged: bool
    passes: int


def fit_logistic(
    X: Floats,
    heads: Heads,
    strengths: Doubles,
    folds: Sequence[Fold],
    *,
    tol: float,
    max_passes: int,
    device: str,
) -> list[FittedHead]:
    """Multinomial logistic regression for every head, all heads in each pass over the rows."""
    # The curvature of all rows serves each fold as well: it only shapes the steps.
    gram, columns = (X.T @ X).astype(np.float64) / len(X), head_slices(heads.sizes)
    shared: list[KroneckerPreconditioner] = []

    def path(rows: Floats, part: Heads, chosen: Doubles, start: Doubles) -> Iterator[Optimum]:
        weights = [None if w is None else w / (w.mean() or np.float32(1)) for w in part.row_weights]
        part = Heads(part.targets, part.sizes, weights)  # a fold's weights have mean 1 as well
        data = (rows, part.targets, part.sizes, part.row_weights)
        objective: Objective = NumpyObjective(*data) if device == "cpu" else TorchObjective(*data, device)
        known = [shared[int(np.flatnonzero(strengths == strength)[0])] for strength in chosen if shared]
        return logistic_path(
            objective, gram, start, chosen, preconditioners=known, tol=tol, max_passes=max_passes
        )

    choice = StrengthChoice(heads.targets, heads.sizes, len(strengths))
    shape = (X.shape[1] + 1, sum(heads.sizes))
    kept = len(strengths) * shape[0] * shape[1] * _BYTES_KEPT <= _MOST_KEPT
    sums, seen_in = np.zeros((len(strengths), *shape) if kept else 0), np.zeros(shape[1], dtype=np.int64)
    for train, held in folds:
        unseen, part, made = X[held], heads.take(train), []
        counts = _counts(part)
        seen_in += counts > 0
        for position, optimum in enumerate(path(X[train], part, strengths, _log_frequencies(counts))):
            scores = unseen @ optimum.weights[:-1].astype(np.float32) + optimum.weights[-1].astype(np.float32)
            for number, own in enumerate(columns):
                choice.record(number, position, held, scores[:, own])
            if kept:
                made.append(optimum.preconditioner)
                sums[position] += np.where(counts > 0, optimum.weights, 0)
        if counts.all():  # of a class without rows there is no curvature
            shared = shared or made
    best, macro_f1s = choice.best()
    averaged = bool(folds) and kept
    if averaged:  # the mean over the folds that saw a class is next to the optimum of all rows
        starts = sums / np.maximum(seen_in, 1)
        starts[:, -1, seen_in == 0] = _OUT_OF_REACH
        optima = {place: next(path(X, heads, strengths[[place]], starts[place])) for place in set(best)}
    else:
        optima = dict(enumerate(path(X, heads, strengths[: max(best) + 1], _log_frequencies(_counts(heads)))))
    fitted = []
    for own, position, scores in zip(columns, best, macro_f1s, strict=True):
        norm = float(np.abs(optima[position].gradient[:, own]).max())
        passes = sum(
            o.passes
            for place, o in optima.items()
            if place == position or (place < position and not averaged)
        )
        weights = optima[position].weights[:, own]
        fitted.append(FittedHead(weights, float(strengths[position]), scores, norm, norm <= tol, passes))
    return fitted


def fit_ridge(
    X: Floats, heads: Heads, strengths: Doubles, folds: Sequence[Fold], sample_weight: Doubles | None = None
) -> list[FittedHead]:
    """Ridge regression onto one-hot classes; scores become logits by a temperature.

    ``sample_weight`` (N,) is what each row counts in the temperature; the heads' weights hold it already.
    """
    choice = StrengthChoice(heads.targets, heads.sizes, len(strengths))
    moments = _moments(X, heads)
    rest = []
    for _, held in folds:
        parts = _moments(X[held], heads.take(held))
        rest.append([whole.without(part) for whole, part in zip(moments, parts, strict=True)])
        for number, sums in enumerate(rest[-1]):
            for position, weights in enumerate(ridge_path(sums, strengths)):
                choice.record(number, position, held, X[held] @ weights[:-1] + weights[-1])
    fitted = []
    for number, (position, scores) in enumerate(zip(*choice.best(), strict=True)):
        chosen = [strengths[position]]
        (weights,) = ridge_path(moments[number], chosen)
        logits = X @ weights[:-1] + weights[-1]
        for (_, held), remainder in zip(
            folds, rest, strict=True
        ):  # a temperature from rows the fit did not see
            (unseen,) = ridge_path(remainder[number], chosen)
            logits[held] = X[held] @ unseen[:-1] + unseen[-1]
        weights = weights / fit_temperature(logits, heads.targets[number], sample_weight)
        fitted.append(FittedHead(weights, float(strengths[position]), scores, 0.0, True, 1))
    return fitted


def _moments(X: Floats, heads: Heads) -> list[Moments]:
    """Sums of each head; the Gram matrix is shared by all heads whose rows weigh the same."""
    result: list[Moments] = []
    for target, size, weight in zip(heads.targets, heads.sizes, heads.row_weights, strict=True):
        shared = next((m.gram for m, w in zip(result, heads.row_weights, strict=False) if w is weight), None)
        result.append(Moments.of(X, target, size, weight, gram=shared))
    return result


def _counts(heads: Heads) -> Doubles:
    """(T,) weighted rows of each class."""
    parts = [
        np.bincount(target, weights=weight, minlength=size)
        for target, size, weight in zip(heads.targets, heads.sizes, heads.row_weights, strict=True)
    ]
    return np.concatenate(parts).astype(np.float64)


def _log_frequencies(counts: Doubles) -> Doubles:
    """(T,) intercepts to start from: the log of each class's count.

    A class without rows is put out of reach: its intercept, which has no penalty, would fall for ever.
    """
    return np.where(counts > 0, np.log(np.maximum(counts, np.finfo(float).tiny)), _OUT_OF_REACH)
