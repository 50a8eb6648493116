"""From a configuration to images that can be trained on: read, check, label, split. Fails before training starts."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metric_face.data.images import find_broken, refuse_broken
from metric_face.data.labels import LabelSpace
from metric_face.data.split import check_split, split_by_identity, split_fold, unit_codes
from metric_face.data.table import ImageTable
from metric_face.errors import ArgumentError, ConfigError, SplitError

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
    config: "DataConfig", *, progress: Callable[[int, int], object] | None = None
) -> PreparedData:
    """Read the table that a configuration names, and check everything that could fail later.

    Args:
        config: the configuration's section ``data``.
        progress: called with (images checked, images in all).

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
    table = ImageTable.read(config.path)
    table, dropped = _drop_unlabelled(table, config)
    table, broken = _drop_broken(table, config.skip_broken, progress)
    space = None if config.attributes == [] else LabelSpace.of(table, config.attributes, config.bins)
    table, notes = split_table(table, space, config)
    return PreparedData(table, space, (*dropped, *broken), tuple(notes))


def reopen_data(table: ImageTable, config: "DataConfig") -> PreparedData:
    """The images of a run as it left them, with their split; nothing is checked again."""
    space = None if config.attributes == [] else LabelSpace.of(table, config.attributes, config.bins)
    return PreparedData(table, space, (), ())


def _drop_unlabelled(table: ImageTable, config: "DataConfig") -> tuple[ImageTable, list[str]]:
    if config.missing_labels == "refuse" or not config.attributes:
        return table, []
    lacking = np.zeros(len(table), bool)
    for name in config.attributes:
        lacking |= table.column(name).isna().to_numpy()
    names = table.frame["path"].to_numpy()[lacking]
    if lacking.all():
        raise ArgumentError(
            f"data.missing_labels=drop: every row lacks one of {', '.join(config.attributes)}"
        )
    return table.take(~lacking), [f"{name}: lacks a label" for name in names]


def _drop_broken(
    table: ImageTable, skip: bool, progress: Callable[[int, int], object] | None
) -> tuple[ImageTable, list[str]]:
    def tick(count: int) -> None:
        if progress is not None:
            progress(count, len(table))

    broken = find_broken(table.paths, workers=os.cpu_count() or 1, progress=tick)
    if not skip:
        refuse_broken(broken)
    if len(broken) == len(table):
        refuse_broken(broken)
    kept = np.setdiff1d(np.arange(len(table)), list(broken))
    return table.take(kept), list(broken.values())


def split_table(
    table: ImageTable, space: LabelSpace | None, config: "DataConfig"
) -> tuple[ImageTable, list[str]]:
    """Split a table as the configuration says, unless it has a column ``split``, and check the result.

    Returns:
        The table with its split, and what should be known about it, one sentence each.

    Raises:
        ConfigError: ``fold`` is not below ``folds``, or the table is split and ``folds`` asks for another split.
        SplitError: an identity is in two parts, or there is no ``train`` or no ``val``.
    """
    wanted = config.split
    groups = None if wanted.group is None else table.column(wanted.group).to_numpy()
    units = unit_codes(table, groups)
    classes = None if space is None else space.joint(space.encode(table))
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
    for part in ("train", "val"):
        if part not in table.splits:
            raise SplitError(
                f"split: needs a part {part!r}; the column 'split' holds {', '.join(table.splits)}"
            )
    return table, check_split(table, classes, groups=units, shares=shares, class_names=names)
