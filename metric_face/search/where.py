"""where: a choice of an index's vectors by what their columns hold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from metric_face.arrays import Bools
from metric_face.errors import ArgumentError
from metric_face.missing import is_missing
from metric_face.search.columns import Column, Columns


def rows_where(columns: Columns, where: Mapping[str, Any]) -> Bools:
    """Say which of N rows hold one of the given values in each of the given columns.

    Args:
        columns: of N rows.
        where: column -> a value, or a list of values of which any will do; None stands for a missing one. In a column
            of numbers or bools, text is read as such.

    Returns:
        (N,) booleans.

    Raises:
        ArgumentError: no column, a column that is not there, or text that is no value of its kind.
    """
    if not isinstance(where, Mapping) or not where:
        raise ArgumentError(
            f"where must name a column and a value, as {{'identity': 'Anna'}}, found {where!r}"
        )
    chosen = np.ones(columns.length, bool)
    for name, wanted in where.items():
        if name not in columns:
            raise ArgumentError(
                f"where: column must be one of {sorted(columns)}, found {name!r}; name one of these"
            )
        chosen &= _holds(name, columns[name], listed(wanted))
    return chosen


def listed(wanted: Any) -> list[Any]:
    """The values wanted of a column, whether one or several were given."""
    if isinstance(wanted, str) or not hasattr(wanted, "__iter__"):
        return [wanted]
    return wanted.tolist() if hasattr(wanted, "tolist") else list(wanted)


def _holds(name: str, values: Column, wanted: list[Any]) -> Bools:
    """(N,) whether each value is one of those wanted."""
    present = [value for value in wanted if not is_missing(value)]
    found = np.zeros(len(values), bool)
    if values.dtype == object:
        texts = {str(value) for value in present}
        found |= np.fromiter((value in texts for value in values.tolist()), bool, len(values))
        is_none = np.fromiter((value is None for value in values.tolist()), bool, len(values))
    else:
        found |= np.isin(values, [as_kind(name, value, values.dtype.kind) for value in present])
        is_none = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
    return found | is_none if len(present) < len(wanted) else found


def as_kind(name: str, value: Any, kind: str) -> float | int | bool:
    """The value as a column of numbers or bools holds it."""
    text = str(value).strip().lower()
    try:
        if kind == "b":
            return {"true": True, "false": False, "1": True, "0": False}[text]
        number = float(text)
        return int(text) if text.lstrip("+-").isdigit() else number
    except (KeyError, ValueError):
        words = {"b": "true or false"}.get(kind, "a number")
        raise ArgumentError(f"where: column {name!r} holds {words}, found {value!r}; give one") from None
