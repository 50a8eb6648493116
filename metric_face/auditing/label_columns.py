"""The labels of a table in words, and how many images of each class a split has."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from metric_face.arrays import Bools, column_of
from metric_face.data import ImageTable, LabelSpace, is_nested, text_of
from metric_face.missing import missing_rows

_MANY = 20  # images a value, on average: a column with fewer is no label but a note, such as a file's source


def label_columns_of(table: ImageTable, space: LabelSpace | None) -> pd.DataFrame:
    """(N, A) the labels in words; None where one is missing.

    Args:
        table: N images.
        space: whose classes to take, bins included; without it, the columns that look like labels.
    """
    if space is None:
        return raw_labels(table)
    columns = {}
    for attribute in space.attributes:
        values = column_of(table.column(attribute.name))
        there = ~missing_rows(values)
        words = np.full(len(table), None, dtype=object)
        words[there] = attribute.decode(attribute.encode(values[there]))
        columns[attribute.name] = words
    return pd.DataFrame(columns)


def complete_rows(labels: pd.DataFrame, space: LabelSpace) -> Bools:
    """(N,) whether an image has every label of the space."""
    return np.asarray(labels[list(space.names)].notna().all(axis=1).to_numpy(), dtype=bool)


def raw_labels(table: ImageTable, always: Sequence[str] = ()) -> pd.DataFrame:
    """The columns as they are, of those that have enough images a value to be labels."""
    frame = table.frame.reset_index(drop=True)
    columns: dict[str, Any] = {}
    for name in table.attributes:
        values = column_of(frame[name])
        if any(is_nested(value) for value in values.tolist()):
            continue
        there = ~missing_rows(values)
        words = np.full(len(table), None, dtype=object)
        words[there] = [text_of(value) for value in values[there].tolist()]
        if name in always or 1 < len(set(words[there])) <= max(len(table) / _MANY, 2):
            columns[name] = words
    return pd.DataFrame(columns, index=frame.index)


def counts_by_split(table: ImageTable, labels: pd.DataFrame) -> dict[str, dict[str, dict[str, int]]]:
    """By attribute, the images of each class in each split (``all`` where there is no split)."""
    splits = splits_of(table)
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for name in labels.columns:
        column = labels[name].map(lambda value: "(missing)" if pd.isna(value) else str(value))
        grid = pd.crosstab(column.to_numpy(), splits.to_numpy())
        counts[str(name)] = {
            str(value): {split: int(grid.loc[value, split]) for split in dict.fromkeys(splits)}
            for value in grid.index
        }
    return counts


def splits_of(table: ImageTable) -> pd.Series:
    """(N,) the split of each image; ``all`` where there is none, ``(none)`` where it is not given."""
    if table.splits:
        column = table.frame["split"].reset_index(drop=True)
        return column.astype(str).where(~missing_rows(column), "(none)")
    return pd.Series(["all"] * len(table))
