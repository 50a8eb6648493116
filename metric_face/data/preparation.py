"""From a configuration to images that can be trained on: read, check, label, split. Fails before training starts."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metric_face.arrays import Bools
from metric_face.data.attribute import Codes, obvious_attributes
from metric_face.data.images import find_broken, refuse_broken
from metric_face.data.labels import LabelSpace
from metric_face.data.split import check_split, split_by_identity, split_fold, unit_codes
from metric_face.data.table import ImageTable
from metric_face.errors import ArgumentError, ConfigError, DataError, SplitError
from metric_face.missing import missing_rows
from metric_face.progress import Progress, silent

if TYPE_CHECKING:
    from metric_face.config import DataConfig


@dataclass(frozen=True)
class PreparedData:
    """Images ready to train on.

    Attributes:
        table: N images with their split.
        space: the attributes to predict, or None to train on identities alone.
        dropped: what was left out and why, one line each.
        notes: what should be known about the split, one sentence each.
    """

    table: ImageTable
    space: LabelSpace | None
    dropped: tuple[str, ...]
    notes: tuple[str, ...]


def prepare_data(
    config: "DataConfig",
    *,
    progress: Progress = silent,
    first: Callable[[PreparedData], object] = lambda data: None,
) -> PreparedData:
    """Read the table that a configuration names, and check everything that could fail later.

    Args:
        config: the configuration's section ``data``.
        progress: called with (images checked, images in all).
        first: called with the labeled and split images before they are read, so that what can be refused for their
            labels is refused at once; not where broken images may be dropped, which changes both.

    Returns:
        The images with their labels' meaning and their split.

    Raises:
        ConfigError: no path is given.
        DataError: the table, a label or an image is wrong; one line that names the row or file and the rule.
    """
    if not config.path:
        raise ConfigError(
            "data.path: must name a folder of images, a CSV or a Parquet file; give it as the first argument of "
            "'train', or as data.path of the configuration"
        )
    table = ImageTable.read(config.path, box=config.box)
    read = table.notes
    table, dropped = _drop_unlabeled(table, config)
    found = None if config.skip_broken else _labeled_and_split(table, config, dropped, read)
    if found is not None:
        first(found)
    table, broken = _drop_broken(table, config.skip_broken, progress)
    return found or _labeled_and_split(table, config, [*dropped, *broken], read)


def _labeled_and_split(
    table: ImageTable, config: "DataConfig", dropped: Sequence[str], read: Sequence[str]
) -> PreparedData:
    space = None if config.attributes == [] else LabelSpace.of(table, config.attributes, config.bins)
    table, notes = split_table(table, space, config)
    return PreparedData(table, space, tuple(dropped), (*read, *notes))


def reopen_data(table: ImageTable, config: "DataConfig") -> PreparedData:
    """The images of a run as it left them, with their split; nothing is checked again."""
    space = None if config.attributes == [] else LabelSpace.of(table, config.attributes, config.bins)
    return PreparedData(table, space, (), ())


def _drop_unlabeled(table: ImageTable, config: "DataConfig") -> tuple[ImageTable, list[str]]:
    """Leave out the rows that lack a label, where the configuration asks for it; those of a test split need none."""
    if config.missing_labels == "refuse" or config.attributes == []:
        return table, []
    names = config.attributes or obvious_attributes(table)
    lacking = np.zeros(len(table), bool)
    for name in names:
        lacking |= missing_rows(table.column(name))
    lacking &= _is_learned(table)
    paths = table.frame["path"].to_numpy()[lacking]
    if lacking.sum() == _is_learned(table).sum():
        raise ArgumentError(f"data.missing_labels=drop: every row lacks one of {', '.join(names)}")
    return table.take(~lacking), [f"{path}: lacks a label" for path in paths]


def _is_learned(table: ImageTable) -> Bools:
    """(N,) whether an image's label is needed: all but those of splits other than ``train`` and ``val``."""
    if not table.splits:
        return np.ones(len(table), dtype=bool)
    return (
        ~table.frame["split"]
        .isin([split for split in table.splits if split not in ("train", "val")])
        .to_numpy()
    )


def _drop_broken(table: ImageTable, skip: bool, progress: Progress) -> tuple[ImageTable, list[str]]:
    broken = find_broken(table.paths, workers=os.cpu_count() or 1, progress=progress)
    if not skip:
        refuse_broken(broken)
    if len(broken) == len(table):
        refuse_broken(broken)
    kept = np.setdiff1d(np.arange(len(table)), list(broken))
    return table.take(kept), list(broken.values())


def split_table(
    table: ImageTable, space: LabelSpace | None, config: "DataConfig"
) -> tuple[ImageTable, list[str]]:
    """Split a table as configured, unless it has a column ``split``, and check the result.

    Returns:
        The table with its split, and what should be known about it, one sentence each.

    Raises:
        ConfigError: ``fold`` is not below ``folds``, or the table is split and ``folds`` asks for another split.
        SplitError: an identity is in two splits, or there is no ``train`` or no ``val``.
    """
    wanted = config.split
    groups = None if wanted.group is None else table.column(wanted.group).to_numpy()
    units = unit_codes(table, groups)
    classes = None if space is None else _joint_classes(table, space, config)
    names = None if space is None else space.joint_names
    shares = None
    if wanted.folds is not None:
        if wanted.fold >= wanted.folds:
            raise ConfigError(f"data.split.fold={wanted.fold}: must be below data.split.folds={wanted.folds}")
        if table.splits:
            raise ConfigError(
                f"data.split.folds={wanted.folds}: the table is split already, by its column 'split'; "
                "drop the column, or train without folds"
            )
        table = split_fold(
            table, wanted.folds, wanted.fold, classes, test=wanted.test, groups=units, seed=wanted.seed
        )
    elif not table.splits:
        shares = {"train": 1 - wanted.val - wanted.test, "val": wanted.val}
        if wanted.test:
            shares["test"] = wanted.test
        table = split_by_identity(table, classes, shares=shares, groups=units, seed=wanted.seed, warn=False)
    for split in ("train", "val"):
        if split not in table.splits:
            raise SplitError(
                f"split: needs a split {split!r}; it holds {', '.join(map(str, table.splits))}; name some images "
                f"{split!r}, or leave the split out"
            )
    labeled = np.ones(len(table), bool) if classes is None else classes >= 0
    notes = check_split(table, groups=units, shares=shares)
    if classes is not None:
        some = table.take(labeled)
        assert units is not None
        notes += check_split(some, classes[labeled], groups=units[labeled], class_names=names)
        _check_classes(some, classes[labeled], space)
        if not labeled.all():
            notes.append(f"{(~labeled).sum()} images outside train and val have no label")
    return table, notes


def _joint_classes(table: ImageTable, space: LabelSpace, config: "DataConfig") -> Codes:
    """(N,) joint classes; -1 for an image of a test split that has no label, where such are to be left alone."""
    classes = np.full(len(table), -1, dtype=np.int64)
    needed = np.ones(len(table), bool)
    if config.missing_labels == "drop":
        needed = space.has_labels(table) | _is_learned(table)
    if needed.all():
        return space.joint(space.encode(table))
    classes[needed] = space.joint(space.encode(table.take(needed)))
    return classes


def _check_classes(table: ImageTable, classes: Codes, space: LabelSpace | None) -> None:
    """Refuse classes from which nothing can be learned or measured."""
    if space is None:
        return
    split = table.frame["split"].to_numpy()
    known, asked = np.unique(classes[split == "train"]), np.unique(classes[split == "val"])
    if len(known) < 2:
        only = space.joint_names[known[0]] if len(known) else "none"
        raise DataError(
            f"labels: the split 'train' needs two classes or more of {', '.join(space.names)}, found one ({only}); "
            "check what the labels are read from"
        )
    if not np.isin(asked, known).any():
        names = ", ".join(space.joint_names[code] for code in asked[:3])
        raise SplitError(
            f"split: no class of 'val' ({names}) is in 'train'; check what the labels are read from"
        )
