"""Parse labels: the text and the number that a value stands for, and the order of classes."""

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np

from metric_face.errors import DataError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def text_of(value: Any) -> str:
    """The text of one value that is not missing; a whole float, as NumPy makes of 3 in a column with gaps, reads as 3.

    Raises:
        DataError: the value is a list, a mapping or bytes, and therefore no label.
    """
    if isinstance(value, str):
        return value
    if is_nested(value):
        raise DataError(f"must be text or a number; found {type(value).__name__} {str(value)[:60]!r}")
    if isinstance(value, float | np.floating):
        return str(int(value)) if math.isfinite(value) and value == int(value) else str(float(value))
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    return str(value)


def is_nested(value: Any) -> bool:
    """Whether a value is a list, an array, a mapping or bytes: several values, or none that can be read."""
    return isinstance(value, list | tuple | dict | set | frozenset | bytes | bytearray | np.ndarray)


def number_of(text: str) -> float | None:
    """The finite number that a text is, blanks around it aside; None where it is none."""
    if _NUMBER.fullmatch(text.strip()) is None:
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def in_order(texts: Iterable[str]) -> list[str]:
    """Names of classes in order: by number where all are numbers (2 before 10), else by text."""
    names = sorted(texts)
    numbers = {name: number_of(name) for name in names}
    if any(number is None for number in numbers.values()):
        return names
    return sorted(names, key=lambda name: (numbers[name], name))
