"""The shape of a training log: did the loss break, was validation still rising at the end, when was it best?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metric_face.arrays import Doubles
from metric_face.diagnosis.measures.training_log import COLUMNS, LOSS_PREFIXES, series

if TYPE_CHECKING:
    import pandas as pd

FEWEST_STEPS = 8
STILL_FALLING = 0.1
"""Share of the whole fall of the loss that must lie in the last quarter for it to be still falling."""
STILL_RISING = 0.1
"""The same for the rise of validation."""
LEAST_RISE = 0.01
LEAST_LAST_RISE = 0.03
"""Rise of macro F1 in the last epoch of a training of few epochs, for it to be still rising."""
LARGE_UPDATE = 0.03
"""|update| / |weight| of a step above which training jumps about; 1e-3 is usual."""
BLOWN_UP = 3.0
"""Times its start at which a loss that had fallen has blown up."""
SURE = 3.0
"""Standard errors."""


@dataclass(frozen=True)
class BestEpoch:
    """When validation was best.

    Attributes:
        best: the best macro F1.
        at: its place, counted from 1.
        of: how many times validation was measured.
        last: macro F1 at the end.
    """

    best: float
    at: int
    of: int
    last: float


def best_epoch(log: "pd.DataFrame | None") -> BestEpoch | None:
    """The best validation score of the log, and the last; None where there is none."""
    scores = series(log, "macro_f1")
    if scores is None:
        return None
    at = int(scores.argmax())
    return BestEpoch(float(scores[at]), at + 1, len(scores), float(scores[-1]))


def still_improving(log: "pd.DataFrame | None") -> float | None:
    """How much validation, or else the loss, still improved over the last quarter of training.

    Of a training of few epochs the last one counts, where it was the best and the loss was still falling too.

    Returns:
        The rise of macro F1 over the last quarter where validation was still rising; 0 where only the loss was still
        falling; None where neither, or where the log is too short to show it.
    """
    scores = series(log, "macro_f1")
    if scores is not None and len(scores) >= FEWEST_STEPS:
        before, after, error = _quarters(scores)
        whole = after - float(scores[0])
        rise = after - before
        if rise > LEAST_RISE and rise > SURE * error and rise > STILL_RISING * whole:
            return rise
        return None
    falling = _still_falling(_losses(log))
    if scores is None or len(scores) < 2:
        return 0.0 if falling else None
    rise = float(scores[-1] - scores[-2])
    best = bool(scores[-1] == scores.max())
    risen = best and rise > max(LEAST_LAST_RISE, STILL_RISING * float(np.ptp(scores)))
    return rise if risen and falling is not False else None


def _still_falling(losses: Doubles | None) -> bool | None:
    """Whether the loss was still falling at the end; None where too few steps were logged to show it."""
    if losses is None or len(losses) < FEWEST_STEPS:
        return None
    before, after, error = _quarters(losses)
    fall = before - after
    start = float(losses[: max(1, len(losses) // 8)].mean())
    return bool(fall > SURE * error and fall > STILL_FALLING * (start - after))


def broken_loss(log: "pd.DataFrame | None") -> tuple[str, float] | None:
    """How the loss broke, with the number that shows it.

    Returns:
        ``("not_finite", share)``: share of the steps after the first whose loss is not finite;
        ``("blown_up", times)``: the end over the start of a loss that ends far above it;
        ``("jumping", ratio)``: the median |update| / |weight| where it is enormous and the loss has not fallen;
        None where nothing broke.
    """
    lost = _not_finite(log)
    if lost is not None:
        return "not_finite", lost
    losses = _losses(log)
    if losses is None or len(losses) < FEWEST_STEPS:
        return None
    start = float(np.median(losses[: max(1, len(losses) // 8)]))
    end = float(np.median(losses[-max(1, len(losses) // 4) :]))
    if end > BLOWN_UP * max(start, 1e-9):
        return "blown_up", end / max(start, 1e-9)
    updates = series(log, "update_ratio")
    if updates is not None and len(updates) >= FEWEST_STEPS:
        ratio = float(np.median(updates))
        if ratio > LARGE_UPDATE and end > 0.9 * start:
            return "jumping", ratio
    return None


def _quarters(values: Doubles) -> tuple[float, float, float]:
    """Means of the third and of the last quarter, and the standard error of their difference."""
    size = max(1, len(values) // 4)
    last, before = values[-size:], values[-2 * size : -size]
    noise = float(np.std(np.diff(values[-2 * size :]), ddof=1)) / np.sqrt(2) if size > 1 else 0.0
    return float(before.mean()), float(last.mean()), noise * float(np.sqrt(2 / size))


def _losses(log: "pd.DataFrame | None") -> Doubles | None:
    """The whole loss where it is logged, else the sum of its parts on the rows that hold all of them."""
    whole = series(log, "loss")
    if whole is not None:
        return whole
    parts = _loss_columns(log)
    if log is None or not parts:
        return None
    values = log[parts].to_numpy(dtype=np.float64, na_value=np.nan).sum(axis=1)
    values = values[np.isfinite(values)]
    return values if len(values) else None


def _loss_columns(log: "pd.DataFrame | None") -> list[str]:
    if log is None:
        return []
    names = [str(column) for column in log.columns]
    return [n for n in names if n.startswith(LOSS_PREFIXES) and not n.endswith(".weighted")]


def _not_finite(log: "pd.DataFrame | None") -> float | None:
    """Share of steps, after the first finite loss, that have a learning rate and no finite loss, or an infinite one.

    An empty cell is read as NaN too; so only rows count on which the step's learning rate was logged, and only
    columns that were logged on such rows before; of a mixed batch only the whole loss counts, since not every term
    reads it.
    """
    if log is None:
        return None
    columns = [c for c in COLUMNS["loss"] if c in log.columns] + _loss_columns(log)
    rate = next((c for c in COLUMNS["learning_rate"] if c in log.columns), None)
    for column in columns:
        values = log[column].to_numpy(dtype=np.float64, na_value=np.nan)
        infinite = np.isinf(values)
        if infinite.any():
            return float((infinite | np.isnan(values)).mean())
        if rate is None:
            continue
        stepped = np.isfinite(log[rate].to_numpy(dtype=np.float64, na_value=np.nan))
        if "mixed" in log.columns and column not in COLUMNS["loss"]:
            stepped &= log["mixed"].to_numpy(dtype=np.float64, na_value=np.nan) != 1
        known = np.isfinite(values[stepped])
        if known.any() and known[: int(np.flatnonzero(known)[-1]) + 1].all() and not known.all():
            return float((~known).mean())
        if len(known) >= FEWEST_STEPS and not known.any():
            return 1.0
    return None
