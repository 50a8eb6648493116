"""Checks of arguments, with messages that name parameter, rule, value and remedy."""

from typing import Any

import numpy as np

from metric_face.errors import ArgumentError


def whole(name: str, value: Any, least: int, why: str = "") -> int:
    """The value as an int, or an error that names what is wrong with it."""
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or value < least:
        reason = f" ({why})" if why else ""
        raise ArgumentError(f"{name} must be a whole number of at least {least}{reason}, found {value!r}")
    return int(value)


def choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Refuse a value that is not one of the allowed words."""
    if value not in allowed:
        raise ArgumentError(f"{name} must be one of {', '.join(map(repr, allowed))}, found {value!r}")
