"""What can be wrong with labels, identities and the split: each check yields its findings."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metric_face.auditing.findings import DataFinding
from metric_face.auditing.label_columns import complete_rows, splits_of
from metric_face.data import ImageTable, LabelSpace

_SHOWN = 50  # groups of rows that a finding carries; its text has the true number
_FIXED = (
    0.95  # of the identities with several images: an attribute that hardly ever varies is meant to be fixed
)
_CLASSES = 50  # a column of more values, such as age in years, is not a set of classes


def check_missing(labels: pd.DataFrame) -> Iterator[DataFinding]:
    """Images without a label."""
    for name in labels.columns:
        rows = np.flatnonzero(labels[name].isna().to_numpy())
        if rows.size:
            yield DataFinding(
                f"missing-{name}",
                "warning",
                "missing",
                {"count": int(rows.size), "images": len(labels), "name": str(name)},
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
            rows = [np.flatnonzero(labels[name].isin(group).to_numpy()) for group in groups]
            yield DataFinding(
                f"names-alike-{name}",
                "warning",
                "names-alike",
                {
                    "count": len(groups),
                    "name": str(name),
                    "groups": [[f"{word!r} ({counts[word]})" for word in group] for group in groups],
                },
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
            "no-identities",
        )
        return
    identity_of = pd.Series(table.identities)
    several = identity_of.duplicated(keep=False)
    if table.splits:
        by_identity = identity_of.groupby(identity_of.to_numpy()).indices
        torn = [
            np.asarray(rows) for rows in by_identity.values() if table.frame["split"].iloc[rows].nunique() > 1
        ]
        if torn:
            yield DataFinding(
                "identity-across-splits",
                "certain",
                "identity-across-splits",
                {"count": len(torn), "identities": len(by_identity)},
                row_groups(torn),
            )
    for name in labels.columns:
        conflicting = _conflicts(identity_of[several], labels.loc[several, name])
        identities = identity_of[several].nunique()
        known = name in fixed
        if conflicting and (known or len(conflicting) <= (1 - _FIXED) * identities):
            yield DataFinding(
                f"two-values-{name}",
                "certain" if known else "warning",
                "two-values-fixed" if known else "two-values-usual",
                {"count": len(conflicting), "identities": int(identities), "name": str(name)},
                row_groups(conflicting),
            )
    single = int((identity_of.value_counts() == 1).sum())
    if single:
        yield DataFinding(
            "single-images",
            "note",
            "single-images",
            {"count": single, "identities": int(identity_of.nunique())},
        )


def varying_labels(identity_of: NDArray[Any] | None, labels: pd.DataFrame) -> frozenset[str]:
    """Labels that differ between images of one identity in more than a few identities, as a mask does.

    Args:
        identity_of: (N,) identities, or None.
        labels: (N, A).
    """
    if identity_of is None:
        return frozenset()
    names = pd.Series(identity_of)
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
    splits = splits_of(table)
    for name, column in columns.items():
        for split in dict.fromkeys(splits):
            here = set(column[(splits == split)[column.index]])
            lacking = [c for c in classes[name] if c not in here]
            if lacking:
                yield DataFinding(
                    f"class-missing-{name.replace(' ', '-')}",
                    "certain" if space is not None else "warning",
                    "class-missing-split" if table.splits else "class-missing",
                    {
                        "count": len(lacking),
                        "classes": len(classes[name]),
                        "name": name,
                        "split": split,
                        "lacking": list(lacking),
                    },
                )
        counts = column.value_counts()
        if len(counts) > 1 and counts.iloc[0] >= 10 * counts.iloc[-1]:
            yield DataFinding(
                f"uneven-{name.replace(' ', '-')}",
                "note",
                "uneven",
                {
                    "name": name,
                    "ratio": float(counts.iloc[0] / counts.iloc[-1]),
                    "largest": str(counts.index[0]),
                    "most": int(counts.iloc[0]),
                    "smallest": str(counts.index[-1]),
                    "fewest": int(counts.iloc[-1]),
                },
            )


def _conflicts(identity_of: pd.Series, values: pd.Series) -> list[NDArray[Any]]:
    """The rows of each identity with more than one value."""
    counts = values.groupby(identity_of.to_numpy()).nunique()
    wrong = set(counts[counts > 1].index)
    chosen = identity_of[identity_of.isin(wrong)]
    return [np.asarray(chosen.index[rows]) for rows in chosen.groupby(chosen.to_numpy()).indices.values()]


def row_groups(groups: Sequence[Sequence[int] | NDArray[Any]]) -> tuple[tuple[int, ...], ...]:
    """The first groups of rows, as a finding carries them."""
    return tuple(tuple(int(row) for row in group) for group in groups[:_SHOWN])
