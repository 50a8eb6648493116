"""The settings of a linear probe, checked, and the weights of its rows."""

from typing import TYPE_CHECKING

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.classifiers.probe_solver.class_weights import class_weights
from metric_face.errors import ArgumentError

if TYPE_CHECKING:
    from metric_face.classifiers.linear_probe import LinearProbe


def check_settings(probe: "LinearProbe") -> Doubles:
    """Check the settings and return the path from strong to weak."""
    strengths = np.unique(np.atleast_1d(np.asarray(probe.strengths, dtype=np.float64)))[::-1]
    if strengths.size == 0 or not np.isfinite(strengths).all() or strengths[-1] <= 0:
        raise ArgumentError(f"strengths must be positive numbers, found {probe.strengths}; try 1e-3")
    if probe.solver not in ("logistic", "ridge"):
        raise ArgumentError(f"solver must be 'logistic' or 'ridge', found {probe.solver!r}")
    if strengths.size > 1 and probe.cv < 2:
        raise ArgumentError(
            f"cv must be at least 2 to choose among {strengths.size} strengths, found {probe.cv}"
        )
    if not probe.tol > 0 or probe.max_passes < 1:
        raise ArgumentError(
            f"tol must be above 0 and max_passes at least 1, found {probe.tol}, {probe.max_passes}"
        )
    if not np.isfinite(probe.logit_adjustment):
        raise ArgumentError(f"logit_adjustment must be a number, found {probe.logit_adjustment}; 1 is usual")
    return strengths


def row_weights(probe: "LinearProbe", codes: Ints, given: Doubles | None) -> Floats | None:
    """(N,) weights of class and row together, of mean 1; None where all are equal."""
    by_class = class_weights(probe.class_weight, probe.classes_, codes, given)
    if by_class is None and given is None:
        return None
    rows = np.ones(len(codes)) if by_class is None else by_class[codes]
    rows = rows if given is None else rows * given
    weights: Floats = (rows / rows.mean()).astype(np.float32)
    return weights
