"""Curvature of a penalized softmax objective: a Kronecker preconditioner and the pairs of L-BFGS."""

import math

import numpy as np

from metric_face.arrays import Doubles
from metric_face.classifiers.probe_solver.softmax_objective import ObjectiveValue

_PAIR_BYTES = 1 << 29  # of steps and gradient changes kept
_MOST_PAIRS, _LEAST_PAIRS = 100, 5
_FLOOR = (
    1e-7  # of the largest eigenvalue: directions in which the softmax does not change, such as (1, ..., 1)
)


class KroneckerPreconditioner:
    """Inverse of (X^T X / N) (x) E[diag p - p p^T] + strength: the Hessian as if x and p were independent.

    Args:
        eigenvalues: (D,) of X^T X / N.
        eigenvectors: (D, D) of the same.
        evaluation: with mean and moment, at the point from which the solver starts.
        heads: the columns of each head.
        strength: of the penalty.

    Reference:
        Martens and Grosse, "Optimizing Neural Networks with Kronecker-factored Approximate Curvature", ICML 2015.
    """

    def __init__(
        self,
        eigenvalues: Doubles,
        eigenvectors: Doubles,
        evaluation: ObjectiveValue,
        heads: tuple[slice, ...],
        strength: float,
    ) -> None:
        assert evaluation.moment is not None
        total = len(evaluation.mean)
        spread = np.empty(total)
        self._classes: Doubles | None = None
        if evaluation.moment.ndim == 1:
            spread = evaluation.mean - evaluation.moment
        else:
            self._classes = np.zeros((total, total))
            for head in heads:
                block = np.diag(evaluation.mean[head]) - evaluation.moment[head, head]
                spread[head], self._classes[head, head] = np.linalg.eigh(block)
        for head in heads:
            spread[head] = np.maximum(spread[head], _FLOOR * max(spread[head].max(), np.finfo(float).tiny))
        self._features = eigenvectors
        self._curvature = np.maximum(eigenvalues, 0)[:, None] * spread + strength
        self._intercept = spread + 1e-3 * spread.max()  # the intercept has no penalty to bound its step

    def intercept_step(self, gradient: Doubles) -> Doubles:
        """Apply the inverse for the intercepts to their (T,) gradient: a Newton step of theirs alone."""
        if self._classes is None:
            step: Doubles = gradient / self._intercept
        else:
            step = self._classes @ ((gradient @ self._classes) / self._intercept)
        return step

    def __call__(self, gradient: Doubles) -> Doubles:
        """Apply the inverse to a (D + 1, T) gradient."""
        rotated = np.concatenate([self._features.T @ gradient[:-1], gradient[-1:]])
        if self._classes is not None:
            rotated = rotated @ self._classes
        rotated[:-1] /= self._curvature
        rotated[-1] /= self._intercept
        if self._classes is not None:
            rotated = rotated @ self._classes.T
        return np.concatenate([self._features @ rotated[:-1], rotated[-1:]])


class Pairs:
    """Steps s and gradient changes y = H s, which outlive a change of the penalty.

    The loss's curvature along s does not depend on the strength, and the penalty's is known: when the strength
    moves by d, y moves by d s. So what one strength learned serves the next, and a path costs little more than
    its first points.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        size = shape[0] * shape[1]
        self._limit = int(np.clip(_PAIR_BYTES // (16 * size), _LEAST_PAIRS, _MOST_PAIRS))
        self._pairs: list[tuple[Doubles, Doubles, float]] = []  # step, gradient change, their product

    def add(self, step: Doubles, change: Doubles) -> None:
        """Keep a pair if the curvature along it is positive, and drop the oldest beyond the limit."""
        s, y = step.ravel(), change.ravel()
        product = float(s @ y)
        if product > 1e-10 * math.sqrt(float(s @ s) * float(y @ y)):
            self._pairs.append((s, y, product))
            del self._pairs[: -self._limit]

    def move_strength(self, difference: float) -> None:
        """Account for a penalty that grew by ``difference``; intercepts are not penalized."""
        pairs, self._pairs = self._pairs, []
        penalized = (self._shape[0] - 1) * self._shape[1]
        for s, y, _ in pairs:
            y[:penalized] += difference * s[:penalized]
            self.add(s, y)

    def direction(self, gradient: Doubles, preconditioner: KroneckerPreconditioner) -> Doubles:
        """The L-BFGS direction (Nocedal and Wright, algorithm 7.4) from a preconditioned start."""
        q = gradient.ravel().copy()
        along = []
        # First loop, newest pair first: take out of q what each pair explains.
        for s, y, sy in reversed(self._pairs):
            along.append((s @ q) / sy)
            q -= along[-1] * y
        # The initial inverse Hessian, scaled so that along the newest pair it agrees with the measured curvature.
        q = preconditioner(q.reshape(self._shape)).ravel()
        if self._pairs:
            _, last, product = self._pairs[-1]
            q *= product / (last @ preconditioner(last.reshape(self._shape)).ravel())
        # Second loop, oldest pair first: put back each pair's own curvature.
        for (s, y, sy), a in zip(self._pairs, reversed(along), strict=True):
            q += (a - (y @ q) / sy) * s
        return -q.reshape(self._shape)
