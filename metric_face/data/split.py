"""split_by_identity: splits that share no identity, stratified as far as identities allow, and checked afterwards."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metric_face.arrays import column_of
from metric_face.data.attribute import Codes
from metric_face.data.images import content_hashes
from metric_face.data.table import ImageTable
from metric_face.errors import ArgumentError, DataError, SplitError
from metric_face.fold_assignment import assign_identities, identity_folds
from metric_face.missing import missing_rows


class SplitWarning(UserWarning):
    """A split is usable, and something about it should be known."""


def split_by_identity(
    table: ImageTable,
    stratify: Codes | Sequence[int] | None = None,
    *,
    shares: Mapping[str, float] | None = None,
    groups: Sequence[Any] | NDArray[Any] | None = None,
    seed: int = 0,
    warn: bool = True,
) -> ImageTable:
    """Split a table so that no identity is in two splits.

    Whole identities are assigned one by one, those with rare classes first, each to the split that its images bring
    nearest to its share of every class.

    Args:
        table: N images.
        stratify: class of each image (N,), usually the joint class; default none.
        shares: the splits and their shares of the images; default train 0.8 and val 0.2.
        groups: what must stay together (N,); default the table's identities, and where it has none, images
            whose files are exact copies of each other.
        seed: of the order in which equal identities are assigned.
        warn: False leaves it to the caller to ask :func:`check_split` for its warnings.

    Returns:
        The table with its column ``split`` set. It has passed :func:`check_split`.

    Raises:
        ArgumentError: the shares are not positive or do not add up to 1.
        SplitError: there are fewer identities than splits, or the result fails its check.

    Warns:
        SplitWarning: a split lacks a class, or its share of the images is off by more than the largest identity.
    """
    shares = dict(shares or {"train": 0.8, "val": 0.2})
    if len(shares) < 2 or min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-6:
        raise ArgumentError(
            f"shares={shares}: two or more positive shares that add up to 1, such as train 0.8, val 0.2"
        )
    units = unit_codes(table, groups)
    classes = np.zeros(len(table), np.int64) if stratify is None else np.asarray(stratify, dtype=np.int64)
    assigned = assign_identities(units, list(shares.values()), classes, seed=seed)
    result = table.with_column("split", np.array(list(shares), dtype=object)[assigned])
    for message in check_split(result, classes, groups=units, shares=shares):
        if warn:
            warnings.warn(message, SplitWarning, stacklevel=2)
    return result


def split_fold(
    table: ImageTable,
    num_folds: int,
    fold: int,
    stratify: Codes | Sequence[int] | None = None,
    *,
    test: float = 0.0,
    groups: Sequence[Any] | NDArray[Any] | None = None,
    seed: int = 0,
) -> ImageTable:
    """Split a table into one fold, ``val``, and the others, ``train``; the K calls share one assignment.

    Args:
        table: N images.
        num_folds: K >= 2.
        fold: the one held out, 0 to K - 1.
        stratify: class of each image (N,).
        test: share of the images that is set apart first, the same for every fold, as ``test``.
        groups: what must stay together (N,), as in :func:`split_by_identity`.
        seed: of the assignment.

    Returns:
        The table with its column ``split`` set.

    Raises:
        ArgumentError: there are fewer than two folds, more folds than identities, or no such fold.
        SplitError: there are too few identities for a test split.
    """
    if not 0 <= fold < num_folds:
        raise ArgumentError(f"fold={fold}: must be 0 to {num_folds - 1}, as there are {num_folds}")
    units = unit_codes(table, groups)
    classes = np.zeros(len(table), np.int64) if stratify is None else np.asarray(stratify, dtype=np.int64)
    splits = np.full(len(table), "test", dtype=object)
    rest = np.ones(len(table), bool)
    if test:
        rest = assign_identities(units, [1 - test, test], classes, seed=seed) == 0
    folds = identity_folds(units[rest], num_folds, classes[rest], seed=seed)
    splits[rest] = np.where(folds == fold, "val", "train").astype(object)
    return table.with_column("split", splits)


def check_split(
    table: ImageTable,
    classes: Codes | None = None,
    *,
    groups: Sequence[Any] | NDArray[Any] | None = None,
    shares: Mapping[str, float] | None = None,
    class_names: Sequence[str] | None = None,
    tolerance: float = 0.02,
) -> list[str]:
    """Check a split, made here or given: no identity is in two, and the shares are met.

    Args:
        table: N images with a ``split`` column.
        classes: class of each image (N,).
        groups: what must not be in two splits (N,), as in :func:`split_by_identity`.
        shares: the shares promised.
        class_names: for the messages.
        tolerance: allowed error of a share, beside the share of the largest identity.

    Returns:
        Warnings, one sentence each: classes missing in a split, shares missed.

    Raises:
        SplitError: a row has no split, there is only one split, or an identity is in two.
    """
    if "split" not in table.frame.columns:
        raise SplitError("split: the table has no column 'split'; make one with split_by_identity")
    column = table.frame["split"]
    lacking = np.flatnonzero(missing_rows(column))
    if len(lacking):
        raise SplitError(f"row {lacking[0]}: 'split' must not be empty; name its split")
    if column.nunique() < 2:
        raise SplitError(
            f"split: needs at least two splits that hold images; all rows are in {column.iloc[0]!r}"
        )
    units = unit_codes(table, groups)
    splits, names = pd.factorize(column)
    pairs = np.unique(np.stack([units, splits]), axis=1)
    shared, counts = np.unique(pairs[0], return_counts=True)
    leaked = shared[counts > 1]
    if len(leaked):
        row = int(np.flatnonzero(units == leaked[0])[0])
        name = (
            table.frame["identity"].iloc[row]
            if "identity" in table.frame.columns
            else table.frame["path"].iloc[row]
        )
        where = " and ".join(str(names[split]) for split in pairs[1][pairs[0] == leaked[0]])
        raise SplitError(
            f"split: {len(leaked)} of {len(shared)} identities are in two splits, the first {name!r} in {where}; "
            "what is measured on them is memory; split with split_by_identity"
        )
    return [
        *_missing_classes(splits, names, classes, class_names),
        *_missed_shares(splits, names, units, shares, tolerance),
    ]


def unit_codes(table: ImageTable, groups: Sequence[Any] | NDArray[Any] | None = None) -> Codes:
    """Number what must stay together: the given groups, else the identities, else exact copies of one file."""
    if groups is None:
        groups = table.identities
    if groups is None:
        groups = content_hashes(table.paths)
    if len(groups) != len(table):
        raise ArgumentError(f"groups: must have one value per image, {len(table)}; found {len(groups)}")
    column = column_of(groups)
    lacking = np.flatnonzero(missing_rows(column))
    if len(lacking):
        raise DataError(
            f"row {lacking[0]}: the group of the split must not be empty; fill it in or drop the row"
        )
    return pd.factorize(column)[0].astype(np.int64)


def _missing_classes(
    splits: NDArray[Any], names: Any, classes: Codes | None, class_names: Sequence[str] | None
) -> list[str]:
    if classes is None:
        return []
    present = np.unique(classes)
    found = []
    for split, name in enumerate(names):
        missing = np.setdiff1d(present, classes[splits == split])
        if len(missing):
            words = ", ".join(str(class_names[c] if class_names else c) for c in missing[:8])
            found.append(f"split: {name!r} lacks {len(missing)} of {len(present)} classes: {words}")
    return found


def _missed_shares(
    splits: NDArray[Any], names: Any, units: Codes, shares: Mapping[str, float] | None, tolerance: float
) -> list[str]:
    allowed = max(tolerance, float(np.bincount(units).max()) / len(units))
    actual = np.bincount(splits, minlength=len(names)) / len(splits)
    return [
        f"split: {name!r} holds {actual[split]:.1%} of the images, {shares[str(name)]:.1%} were asked for"
        for split, name in enumerate(names)
        if shares is not None and str(name) in shares and abs(actual[split] - shares[str(name)]) > allowed
    ]
