"""The columns of a training log that the questions read, under the names that loggers give them.

A log is a table with one row for each step or epoch at which something was logged; a cell is empty where that
thing was not. A column that is missing makes the question that needs it abstain.
"""

from typing import TYPE_CHECKING

import numpy as np

from metric_face.arrays import Doubles

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: dict[str, tuple[str, ...]] = {
    "step": ("step", "global_step"),
    "epoch": ("epoch",),
    "loss": ("loss", "train/loss", "train_loss"),
    "learning_rate": ("lr", "learning_rate", "lr-AdamW", "lr-Adam", "lr-SGD"),
    "learning_rate_planned": ("lr_planned", "learning_rate_planned"),
    "update_ratio": ("update_ratio", "update_to_weight"),
    "batches": ("batches",),
    "batches_promised": ("batches_promised",),
    "macro_f1": ("val/macro_f1", "val_macro_f1", "validation/macro_f1", "val_f1"),
    "accuracy": ("val/accuracy", "val_accuracy", "validation/accuracy", "val_acc"),
    "kappa": ("conflict/kappa",),
    "kappa_low": ("conflict/low",),
    "kappa_high": ("conflict/high",),
    "kappa_raw": ("conflict/raw",),
    "kappa_tangential": ("conflict/tangential",),
    "kappa_radial": ("conflict/radial",),
    "kappa_shared": ("conflict/shared",),
    "magnitude_similarity": ("conflict/magnitude_similarity",),
    "reliability_metric": ("conflict/reliability_metric",),
    "reliability_heads": ("conflict/reliability_heads",),
    "probes": ("conflict/probes",),
    "share_active": ("metric/share_active", "share_active"),
}
"""What the questions call a column, and the names it may have; the first is ours."""

LOSS_PREFIXES = ("loss/", "train/loss/", "train_loss/")
FLOOR_PREFIX = "at_floor/"


def series(log: "pd.DataFrame | None", name: str) -> Doubles | None:
    """The values logged under one of a column's names, in order, empty cells left out; None where there are none."""
    if log is None:
        return None
    for column in COLUMNS[name]:
        if column in log.columns:
            values = log[column].to_numpy(dtype=np.float64, na_value=np.nan)
            values = values[np.isfinite(values)]
            return values if len(values) else None
    return None


def aligned(log: "pd.DataFrame | None", *names: str) -> tuple[Doubles, ...] | None:
    """Several columns on the rows where all of them hold a value; None where a column or every row is missing."""
    if log is None:
        return None
    found = []
    for name in names:
        column = next((c for c in COLUMNS[name] if c in log.columns), None)
        if column is None:
            return None
        found.append(log[column].to_numpy(dtype=np.float64, na_value=np.nan))
    kept = np.all([np.isfinite(values) for values in found], axis=0)
    return tuple(values[kept] for values in found) if kept.any() else None


def loss_terms(log: "pd.DataFrame | None") -> dict[str, Doubles]:
    """Every term of the loss, unweighted, by its name."""
    terms: dict[str, Doubles] = {}
    for column in () if log is None else log.columns:
        prefix = next((p for p in LOSS_PREFIXES if str(column).startswith(p)), None)
        if prefix is None or str(column).endswith(".weighted"):
            continue
        values = log[column].to_numpy(dtype=np.float64, na_value=np.nan)  # type: ignore[index]
        values = values[np.isfinite(values)]
        if len(values):
            terms[str(column)[len(prefix) :]] = values
    return terms
