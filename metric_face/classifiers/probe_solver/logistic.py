"""Multinomial logistic regression over a path of strengths, each started where the ones before point to.

The objective at strength s is the mean cross-entropy plus s/2 times the squared coefficients of the
standardized features; the intercept is free. scikit-learn's C is 1 / (s N).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
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
        preconditioner: that it used; it serves other rows of the same kind too.
    """

    strength: float
    weights: Doubles
    gradient: Doubles
    gradient_norm: float
    converged: bool
    passes: int
    preconditioner: KroneckerPreconditioner


def logistic_path(
    objective: Objective,
    gram: Doubles,
    start: Doubles,
    strengths: Iterable[float],
    *,
    preconditioners: Sequence[KroneckerPreconditioner] = (),
    tol: float = 1e-4,
    max_passes: int = 1000,
) -> Iterator[Optimum]:
    """Minimize the penalized objective for each strength in turn.

    Args:
        objective: the cross-entropy over N rows.
        gram: (D, D) X^T X / N of the same rows, or of others of their kind; not used with ``preconditioners``.
        start: (T,) intercepts to start from, such as log class frequencies, or (D + 1, T) coefficients.
        strengths: from strong to weak, so that each start is near its optimum.
        preconditioners: for each strength, that of other rows of the same kind.
        tol: largest absolute gradient entry accepted.
        max_passes: evaluations for each strength.

    Yields:
        The optimum of each strength, in the order given.
    """
    heads = tuple(objective.heads)
    moment = "full" if max(head.stop - head.start for head in heads) <= _MOST_CLASSES else "diagonal"
    weights = start
    if start.ndim == 1:
        weights = np.zeros((objective.num_features + 1, len(start)))
        weights[-1] = start  # log class frequencies are the optimum at an infinite penalty
    asked = None if preconditioners else moment
    values, vectors = (gram, gram) if preconditioners else np.linalg.eigh(gram)  # once, for every strength
    pairs = Pairs(weights.shape)
    evaluation = objective.evaluate(weights, asked)
    curved = evaluation  # the last one that has a moment
    done: list[Optimum] = []
    for position, strength in enumerate(strengths):
        passes = 1
        value, gradient = _penalized(evaluation, weights, strength)
        if done:
            # The penalty's curvature is known, so old pairs stay usable.
            pairs.move_strength(strength - done[-1].strength)
            ahead = weights + _step_ahead(done, strength)
            if asked or len(done) > 1:  # else there is nothing new to evaluate
                there = curved = objective.evaluate(ahead, asked, done[-1].preconditioner.intercept_step)
                ahead[-1] = there.intercepts
                new_value, new_gradient = _penalized(there, ahead, strength)
                if new_value <= value:
                    pairs.add(ahead - weights, new_gradient - gradient)
                    weights, evaluation, value, gradient = ahead, there, new_value, new_gradient
        preconditioner = (
            preconditioners[position]
            if preconditioners
            else KroneckerPreconditioner(values, vectors, curved, heads, strength)
        )
        while np.abs(gradient).max() > tol and passes < max_passes:
            # L-BFGS, with the preconditioner as the initial inverse Hessian.
            direction = pairs.direction(gradient, preconditioner)
            # Float32 noise in the pairs can turn the direction uphill; the preconditioned gradient never is.
            if (slope := float((direction * gradient).sum())) >= 0:
                direction = -preconditioner(gradient)
                slope = float((direction * gradient).sum())
            step = 1.0
            while passes < max_passes and step > _LEAST_STEP:
                # One Newton step of the intercepts, which the scores give away; a shorter try does without.
                point = weights + step * direction
                tried = objective.evaluate(
                    point, intercept_step=preconditioner.intercept_step if step == 1 else None
                )
                point[-1] = tried.intercepts
                passes += 1
                new_value, new_gradient = _penalized(tried, point, strength)
                if _accepts(value, new_value, gradient, new_gradient, step * slope):
                    break
                # Backtrack to the minimum of the parabola through value, slope and new value, within [0.1, 0.5].
                step *= float(np.clip(-slope * step / (2 * (new_value - value - slope * step)), 0.1, 0.5))
            else:  # no step was accepted: this is as low as float32 gets
                break
            pairs.add(point - weights, new_gradient - gradient)
            weights = point
            evaluation, value, gradient = tried, new_value, new_gradient
        norm = float(np.abs(gradient).max())
        done = [*done[-1:], Optimum(strength, weights, gradient, norm, norm <= tol, passes, preconditioner)]
        yield done[-1]


def _step_ahead(done: Sequence[Optimum], strength: float) -> Doubles | float:
    """Where the next optimum should lie, from the last: on in the logarithm of the strength, as from the one before.

    Not from another fold's optimum: it has seen the rows that are held out here, and where a weak penalty leaves the
    solver short of the optimum, its start shows in the out-of-fold score.
    """
    if len(done) < 2:
        return 0.0
    share = math.log(strength / done[1].strength) / math.log(done[1].strength / done[0].strength)
    return share * (done[1].weights - done[0].weights)


def _penalized(evaluation: ObjectiveValue, weights: Doubles, strength: float) -> tuple[float, Doubles]:
    gradient = evaluation.gradient.copy()
    gradient[:-1] += strength * weights[:-1]
    return evaluation.loss + strength / 2 * float((weights[:-1] ** 2).sum()), gradient


def _accepts(value: float, new: float, gradient: Doubles, new_gradient: Doubles, gain: float) -> bool:
    """Sufficient decrease; where float32 cannot tell the losses apart, a smaller gradient instead."""
    if new <= value + 1e-4 * gain:
        return True
    return new <= value + _NOISE * abs(value) and bool(np.abs(new_gradient).max() < np.abs(gradient).max())
