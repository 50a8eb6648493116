"""What can be wrong with labels, identities and the split: each check yields its findings."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metric_face.arrays import Bools
from metric_face.auditing.findings import DataFinding
from metric_face.auditing.remedies import REMEDIES
from metric_face.data import ImageTable, LabelSpace, is_nested, text_of
from metric_face.missing import column_of, missing_rows

_SHOWN = 50  # groups of rows that a finding carries; its sentence has the true number
_FIXED = (
    0.95  # of the identities with several images: an attribute that hardly ever varies is meant to be fixed
)
_CLASSES = 50  # a column of more values, such as age in years, is not a set of classes
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


def counts_by_part(table: ImageTable, labels: pd.DataFrame) -> dict[str, dict[str, dict[str, int]]]:
    """By attribute, the images of each class in each split (``all`` where there is no split)."""
    splits = _parts(table)
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for name in labels.columns:
        column = labels[name].map(lambda value: "(missing)" if pd.isna(value) else str(value))
        grid = pd.crosstab(column.to_numpy(), splits.to_numpy())
        counts[str(name)] = {
            str(value): {split: int(grid.loc[value, split]) for split in dict.fromkeys(splits)}
            for value in grid.index
        }
    return counts


def check_missing(labels: pd.DataFrame) -> Iterator[DataFinding]:
    """Images without a label."""
    for name in labels.columns:
        rows = np.flatnonzero(labels[name].isna().to_numpy())
        if rows.size:
            yield DataFinding(
                f"missing-{name}",
                "warning",
                f"{rows.size} of {len(labels)} images have no {name}: they cannot be trained or tested on.",
                REMEDIES["missing"],
                row_groups([[int(row)] for row in rows]),
            )


def check_names(labels: pd.DataFrame) -> Iterator[DataFinding]:
    """Labels that differ only by case or blanks: one class under two names, most likely."""
    for name in labels.columns:
        words = labels[name].dropna().astype(str)
        counts = words.value_counts()
        alike: dict[str, list[str]] = {}
        for word in counts.index:
            alike.setdefault("".join(unicodedata.normalize("NFKC", word).casefold().split()), []).append(word)
        groups = [sorted(group) for group in alike.values() if len(group) > 1]
        if groups:
            told = "; ".join(
                " and ".join(f"{word!r} ({counts[word]})" for word in group) for group in groups[:3]
            )
            more = f"; and {len(groups) - 3} more" if len(groups) > 3 else ""
            rows = [np.flatnonzero(labels[name].isin(group).to_numpy()) for group in groups]
            yield DataFinding(
                f"names-alike-{name}",
                "warning",
                f"{len(groups)} groups of values of {name} differ only by case or blanks, and count as classes of "
                f"their own: {told}{more}.",
                REMEDIES["names-alike"],
                row_groups(rows),
            )


def check_identities(table: ImageTable, labels: pd.DataFrame, fixed: Sequence[str]) -> Iterator[DataFinding]:
    """Identities in two splits, identities with two values of what should be fixed, identities with one image.

    Args:
        table: N images.
        labels: (N, A) in words.
        fixed: attributes known to be fixed for an identity; others are taken for fixed where they hardly ever vary.
    """
    if table.identities is None:
        yield DataFinding(
            "no-identities",
            "note",
            "The table names no identities: whether one identity is in two splits cannot be checked, and each image "
            "counts as an identity of its own.",
            REMEDIES["no-identities"],
        )
        return
    who = pd.Series(table.identities)
    several = who.duplicated(keep=False)
    if table.splits:
        by_identity = who.groupby(who.to_numpy()).indices
        torn = [
            np.asarray(rows) for rows in by_identity.values() if table.frame["split"].iloc[rows].nunique() > 1
        ]
        if torn:
            yield DataFinding(
                "identity-across-splits",
                "certain",
                f"{len(torn)} of {len(by_identity)} identities have images in two splits: the model is tested "
                f"on identities that it was trained on, and the score says nothing about new identities.",
                REMEDIES["identity-across-splits"],
                row_groups(torn),
            )
    for name in labels.columns:
        conflicting = _conflicts(who[several], labels.loc[several, name])
        identities = who[several].nunique()
        known = name in fixed
        if conflicting and (known or len(conflicting) <= (1 - _FIXED) * identities):
            why = "one of the two is wrong" if known else f"{name} is the same within all others"
            yield DataFinding(
                f"two-values-{name}",
                "certain" if known else "warning",
                f"{len(conflicting)} of {identities} identities with several images have two values of {name}: {why}.",
                REMEDIES["two-values"].format(name=name),
                row_groups(conflicting),
            )
    single = int((who.value_counts() == 1).sum())
    if single:
        yield DataFinding(
            "single-images",
            "note",
            f"{single} of {who.nunique()} identities have one image: they can be told from others, and nothing can "
            f"be pulled together.",
            REMEDIES["single-images"],
        )


def varying_labels(who: NDArray[Any] | None, labels: pd.DataFrame) -> frozenset[str]:
    """Labels that differ between images of one identity in more than a few identities, as a mask does.

    Args:
        who: (N,) identities, or None.
        labels: (N, A).
    """
    if who is None:
        return frozenset()
    names = pd.Series(who)
    several = names.duplicated(keep=False)
    identities = names[several].nunique()
    conflicts = {name: _conflicts(names[several], labels.loc[several, name]) for name in labels.columns}
    return frozenset(str(name) for name, rows in conflicts.items() if len(rows) > (1 - _FIXED) * identities)


def check_classes(table: ImageTable, space: LabelSpace | None, labels: pd.DataFrame) -> Iterator[DataFinding]:
    """Classes that a split lacks, and how uneven classes are."""
    columns = {
        str(n): labels[n].dropna().astype(str) for n in labels.columns if labels[n].nunique() <= _CLASSES
    }
    classes: dict[str, Sequence[str]] = {name: sorted(set(column)) for name, column in columns.items()}
    if space is not None:
        columns = {str(n): labels[n].dropna().astype(str) for n in labels.columns}
        classes = {a.name: a.classes for a in space.attributes}
        if len(space.names) > 1:
            rows = np.flatnonzero(complete_rows(labels, space))
            joint = space.labels(table.take(rows), "joint")[0]
            columns["joint class"] = pd.Series(np.asarray(space.joint_names, dtype=object)[joint], index=rows)
            classes["joint class"] = space.joint_names
    splits = _parts(table)
    for name, column in columns.items():
        for split in dict.fromkeys(splits):
            here = set(column[(splits == split)[column.index]])
            lacking = [c for c in classes[name] if c not in here]
            if lacking:
                where = f"the split {split!r}" if table.splits else "the data"
                yield DataFinding(
                    f"class-missing-{name.replace(' ', '-')}",
                    "certain" if space is not None else "warning",
                    f"{len(lacking)} of {len(classes[name])} classes of {name} have no image in {where}: "
                    f"{_some(lacking)}. Macro F1 there does not mean what it means elsewhere.",
                    REMEDIES["class-missing"],
                )
        counts = column.value_counts()
        if len(counts) > 1 and counts.iloc[0] >= 10 * counts.iloc[-1]:
            yield DataFinding(
                f"uneven-{name.replace(' ', '-')}",
                "note",
                f"The largest class of {name} has {counts.iloc[0] / counts.iloc[-1]:.0f} times as many images as the "
                f"smallest ({counts.index[0]}: {counts.iloc[0]}, {counts.index[-1]}: {counts.iloc[-1]}). Macro F1 "
                f"counts both alike.",
                REMEDIES["uneven"],
            )


def _parts(table: ImageTable) -> pd.Series:
    if table.splits:
        column = table.frame["split"].reset_index(drop=True)
        return column.astype(str).where(~missing_rows(column), "(none)")
    return pd.Series(["all"] * len(table))


def _conflicts(who: pd.Series, values: pd.Series) -> list[NDArray[Any]]:
    """The rows of each identity with more than one value."""
    counts = values.groupby(who.to_numpy()).nunique()
    wrong = set(counts[counts > 1].index)
    chosen = who[who.isin(wrong)]
    return [np.asarray(chosen.index[rows]) for rows in chosen.groupby(chosen.to_numpy()).indices.values()]


def row_groups(groups: Sequence[Sequence[int] | NDArray[Any]]) -> tuple[tuple[int, ...], ...]:
    """The first groups of rows, as a finding carries them."""
    return tuple(tuple(int(row) for row in group) for group in groups[:_SHOWN])


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
