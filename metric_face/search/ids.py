"""What is handed to an index besides vectors: ids that stand once, and the columns that come with embeddings."""

from typing import Any

import numpy as np

from metric_face.arrays import Ints
from metric_face.errors import ArgumentError
from metric_face.search.columns import Columns, columns_of


def columns_for(embeddings: Any, labels: Any, count: int) -> Columns:
    """Prepare the labels given, or else the table of the embeddings."""
    return columns_of(getattr(embeddings, "table", None) if labels is None else labels, count)


def as_ids(ids: Any) -> Ints:
    """Return (N,) int64 ids, or raise ``ArgumentError`` if they are no whole numbers."""
    values = np.atleast_1d(np.asarray(ids))
    if values.ndim != 1 or (values.dtype.kind not in "iu" and values.size):
        raise ArgumentError(f"ids must be whole numbers, found {values.dtype} of shape {values.shape}")
    return values.astype(np.int64)


def check_ids(ids: Any, count: int, present: Ints) -> Ints:
    """Return the ids of ``count`` vectors to add beside those ``present``, each once and none below 0."""
    values = as_ids(ids)
    if len(values) != count:
        raise ArgumentError(f"ids must hold one id for each of the {count} vectors, found {len(values)}")
    if len(values) and values.min() < 0:
        raise ArgumentError(f"ids must be 0 or greater, found {int(values.min())}; -1 stands for no neighbor")
    ordered = np.sort(values)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(twice) and len(present):
        twice = values[np.isin(values, present)]
    if len(twice):
        raise ArgumentError(
            f"ids must each stand once in the index, found {int(twice[0])} twice; remove it first"
        )
    return values
