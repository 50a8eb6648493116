"""fit_probes: one linear probe for each attribute, fitted in the same passes over the data."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_array

from metric_face.arrays import column_of
from metric_face.classifiers.estimator_inputs import dense
from metric_face.classifiers.linear_probe import LinearProbe, fit_together
from metric_face.errors import ArgumentError


def fit_probes(
    X: ArrayLike,
    targets: Mapping[str, ArrayLike],
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    **settings: Any,
) -> dict[str, LinearProbe]:
    """Fit one probe for each attribute, all of them in the same passes over the data.

    Args:
        X: (N, D) embeddings, dense or sparse.
        targets: for each attribute its (N,) classes.
        groups: (N,) identities, as in :meth:`LinearProbe.fit`.
        sample_weight: (N,) weights, as in :meth:`LinearProbe.fit`.
        settings: arguments of :class:`LinearProbe`, the same for all.

    Returns:
        The fitted probe of each attribute; each has its own strength.

    Raises:
        ArgumentError: no attribute, a setting out of range, or lengths that disagree.
    """
    if not len(targets):
        raise ArgumentError("targets must hold at least one attribute, found none")
    probes = {name: LinearProbe(**settings) for name in targets}
    rows = dense(check_array(X, dtype=np.float32, accept_sparse="csr"))
    labels = [column_of(values) for _, values in targets.items()]
    for name, values, probe in zip(targets, labels, probes.values(), strict=True):
        if values.shape != (len(rows),):
            raise ArgumentError(
                f"targets[{name!r}] must be one per row, found shape {values.shape} for {len(rows)}"
            )
        probe.n_features_in_ = rows.shape[1]
    fit_together(list(probes.values()), rows, labels, groups, sample_weight)
    return probes
