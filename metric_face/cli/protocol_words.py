"""What options that name columns and ranks say, as Python has it."""

from collections.abc import Iterable

import typer


def column_values(option: str, texts: Iterable[str] | None, example: str) -> list[tuple[str, str]]:
    """Read each ``COLUMN=VALUE`` of an option; ``example`` is one, for the error."""
    found = []
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not name or not sign:
            raise typer.BadParameter(f"{option} {text}: must be COLUMN=VALUE, such as {example}")
        found.append((name, value))
    return found


def conditions(option: str, texts: Iterable[str] | None) -> dict[str, list[str]] | None:
    """Read ``COLUMN=VALUE``; of a column given twice either value will do."""
    found: dict[str, list[str]] = {}
    for name, value in column_values(option, texts, "role=query"):
        found.setdefault(name, []).append(value)
    return found or None


def ranks_of(text: str) -> list[int]:
    """Read the k of ``--ranks``."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and int(word) for word in words):
        raise typer.BadParameter(f"--ranks {text}: must be whole numbers from 1 on, such as 1,5,10")
    return [int(word) for word in words]
