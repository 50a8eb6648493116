"""What ``embed`` prints of the vectors that it wrote."""

from typing import TYPE_CHECKING

import typer

from metric_face.cli.terminal import answer, answer_json, remark
from metric_face.plurals import counted

if TYPE_CHECKING:
    from metric_face.embedding import Embedded


def show_embedded(made: "Embedded", as_json: bool) -> None:
    """Print what was written; exit with 1 where an image has no vector."""
    facts = made.to_dict()
    if as_json:
        answer_json(facts)
    else:
        part = "" if made.shard is None else f"shard {made.shard}: "
        answer(
            f"{part}{counted(facts['images'], 'images')} x {facts['dimensions']} in {made.seconds:.0f} s "
            f"({facts['images_per_second']} images/s); {facts['folder']}"
        )
    remark(made.notes, whole=made.complete)
    if not made.complete:
        raise typer.Exit(1)
