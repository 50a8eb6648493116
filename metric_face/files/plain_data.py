"""plain: results as dictionaries, lists, texts and numbers, ready for JSON."""

from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any


def plain(value: Any) -> Any:
    """Turn a result into plain data: what is not finite becomes None, since JSON has no NaN and no infinity.

    Args:
        value: dataclasses, mappings, sequences and NumPy arrays of any depth, with texts, numbers and None in them.

    Returns:
        Dictionaries with text keys, lists, and Python's own scalars; anything else as it was.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "items"):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # an array, or a scalar of NumPy
        return plain(value.tolist())
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value
