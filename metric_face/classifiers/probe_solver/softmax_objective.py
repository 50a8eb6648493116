"""Softmax cross-entropy of several heads over the same rows, and its gradient, in one pass over the data.

Heads (the attributes of an image) are columns of one matrix product: a pass is bound by reading X, so three
attributes cost what one does. Sums over rows are float32 within a block and float64 across blocks.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints

BLOCK_ROWS = 1024  # of a block: X, scores and residuals stay in the cache
_NEAR = 60.0  # exp(-60) is far above the smallest float32
_SCORES_KEPT = 1 << 28  # bytes of all rows' scores held on the processor

InterceptStep = Callable[[Doubles], Doubles]


@dataclass(frozen=True)
class ObjectiveValue:
    """Value and derivatives at one point.

    Attributes:
        loss: sum over heads of the weighted mean cross-entropy.
        gradient: (D + 1, T) by coefficient, the last row by intercept; T = classes of all heads together.
        mean: (T,) weighted mean probability of each class.
        moment: (T, T) weighted mean of p p^T, or (T,) its diagonal; None unless asked for.
        intercepts: (T,) at which all of this holds: those given, or what ``intercept_step`` made of them.
    """

    loss: float
    gradient: Doubles
    mean: Doubles
    moment: Doubles | None
    intercepts: Doubles


class Objective(Protocol):
    """What the solver needs: sizes, and an evaluation at (D + 1, T) coefficients."""

    @property
    def num_features(self) -> int: ...

    @property
    def heads(self) -> Sequence[slice]: ...

    def evaluate(
        self, weights: Doubles, moment: str | None = None, intercept_step: InterceptStep | None = None
    ) -> ObjectiveValue: ...


def head_slices(sizes: Sequence[int]) -> tuple[slice, ...]:
    """The columns of each head."""
    ends = np.cumsum(sizes)
    return tuple(slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True))


class NumpyObjective:
    """The objective on the processor.

    Args:
        X: (N, D) float32, standardized.
        targets: for each head the (N,) codes 0..C-1.
        sizes: for each head its C.
        row_weights: for each head (N,) float32 weights of mean 1, or None.
    """

    def __init__(
        self, X: Floats, targets: Sequence[Ints], sizes: Sequence[int], row_weights: Sequence[Floats | None]
    ) -> None:
        from threadpoolctl import ThreadpoolController

        self._X, self._targets, self._weights = X, targets, row_weights
        self._blas: Any = ThreadpoolController().select(user_api="blas")
        self._threads = max((library["num_threads"] for library in self._blas.info()), default=1)
        self.heads = head_slices(sizes)
        self.num_features = X.shape[1]

    def evaluate(
        self, weights: Doubles, moment: str | None = None, intercept_step: InterceptStep | None = None
    ) -> ObjectiveValue:
        """Value and gradient; ``moment`` is None, "full" or "diagonal".

        Each thread takes its own share of the rows and BLAS stays single-threaded inside it: threads meet
        once or twice in a pass instead of twice in every block.

        Args:
            weights: (D + 1, T).
            moment: None, "full" or "diagonal".
            intercept_step: turns the (T,) gradient of the intercepts into what to take off them, before the rest
                is evaluated: one more softmax and no more products. Ignored where the scores would not fit.
        """
        rows, point = len(self._X), weights.astype(np.float32)
        threads = max(1, min(self._threads, rows // (4 * BLOCK_ROWS)))
        cuts = np.linspace(0, rows, threads + 1).astype(int)
        shares = list(pairwise(cuts))
        intercepts, kept = weights[-1], None
        with ExitStack() as stack:
            over: Any = map
            if threads > 1:
                stack.enter_context(self._blas.limit(limits=1))
                over = stack.enter_context(ThreadPoolExecutor(threads)).map
            if intercept_step is not None and rows * point.shape[1] * 4 <= _SCORES_KEPT:
                kept = np.empty((rows, point.shape[1]), np.float32)
                slopes = sum(over(lambda ends: self._intercept_slopes(point, kept, *ends), shares)) / rows
                intercepts = intercepts - intercept_step(slopes)
                point[-1] = intercepts
            parts = list(over(lambda ends: self._share(point, kept, moment, *ends), shares))
        loss, gradient, mean, second = (sum(terms) / rows for terms in zip(*parts, strict=True))
        return ObjectiveValue(loss, gradient, mean, second if moment is not None else None, intercepts)

    def _intercept_slopes(self, point: Floats, kept: Floats, first: int, last: int) -> Doubles:
        """Keep the scores of the rows from ``first`` to before ``last``; return the sum of the residuals there."""
        slopes = np.zeros(point.shape[1])
        with _products_of_finite_numbers():
            for part in _blocks(first, last):
                np.matmul(self._X[part], point[:-1], out=kept[part])
                scores = kept[part] + point[-1]
                self._softmax(scores, part)
                slopes += np.ones(len(scores), np.float32) @ self._residuals(scores, part)
        return slopes

    def _share(
        self, point: Floats, kept: Floats | None, moment: str | None, first: int, last: int
    ) -> tuple[float, Doubles, Doubles, Doubles]:
        """Sums over the rows from ``first`` to before ``last``."""
        gradient, mean = np.zeros(point.shape), np.zeros(point.shape[1])
        shape = {"full": mean.shape * 2, "diagonal": mean.shape}.get(moment or "", (0,))
        second = np.zeros(shape)
        loss = 0.0
        with _products_of_finite_numbers():
            for part in _blocks(first, last):
                block = self._X[part]
                scores = block @ point[:-1] if kept is None else kept[part]
                scores += point[-1]
                loss += self._softmax(scores, part)
                if moment is not None:
                    weighted = self._weighted(scores, part)
                    second += weighted.T @ scores if moment == "full" else (weighted * scores).sum(axis=0)
                    mean += np.ones(len(block), np.float32) @ weighted
                residuals = self._residuals(scores, part)
                gradient[:-1] += block.T @ residuals
                gradient[-1] += np.ones(len(block), np.float32) @ residuals
        return loss, gradient, mean, second

    def _softmax(self, scores: Floats, part: slice) -> float:
        """Turn a block's scores into probabilities, in place, and return its loss."""
        loss, index = 0.0, np.arange(len(scores))
        for columns, target, row_weight in zip(self.heads, self._targets, self._weights, strict=True):
            head = scores[:, columns]
            far = _shift(head)
            right = head[index, target[part]]
            if far:
                np.maximum(
                    head, -_NEAR, out=head
                )  # below, products of subnormal numbers are fifty times slower
            np.exp(head, out=head)
            sums = head @ np.ones(head.shape[1], np.float32)  # a product: short rows are slow to sum
            head /= sums[:, None]
            each = np.log(sums) - right
            loss += float((each if row_weight is None else each * row_weight[part]).sum(dtype=np.float64))
        return loss

    def _residuals(self, scores: Floats, part: slice) -> Floats:
        """Turn a block's probabilities into weighted residuals; the probabilities are lost."""
        index = np.arange(len(scores))
        for columns, target in zip(self.heads, self._targets, strict=True):
            scores[index, columns.start + target[part]] -= 1
        return self._weighted(scores, part)

    def _weighted(self, scores: Floats, part: slice) -> Floats:
        if all(row_weight is None for row_weight in self._weights):
            return scores
        scaled = scores.copy()
        for columns, row_weight in zip(self.heads, self._weights, strict=True):
            if row_weight is not None:
                scaled[:, columns] *= row_weight[part, None]
        return scaled


def _products_of_finite_numbers() -> np.errstate:
    """Silence "invalid value": OpenBLAS raises the flag, rarely and at random, on small finite products."""
    return np.errstate(invalid="ignore")


def _blocks(first: int, last: int) -> Iterator[slice]:
    for start in range(first, last, BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, last))


def _shift(scores: Floats) -> bool:
    """Shift rows so that no exponential overflows, by one number if all are near; return whether they are not."""
    largest = scores.max()
    if largest - scores.min() < _NEAR:
        scores -= largest
        return False
    scores -= np.ascontiguousarray(scores.T).max(axis=0)[:, None]  # short rows are slow to search
    return True
