"""What an evaluation by a protocol reads: vectors of a run or a folder, a split of them, and rows by their columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from metric_face.arrays import Bools, column_of
from metric_face.data import ImageTable, text_of
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError, DataError
from metric_face.missing import missing_rows
from metric_face.plurals import counted
from metric_face.run import Run

Source: TypeAlias = Run | Embeddings | str | Path


def embeddings_of(source: Source, split: str | None = None) -> Embeddings:
    """The embeddings of a run, or of a folder that ``embed --out`` wrote, in a split.

    Args:
        source: a run, its folder, a folder of embeddings, or embeddings.
        split: ``val``, ``test`` or another; ``all`` for every image; None for ``val`` where the table has it, else all.
            A table without splits is taken whole for each but a name that is neither None, ``all`` nor ``val``.

    Raises:
        ArgumentError: there is no such split.
        FileFormatError: the folder holds neither.
    """
    opened = opened_source(source)
    found = opened.embeddings() if isinstance(opened, Run) else opened
    splits = found.table.splits
    if split == "all" or (split in (None, "val") and not splits) or (split is None and "val" not in splits):
        return found
    return found.in_split(split or "val")


def opened_source(source: Source) -> Run | Embeddings:
    """The run, or the embeddings that are none's.

    Raises:
        FileFormatError: the folder holds neither.
    """
    if isinstance(source, Run | Embeddings):
        return source
    folder = Path(source)
    is_plain = (folder / "embeddings.json").is_file() and not (folder / "config.yaml").exists()
    return Embeddings.load(folder) if is_plain else Run.open(folder)


def trained_rows(source: Run | Embeddings, table: ImageTable) -> Bools:
    """Which images a run was trained on, (N,).

    Args:
        source: what the embeddings are of; of what is no trained run it is not known, and none is.
        table: the images of its embeddings.
    """
    if isinstance(source, Run) and source.trained and "train" in table.splits:
        return table.rows_in("train")
    return np.zeros(len(table), bool)


def rows_with(table: ImageTable, wanted: Mapping[str, Any], name: str) -> Bools:
    """Which images have one of the given values in each of the given columns, (N,).

    Args:
        table: the images.
        wanted: column -> a value, or several of which any will do.
        name: of the parameter, for an error.

    Raises:
        ArgumentError: there is no such column, or no image with the values.
    """
    chosen = np.ones(len(table), bool)
    for column, values in wanted.items():
        _check_column(table, column, name)
        several = [values] if isinstance(values, str) or not hasattr(values, "__iter__") else list(values)
        texts = texts_of(table, column)
        found = np.isin(texts, [text_of(value) for value in several])
        if not found.any():
            there = ", ".join(sorted({one for one in texts.tolist() if one})[:8]) or "none"
            raise ArgumentError(
                f"{name} {column}={', '.join(map(str, several))}: no image has it; there is {there}"
            )
        chosen &= found
    if not chosen.any():
        raise ArgumentError(f"{name}: no image has the values of all columns; found 0 of {len(table):,}")
    return chosen


def texts_of(table: ImageTable, name: str) -> Any:
    """(N,) values of a column as text, empty where one is missing.

    Raises:
        DataError: there is no such column, or it holds what is no label.
    """
    column = table.column(name)
    missing = missing_rows(column)
    try:
        texts = [
            "" if is_gone else text_of(value)
            for value, is_gone in zip(column_of(column).tolist(), missing, strict=True)
        ]
    except DataError as error:
        raise DataError(f"column {name!r}: {error}") from None
    return np.array(texts)


def labels_of(table: ImageTable, name: str, option: str) -> Any:
    """(N,) values of a column as text, None where one is missing.

    Raises:
        ArgumentError: the table has no such column.
    """
    _check_column(table, name, option)
    return column_of([text or None for text in texts_of(table, name).tolist()])


def with_identity(embeddings: Embeddings, identity: str, notes: list[str]) -> Embeddings:
    """The images that have a value of the column of identities.

    Args:
        embeddings: the images.
        identity: the column.
        notes: gets a line where some are left out.

    Raises:
        ArgumentError: there is no such column, or no image has a value.
    """
    names = labels_of(embeddings.table, identity, "identity")
    known = np.array([name is not None for name in names.tolist()])
    if known.all():
        return embeddings
    if not known.any():
        raise ArgumentError(
            f"identity {identity!r}: no image has one; name the column that says who is shown"
        )
    notes.append(f"left out: {counted(int((~known).sum()), 'images')} without a value of {identity}")
    return embeddings.take(known)


def _check_column(table: ImageTable, name: str, option: str) -> None:
    if name not in table.frame.columns:
        known = ", ".join(map(str, table.frame.columns))
        raise ArgumentError(f"{option} {name!r}: the table has {known}; name one of these")
