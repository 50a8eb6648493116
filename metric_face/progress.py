"""How long work reports: the two callbacks that functions take, what they are by default, and a time in words."""

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int], object]
"""Called with (done, total), now and then and when all is done."""
Say: TypeAlias = Callable[[str], object]
"""Called with one line of text: what is under way, or what the user should know of."""


def silent(*_: object) -> None:
    """Report nothing."""


def duration(seconds: float) -> str:
    """About how long, as it is spoken of: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
