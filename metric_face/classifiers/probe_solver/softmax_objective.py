"""Softmax cross-entropy of several heads over the same rows, and its gradient, in one pass over the data.

Heads (the attributes of an image) are columns of one matrix product: a pass is bound by reading X, so three
attributes cost what one does. Sums over rows are float32 within a block and float64 across blocks.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.errors import ArgumentError

_ROWS = 1024  # of a block: X, scores and residuals stay in the cache
_NEAR = 60.0  # exp(-60) is far above the smallest float32
_DEVICE_BYTES = 1 << 28  # of scores held at once on an accelerator


@dataclass(frozen=True)
class ObjectiveValue:
    """Value and derivatives at one point.

    Attributes:
        loss: sum over heads of the weighted mean cross-entropy.
        gradient: (D + 1, T) by coefficient, the last row by intercept; T = classes of all heads together.
        mean: (T,) weighted mean probability of each class.
        moment: (T, T) weighted mean of p p^T, or (T,) its diagonal; None unless asked for.
    """

    loss: float
    gradient: Doubles
    mean: Doubles
    moment: Doubles | None


class Objective(Protocol):
    """What the solver needs: sizes, and an evaluation at (D + 1, T) coefficients."""

    @property
    def num_features(self) -> int: ...

    @property
    def heads(self) -> Sequence[slice]: ...

    def evaluate(self, weights: Doubles, moment: str | None = None) -> ObjectiveValue: ...


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

    def evaluate(self, weights: Doubles, moment: str | None = None) -> ObjectiveValue:
        """Value and gradient; ``moment`` is None, "full" or "diagonal".

        Each thread takes its own share of the rows and BLAS stays single-threaded inside it: threads meet
        once in a pass instead of twice in every block.
        """
        rows, point = len(self._X), weights.astype(np.float32)
        threads = max(1, min(self._threads, rows // (4 * _ROWS)))
        if threads == 1:
            parts = [self._share(point, moment, 0, rows)]
        else:
            cuts = np.linspace(0, rows, threads + 1).astype(int)
            with self._blas.limit(limits=1), ThreadPoolExecutor(threads) as pool:
                parts = list(pool.map(lambda a, b: self._share(point, moment, a, b), cuts[:-1], cuts[1:]))
        loss, gradient, mean, second = (sum(terms) / rows for terms in zip(*parts, strict=True))
        return ObjectiveValue(loss, gradient, mean, second if moment is not None else None)

    def _share(
        self, point: Floats, moment: str | None, first: int, last: int
    ) -> tuple[float, Doubles, Doubles, Doubles]:
        """Sums over the rows from ``first`` to before ``last``."""
        gradient, mean = np.zeros(point.shape), np.zeros(point.shape[1])
        shape = {"full": mean.shape * 2, "diagonal": mean.shape}.get(moment or "", (0,))
        second = np.zeros(shape)
        loss = 0.0
        for start in range(first, last, _ROWS):
            part = slice(start, min(start + _ROWS, last))
            block = self._X[part]
            scores = block @ point[:-1]
            scores += point[-1]
            index = np.arange(len(block))
            for columns, target, row_weight in zip(self.heads, self._targets, self._weights, strict=True):
                head = scores[:, columns]
                head -= _shift(head)
                right = head[index, target[part]]
                np.exp(head, out=head)
                sums = head @ np.ones(head.shape[1], np.float32)  # a product: short rows are slow to sum
                head /= sums[:, None]
                each = np.log(sums) - right
                loss += float((each if row_weight is None else each * row_weight[part]).sum(dtype=np.float64))
            if moment is not None:
                weighted = self._weighted(scores, part)
                second += weighted.T @ scores if moment == "full" else (weighted * scores).sum(axis=0)
                mean += np.ones(len(block), np.float32) @ weighted
            for columns, target in zip(self.heads, self._targets, strict=True):
                scores[index, columns.start + target[part]] -= 1
            residuals = self._weighted(scores, part)
            gradient[:-1] += block.T @ residuals
            gradient[-1] += np.ones(len(block), np.float32) @ residuals
        return loss, gradient, mean, second

    def _weighted(self, scores: Floats, part: slice) -> Floats:
        if all(row_weight is None for row_weight in self._weights):
            return scores
        scaled = scores.copy()
        for columns, row_weight in zip(self.heads, self._weights, strict=True):
            if row_weight is not None:
                scaled[:, columns] *= row_weight[part, None]
        return scaled


def _shift(scores: Floats) -> Any:
    """What to take off a row so that no exponential overflows: its largest score, or one number where all are near."""
    largest = scores.max()
    return largest if largest - scores.min() < _NEAR else scores.max(axis=1, keepdims=True)


class TorchObjective:
    """The same objective on an accelerator; X is moved there once, coefficients and gradients travel.

    Args:
        X: (N, D) float32, standardized.
        targets: for each head the (N,) codes 0..C-1.
        sizes: for each head its C.
        row_weights: for each head (N,) float32 weights of mean 1, or None.
        device: such as "cuda".
    """

    def __init__(
        self,
        X: Floats,
        targets: Sequence[Ints],
        sizes: Sequence[int],
        row_weights: Sequence[Floats | None],
        device: str,
    ) -> None:
        import torch

        self._torch: Any = torch
        try:
            self._X = torch.from_numpy(X).to(device)
        except (RuntimeError, AssertionError) as error:  # torch asserts where it was built without CUDA
            reason = str(error).splitlines()[0]
            raise ArgumentError(
                f"device must be 'cpu' or one that torch has, found {device!r}: {reason}"
            ) from None
        self._targets = [torch.from_numpy(target).to(device) for target in targets]
        self._weights = [None if w is None else torch.from_numpy(w).to(device) for w in row_weights]
        self.heads = head_slices(sizes)
        self.num_features = X.shape[1]
        self._rows = max(_ROWS, _DEVICE_BYTES // (4 * sum(sizes)))

    def evaluate(self, weights: Doubles, moment: str | None = None) -> ObjectiveValue:
        """Value and gradient; ``moment`` is None, "full" or "diagonal"."""
        torch = self._torch
        with torch.no_grad():
            point = torch.from_numpy(weights.astype(np.float32)).to(self._X.device)
            double = {"dtype": torch.float64, "device": self._X.device}
            gradient, mean = torch.zeros(weights.shape, **double), torch.zeros(weights.shape[1], **double)
            second: Any = 0.0
            loss = torch.zeros((), **double)
            for start in range(0, len(self._X), self._rows):
                part = slice(start, start + self._rows)
                block = self._X[part]
                scores = torch.addmm(point[-1], block, point[:-1])
                for columns, target, row_weight in zip(self.heads, self._targets, self._weights, strict=True):
                    logs = torch.log_softmax(scores[:, columns], dim=1)
                    each = -logs.gather(1, target[part, None])[:, 0]
                    loss += (each if row_weight is None else each * row_weight[part]).double().sum()
                    scores[:, columns] = logs.exp()
                if moment is not None:
                    weighted = self._weighted(scores, part)
                    second = second + (
                        weighted.T @ scores if moment == "full" else (weighted * scores).sum(dim=0)
                    )
                    mean += weighted.sum(dim=0).double()
                for columns, target in zip(self.heads, self._targets, strict=True):
                    scores[:, columns].scatter_add_(
                        1, target[part, None], torch.full_like(target[part, None], -1, dtype=scores.dtype)
                    )
                residuals = self._weighted(scores, part)
                gradient[:-1] += (block.T @ residuals).double()
                gradient[-1] += residuals.sum(dim=0).double()
            rows = len(self._X)
            return ObjectiveValue(
                float(loss) / rows,
                gradient.cpu().numpy() / rows,
                mean.cpu().numpy() / rows,
                second.double().cpu().numpy() / rows if moment is not None else None,
            )

    def _weighted(self, scores: Any, part: slice) -> Any:
        if all(row_weight is None for row_weight in self._weights):
            return scores
        scaled = scores.clone()
        for columns, row_weight in zip(self.heads, self._weights, strict=True):
            if row_weight is not None:
                scaled[:, columns] *= row_weight[part, None]
        return scaled
