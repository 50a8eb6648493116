"""StepLog: what a training step writes to the log."""

from torch import Tensor

from metric_face.batches import METRIC
from metric_face.losses import JointLoss, JointResult, SummedLosses


class StepLog:
    """The values of a step, by name; what an earlier step had and this one lacks is an empty cell.

    Args:
        objective: whose terms are logged.
        mixes: whether batches are mixed, and so the column ``mixed`` is written.
    """

    def __init__(self, objective: JointLoss, mixes: bool) -> None:
        self.objective = objective
        self.mixes = mixes
        self._names: set[str] = set()

    def values(self, result: JointResult, mixed: bool) -> dict[str, Tensor | float]:
        """The terms of the loss and what the metric loss counted; NaN where a mixed batch leaves a value out."""
        row: dict[str, Tensor | float] = {**result.log()}
        if METRIC in result.terms:
            metric = self.objective.losses[METRIC]
            if (last := getattr(metric, "last", None)) is not None:
                row["metric/share_active"] = float(last.share_active)
            if isinstance(metric, SummedLosses):
                row |= {f"metric/{name}": value for name, value in metric.parts.items()}
        if self.mixes:
            row["mixed"] = float(mixed)
        missing = self._names - row.keys()
        self._names |= row.keys()
        return row | dict.fromkeys(missing, float("nan"))
