"""What each action of ``gallery`` takes, and its listing as a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from metric_face.cli.protocol_words import column_values


def check_usage(
    action: str,
    images: Path | None,
    where: Sequence[str] | None,
    rows: Sequence[str] | None,
    values: Sequence[str] | None,
    refit: str | None,
) -> dict[str, str]:
    """Refuse what an action does not take, and return the values that images get."""
    given: Mapping[str, Any] = {
        "IMAGES": images, "--where": where, "--row": rows, "--as": values, "--refit-threshold": refit,
    }  # fmt: skip
    takes = {
        "add": {"IMAGES", "--as", "--refit-threshold"},
        "remove": {"--where", "--row"},
        "relabel": {"--where", "--row", "--as"},
        "list": {"--where"},
    }[action]
    stray = [name for name, value in given.items() if value and name not in takes]
    if stray:
        raise typer.BadParameter(f"gallery {action} takes no {stray[0]}")
    if action == "add" and images is None:
        raise typer.BadParameter("gallery add: give a folder or a table of images")
    return dict(column_values("--as", values, "identity=Anna"))


def as_table(images: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The names of the columns and the cells of a listing, nothing where a value is missing."""
    names = list(images[0]) if images else ["row"]
    return names, [["" if one[name] is None else str(one[name]) for name in names] for one in images]
