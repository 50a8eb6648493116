"""The softmax objective on an accelerator."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.classifiers.probe_solver.softmax_objective import (
    BLOCK_ROWS,
    InterceptStep,
    ObjectiveValue,
    head_slices,
)
from metric_face.errors import ArgumentError

_DEVICE_BYTES = 1 << 28  # of scores held at once


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
        self._rows = max(BLOCK_ROWS, _DEVICE_BYTES // (4 * sum(sizes)))

    def evaluate(
        self, weights: Doubles, moment: str | None = None, intercept_step: InterceptStep | None = None
    ) -> ObjectiveValue:
        """Value and gradient; ``moment`` is None, "full" or "diagonal"; ``intercept_step`` is ignored."""
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
                weights[-1],
            )

    def _weighted(self, scores: Any, part: slice) -> Any:
        if all(row_weight is None for row_weight in self._weights):
            return scores
        scaled = scores.clone()
        for columns, row_weight in zip(self.heads, self._weights, strict=True):
            if row_weight is not None:
                scaled[:, columns] *= row_weight[part, None]
        return scaled
