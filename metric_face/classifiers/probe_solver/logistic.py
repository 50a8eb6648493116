"""Multinomial logistic regression over a path of strengths, each started from the one before.

The objective at strength s is the mean cross-entropy plus s/2 times the squared coefficients of the
standardized features; the intercept is free. scikit-learn's C is 1 / (s N).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles
from metric_face.classifiers.probe_solver.curvature import KroneckerPreconditioner, Pairs
from metric_face.classifiers.probe_solver.softmax_objective import Objective, ObjectiveValue

_MOST_CLASSES = 512  # beyond, the classes' moment matrix and its eigenvectors cost more than they save
_LEAST_STEP = 1e-6  # a shorter step along a preconditioned direction is rounding
_NOISE = 1e-7  # relative: float32 losses that differ by less are equal


@dataclass(frozen=True)
class Optimum:
    """Where the solver stopped for one strength.

    Attributes:
        strength: of the penalty.
        weights: (D + 1, T) coefficients of the standardized features, the last row the intercepts.
        gradient: (D + 1, T) of the penalized objective there.
        gradient_norm: its largest absolute entry.
        converged: whether that is within the tolerance.
        passes: evaluations of all rows that this strength took.
    """

    strength: float
    weights: Doubles
    gradient: Doubles
    gradient_norm: float
    converged: bool
    passes: int


def logistic_path(
    objective: Objective,
    gram: Doubles,
    intercept: Doubles,
    strengths: Iterable[float],
    *,
    tol: float = 1e-4,
    max_passes: int = 1000,
) -> Iterator[Optimum]:
    """Minimize the penalized objective for each strength in turn.

    Args:
        objective: the cross-entropy over N rows.
        gram: (D, D) X^T X / N of the same rows.
        intercept: (T,) intercepts to start from, such as log class frequencies.
        strengths: from strong to weak, so that each start is near its optimum.
        tol: largest absolute gradient entry accepted.
        max_passes: evaluations for each strength.

    Yields:
        The optimum of each strength, in the order given.
    """
    values, vectors = np.linalg.eigh(gram)  # once: every strength's preconditioner reuses them
    heads = tuple(objective.heads)
    weights = np.zeros((objective.num_features + 1, len(intercept)))
    weights[-1] = intercept  # log class frequencies are the optimum at an infinite penalty
    pairs = Pairs(weights.shape)
    moment = "full" if max(head.stop - head.start for head in heads) <= _MOST_CLASSES else "diagonal"
    evaluation = objective.evaluate(weights, moment)
    before: float | None = None
    for strength in strengths:
        passes = 1
        if before is not None:
            pairs.move_strength(
                strength - before
            )  # the penalty's curvature is known, so old pairs stay usable
            evaluation = objective.evaluate(weights, moment)
        before = strength
        preconditioner = KroneckerPreconditioner(values, vectors, evaluation, heads, strength)
        value, gradient = _penalized(evaluation, weights, strength)
        while np.abs(gradient).max() > tol and passes < max_passes:
            # L-BFGS, with the preconditioner as the initial inverse Hessian.
            direction = pairs.direction(gradient, preconditioner)
            # Float32 noise in the pairs can turn the direction uphill; the preconditioned gradient never is.
            if (slope := float((direction * gradient).sum())) >= 0:
                direction = -preconditioner(gradient)
                slope = float((direction * gradient).sum())
            step = 1.0
            while passes < max_passes and step > _LEAST_STEP:
                evaluation = objective.evaluate(weights + step * direction)
                passes += 1
                new_value, new_gradient = _penalized(evaluation, weights + step * direction, strength)
                if _accepts(value, new_value, gradient, new_gradient, step * slope):
                    break
                # Backtrack to the minimum of the parabola through value, slope and new value, within [0.1, 0.5].
                step *= float(np.clip(-slope * step / (2 * (new_value - value - slope * step)), 0.1, 0.5))
            else:  # no step was accepted: this is as low as float32 gets
                break
            pairs.add(step * direction, new_gradient - gradient)
            weights = weights + step * direction
            value, gradient = new_value, new_gradient
        norm = float(np.abs(gradient).max())
        yield Optimum(strength, weights, gradient, norm, norm <= tol, passes)


def _penalized(evaluation: ObjectiveValue, weights: Doubles, strength: float) -> tuple[float, Doubles]:
    gradient = evaluation.gradient.copy()
    gradient[:-1] += strength * weights[:-1]
    return evaluation.loss + strength / 2 * float((weights[:-1] ** 2).sum()), gradient


def _accepts(value: float, new: float, gradient: Doubles, new_gradient: Doubles, gain: float) -> bool:
    """Sufficient decrease; where float32 cannot tell the losses apart, a smaller gradient instead."""
    if new <= value + 1e-4 * gain:
        return True
    return new <= value + _NOISE * abs(value) and bool(np.abs(new_gradient).max() < np.abs(gradient).max())
