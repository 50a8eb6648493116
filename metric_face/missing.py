"""What counts as a missing label or identity: one notion, for every reader, sampler, score and diagnosis."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from metric_face.arrays import Bools, column_of

_LAST_BLANK, _LAST_OF_ASCII = 32, 127  # every byte up to the first is a blank or a control sign


def is_missing(value: Any) -> bool:
    """Say whether a value stands for none: None, NaN, NaT, ``pandas.NA``, or text of blanks alone.

    Words such as ``None``, ``NA`` and ``nan`` are text, and therefore labels.
    """
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, int | bool | bytes):
        return False
    try:
        return bool(value != value)  # NaN and NumPy's NaT differ from themselves
    except (TypeError, ValueError):
        return False  # an array or the like: a wrong value, and not a missing one


def missing_rows(values: Any) -> Bools:
    """Say of each of N values whether it is missing: a list, an array, a tensor or a pandas column.

    Returns:
        (N,) booleans.
    """
    text = text_column(values)
    if text is not None:
        import pyarrow.compute as pc

        return np.asarray(pc.fill_null(blank_values(text), True), dtype=bool)
    array = column_of(values)
    if array.dtype.kind in "iub":
        return np.zeros(len(array), dtype=bool)
    if array.dtype.kind == "f":
        return np.asarray(np.isnan(array), dtype=bool)
    return np.fromiter((is_missing(value) for value in array.tolist()), dtype=bool, count=len(array))


def text_column(values: Any) -> Any:
    """A pandas column of text as an Arrow array, which is looked at without making its values; None for any other."""
    if type(getattr(values, "dtype", None)).__name__ != "StringDtype":
        return None
    import pyarrow as pa

    return pa.array(getattr(values, "array", values))


def blank_values(text: Any) -> Any:
    """Of each value of a column of text in Arrow, whether it is empty or blanks alone; null where it is null."""
    import pyarrow.compute as pc

    is_empty = pc.equal(pc.binary_length(text), 0)
    return pc.or_(is_empty, pc.utf8_is_space(text)) if may_be_blank(text) else is_empty


def text_buffers(text: Any) -> Iterator[Any]:
    """The bytes of a column of text in Arrow, a buffer for each chunk; rows that a slice leaves out among them."""
    for chunk in getattr(text, "chunks", [text]):
        data = chunk.buffers()[2]
        if data is not None:
            yield data


def may_be_blank(text: Any) -> bool:
    """Whether a column of text in Arrow may hold a value of blanks: its bytes hold one of ASCII, or any sign beyond."""
    buffers = (np.frombuffer(data, dtype=np.uint8) for data in text_buffers(text))
    return any(
        bool(signs.size) and (signs.min() <= _LAST_BLANK or signs.max() > _LAST_OF_ASCII) for signs in buffers
    )
