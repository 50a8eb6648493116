"""Rows of the score tables: three decimals, and no column of the start where there is none."""

from collections.abc import Sequence

START = "untrained"
"""The head of the column with the scores of the untrained backbone."""


def three(*scores: float | None) -> list[str]:
    """Scores with three decimals; nothing where one is not known."""
    return ["" if score is None else f"{score:.3f}" for score in scores]


def without_start(
    head: tuple[str, ...], rows: Sequence[tuple[str, ...]]
) -> tuple[tuple[str, ...], Sequence[tuple[str, ...]]]:
    """Head and rows, without the column of the start where all of it is empty."""
    at = head.index(START)
    if any(row[at] for row in rows):
        return head, rows
    return head[:at] + head[at + 1 :], [row[:at] + row[at + 1 :] for row in rows]
