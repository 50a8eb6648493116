"""What a user names of an index: filters such as ``gender=female``, a column, a row by number or path."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from metric_face.errors import ArgumentError
from metric_face.search.new_rows import CODE
from metric_face.search.where import rows_where

if TYPE_CHECKING:
    from metric_face.search.index import EmbeddingIndex

_SHOWN = 5


def parse_filters(index: "EmbeddingIndex", texts: Iterable[str]) -> dict[str, list[str]]:
    """Read filters ``COLUMN=VALUE``; of one column given twice any of the values will do.

    Args:
        index: whose columns they name.
        texts: such as ``gender=female``.

    Returns:
        Column -> values, as ``EmbeddingIndex.search(where=...)`` takes them.

    Raises:
        ArgumentError: no such column or value, with the nearest that there are.
    """
    where: dict[str, list[str]] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise ArgumentError(f"--where {text}: must be COLUMN=VALUE, such as gender=female")
        check_column(index, name, "--where")
        where.setdefault(name, []).append(value)
    check_values(index, where)
    return where


def check_values(index: "EmbeddingIndex", where: Mapping[str, Any]) -> None:
    """Refuse a filter that no image of the index passes by itself.

    Raises:
        ArgumentError: names the nearest values that there are.
    """
    for name, values in where.items():
        check_column(index, name, "where")
        for value in [values] if isinstance(values, str) or not hasattr(values, "__iter__") else values:
            if not rows_where(index.columns, {name: value}).any():
                known = {str(one) for one in index.columns[name].tolist() if one is not None}
                raise ArgumentError(
                    f"where {name}={value}: no image of the index has it; near it are {nearest_words(value, known)}"
                )


def check_column(index: "EmbeddingIndex", name: str, option: str) -> None:
    """Refuse a column that an index does not have.

    Raises:
        ArgumentError: names the nearest columns.
    """
    known = [column for column in index.columns if not column.startswith(CODE)]
    if name not in known:
        raise ArgumentError(
            f"{option} {name}: the index has no such column; near it are {nearest_words(name, known)}"
        )


def row_of(index: "EmbeddingIndex", text: str | int) -> int:
    """The row that a number, a path or a file name stands for.

    Raises:
        ArgumentError: there is none, or the file name stands for several.
    """
    if isinstance(text, int) or (text.isascii() and text.isdigit()):
        if not 0 <= int(text) < len(index):
            raise ArgumentError(f"--row {text}: the index has the rows 0 to {len(index) - 1}")
        return int(text)
    paths = index.columns["path"].tolist() if "path" in index.columns else []
    rows = [row for row, path in enumerate(paths) if path == text]
    if not rows:
        rows = [row for row, path in enumerate(paths) if path is not None and path.rsplit("/", 1)[-1] == text]
    if not rows:
        raise ArgumentError(
            f"--row {text}: no image of the index is called so; near it are {nearest_words(text, paths)}"
        )
    if len(rows) > 1:
        raise ArgumentError(
            f"--row {text}: stands for {len(rows)} images, such as {paths[rows[0]]} and {paths[rows[1]]}; name a path"
        )
    return rows[0]


def nearest_words(word: Any, known: Iterable[str]) -> str:
    """The few of some words that are most like one, or the first few where none is alike."""
    words = sorted(set(known))
    near = difflib.get_close_matches(str(word), words[:20_000], _SHOWN, 0.5) or words[:_SHOWN]
    return ", ".join(near) or "none"
