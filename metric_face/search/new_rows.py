"""The columns of new images beside those of an index: lined up, with paths that lead there and codes of their classes.

An index that answers for targets holds, beside the columns of its table, the code of each image's class in a column
``code/TARGET``. Codes follow the names of the classes, which stand in ``metadata["targets"]``: who adds images gives
their table alone, and a name that is new gets the next code.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Bools
from metric_face.errors import ArgumentError
from metric_face.missing import is_missing
from metric_face.search.columns import Columns
from metric_face.search.ids import columns_for

CODE = "code/"
"""Prefix of the columns that hold a target's codes."""
ADDED = "gallery"
"""The ``split`` of an image that was added to an index, and is in none of the run's own."""


def new_columns(
    columns: Columns, metadata: Mapping[str, Any], embeddings: Any, labels: Any, count: int
) -> tuple[Columns, Columns, Mapping[str, Any]]:
    """Prepare the columns of ``count`` vectors to be added.

    Args:
        columns: of the index.
        metadata: of the index.
        embeddings: what is added; its table counts where ``labels`` is None, and may have other columns than the index:
            what one of the two lacks is missing there.
        labels: columns as the index has them, but for codes.
        count: vectors to add.

    Returns:
        The columns of the index, with those that are new; the columns of the new vectors; and the metadata, whose
        targets name the new classes.

    Raises:
        ArgumentError: a column is missing, is too many, or holds another kind of value.
        DataError: an image lacks the label of a target.
    """
    given = columns_for(embeddings, labels, count)
    lacking = [name for name in columns if name.startswith(CODE) and name not in given]
    new, metadata = with_codes(given, lacking, metadata)
    if labels is not None:
        return columns, new, metadata
    _point_paths(new, metadata.get("root"), getattr(getattr(embeddings, "table", None), "root", None))
    return *_lined_up(columns, new), metadata


def with_codes(
    columns: Columns, names: list[str], metadata: Mapping[str, Any]
) -> tuple[Columns, dict[str, Any]]:
    """Add the code columns ``names``, computed from the others, and return the metadata with new classes named."""
    if not names:
        return columns, dict(metadata)
    from metric_face.data import Attribute, LabelSpace

    if "attributes" not in metadata:
        raise ArgumentError("the index does not say how its classes are named; build it again, then add")
    attributes = metadata["attributes"]
    space = None if attributes is None else LabelSpace.from_dict(attributes)
    needed = ["identity"] if space is None else space.names
    absent = [name for name in needed if name not in columns]
    if absent:
        raise ArgumentError(
            f"embeddings must have the column {absent[0]!r}, which the index answers for, found "
            f"{', '.join(columns) or 'none'}; add it to their table"
        )
    targets = dict(metadata["targets"])
    codes = {}
    for column in names:
        target = column.removeprefix(CODE)
        named = (
            Attribute("identity", ()).names_of(columns["identity"])
            if space is None
            else space.class_names(columns, target)
        )
        classes = dict.fromkeys([*targets[target]["classes"], *named])
        place = {name: code for code, name in enumerate(classes)}
        codes[column] = np.array([place[name] for name in named], np.int64)
        targets[target] = {**targets[target], "classes": list(classes)}
    return columns.also(codes), {**metadata, "targets": targets}


def _point_paths(columns: Columns, root: Any, base: Any) -> None:
    """Let the paths, relative to ``base``, start from the root of the index, or from none."""
    if "path" not in columns or root is None or base is None or columns["path"].dtype != object:
        return
    home, paths = Path(root), columns["path"]
    base = Path(os.path.realpath(base))
    if base == home:
        return
    for row, name in enumerate(paths.tolist()):
        path = base / name
        paths[row] = str(path.relative_to(home) if path.is_relative_to(home) else path)


def _lined_up(own: Columns, new: Columns) -> tuple[Columns, Columns]:
    """Give each of the two the columns of the other, with missing values; numbers become text beside text."""
    if not own.length:
        return own, new
    texts = {
        name: _as_texts(new[name].tolist())
        for name in own
        if name in new and own[name].dtype == object and new[name].dtype != object
    }
    new = new.also(texts)
    return (
        own.also({name: _missing(name, new, own.length) for name in new if name not in own}),
        new.also({name: _missing(name, own, new.length) for name in own if name not in new}),
    )


def _as_texts(values: list[Any]) -> Any:
    from metric_face.data import text_of

    texts = np.empty(len(values), object)
    texts[:] = [None if is_missing(value) else text_of(value) for value in values]
    return texts


def _missing(name: str, holder: Columns, count: int) -> Any:
    kind = holder[name].dtype
    if kind.kind not in "Of":
        raise ArgumentError(
            f"embeddings: column {name!r} holds {kind} and one side lacks it, which has no word for a missing one; "
            "give it to both, or as text"
        )
    return np.full(count, None if kind.kind == "O" else np.nan, kind)


def relabeled(
    columns: Columns, metadata: Mapping[str, Any], values: Mapping[str, Any], chosen: Bools
) -> tuple[Columns, dict[str, Any]]:
    """Set columns of the chosen rows to a value each; the codes of these rows follow.

    Raises:
        ArgumentError: a column is not there, is a code, or holds another kind of value.
    """
    changed = {}
    for name, value in values.items():
        if name not in columns or name.startswith(CODE):
            known = sorted(name for name in columns if not name.startswith(CODE))
            raise ArgumentError(f"values: column must be one of {known}, found {name!r}; name one of these")
        changed[name] = columns[name].copy()
        kind = changed[name].dtype
        is_text = kind.kind == "O"
        new = _as_texts([value])[0] if is_text else value
        if not is_text and (isinstance(value, str) or np.asarray(value).dtype.kind not in kind.kind + "i"):
            raise ArgumentError(
                f"values: column {name!r} holds {kind}, found {value!r}; give one of its kind"
            )
        changed[name][chosen] = new
    columns = columns.also(changed)
    coded = [name for name in columns if name.startswith(CODE)]
    if not coded:
        return columns, dict(metadata)
    part, metadata = with_codes(columns.take(chosen), coded, metadata)
    codes = {name: columns[name].copy() for name in coded}
    for name in coded:
        codes[name][chosen] = part[name]
    return columns.also(codes), metadata
