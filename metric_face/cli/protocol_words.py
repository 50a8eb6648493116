"""The words of a protocol's options as Python has them."""

from collections.abc import Iterable

import typer


def conditions(option: str, texts: Iterable[str] | None) -> dict[str, list[str]] | None:
    """Read ``COLUMN=VALUE``; of a column given twice either value will do."""
    found: dict[str, list[str]] = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not name or not sign:
            raise typer.BadParameter(f"{option} {text}: must be COLUMN=VALUE, such as role=query")
        found.setdefault(name, []).append(value)
    return found or None


def ranks_of(text: str) -> list[int]:
    """Read the k of ``--ranks``."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and int(word) for word in words):
        raise typer.BadParameter(f"--ranks {text}: must be whole numbers from 1 on, such as 1,5,10")
    return [int(word) for word in words]
