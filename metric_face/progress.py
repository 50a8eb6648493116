"""How long work reports: the two callbacks that functions take, and what they are by default."""

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int], object]
"""Called with (done, total), now and then and when all is done."""
Say: TypeAlias = Callable[[str], object]
"""Called with one line of text: what is under way, or what the user should know of."""


def silent(*_: object) -> None:
    """Report nothing."""
