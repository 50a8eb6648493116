"""Vectors and labels in arrays as what an evaluation looks at: a table with a split, and a label space."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from metric_face.arrays import Ints, column_of
from metric_face.data import Attribute, ImageTable, LabelSpace
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError
from metric_face.fold_assignment import identity_folds
from metric_face.missing import missing_rows
from metric_face.vectors import as_vectors, group_codes

HELD_OUT = 5
"""Of vectors without a split, one in so many identities is held out."""
_FREE = ("path", "split", "joint")


def from_arrays(
    vectors: Any, labels: Any, groups: Any, held_out: Any, split: str, seed: int
) -> tuple[Embeddings, LabelSpace | None]:
    """Make a table of arrays.

    Args:
        vectors: (N, D).
        labels: (N,) classes, a mapping or frame of (N,) columns, or None.
        groups: (N,) the identity of each, or None.
        held_out: (N,) booleans; None holds out a fifth of the groups, as evenly by class as possible.
        split: how the part that is held out is called.
        seed: of the holding out.

    Raises:
        ArgumentError: another length, a label that is missing, neither labels nor groups, or too few groups to split.
    """
    rows = as_vectors(vectors, "run")
    columns = _columns(labels, len(rows))
    if groups is not None:
        columns["identity"] = _column(groups, "groups", len(rows)).astype(str)
    if not columns:
        raise ArgumentError("labels or groups must be given with vectors, found neither; pass (N,) classes")
    names = [name for name in columns if name != "identity"]
    frame = pd.DataFrame({"path": [str(row) for row in range(len(rows))], **columns})
    table = ImageTable(frame, Path())
    space = LabelSpace(tuple(Attribute.of(table, name) for name in names)) if names else None
    held = _held_out(held_out, groups, table, space, seed)
    return Embeddings(rows, table.with_column("split", np.where(held, split, "train"))), space


def _columns(labels: Any, count: int) -> dict[str, Any]:
    if labels is None:
        return {}
    if hasattr(labels, "columns"):
        labels = {str(name): labels[name] for name in labels.columns}
    given = dict(labels) if isinstance(labels, Mapping) else {"label": labels}
    taken = next((name for name in given if name in (*_FREE, "identity")), None)
    if taken is not None:
        raise ArgumentError(f"labels: a column must not be called {taken!r}; rename it, or give it as groups")
    return {str(name): _column(values, f"labels[{name!r}]", count) for name, values in given.items()}


def _column(values: Any, name: str, count: int) -> Any:
    array = column_of(values)
    if array.shape != (count,):
        raise ArgumentError(
            f"{name} must have one value for each of the {count} vectors, found {array.shape}"
        )
    lacking = np.flatnonzero(missing_rows(array))
    if len(lacking):
        raise ArgumentError(f"{name} must not be missing, found none at row {lacking[0]}; drop such rows")
    return array


def _held_out(given: Any, groups: Any, table: ImageTable, space: LabelSpace | None, seed: int) -> Any:
    if given is not None:
        held = column_of(given)
        if held.shape != (len(table),) or held.dtype.kind != "b":
            raise ArgumentError(
                f"held_out must be (N,) booleans, found {held.dtype} of shape {held.shape}; True where not trained on"
            )
        if held.all() or not held.any():
            raise ArgumentError(
                "held_out must leave some vectors on both sides, found one side empty; None splits them"
            )
        return held
    owners: Ints = np.arange(len(table)) if groups is None else group_codes(groups)[0]
    size = len(np.unique(owners))
    if size < 2:
        raise ArgumentError(
            "groups must hold at least two identities to hold one out, found 1; give held_out="
        )
    classes = None if space is None else space.labels(table, space.target_names[-1])[0]
    return identity_folds(owners, min(HELD_OUT, size), classes, seed=seed) == 0
