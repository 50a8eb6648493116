"""What an index refuses: vectors of another model, and another number of identities than of queries."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import column_of
from metric_face.errors import ArgumentError, ModelMismatchError


def as_excluded(exclude: Any, num_queries: int) -> NDArray[Any]:
    """(Q,) the identities to exclude, one for each query."""
    identities = column_of(exclude if np.ndim(exclude) else [exclude])
    if identities.shape != (num_queries,):
        raise ArgumentError(
            f"exclude must hold one identity for each of the {num_queries} queries, found shape {identities.shape}"
        )
    return identities


def check_same_model(own: str, other: Any, fingerprint: str | None, name: str) -> None:
    """Refuse vectors of another model than the index's own, where both are known."""
    theirs = getattr(other, "fingerprint", "") if fingerprint is None else fingerprint
    if theirs and own and theirs != own:
        raise ModelMismatchError(
            f"{name} must come from the model of the index, {own}, found {theirs}; "
            "embed them with that model or build the index again"
        )
