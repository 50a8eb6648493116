"""The options of ``embed`` that share its work among processes."""

from typing import Annotated

import typer

Shard = Annotated[
    str | None,
    typer.Option(
        "--shard", help="i/n: only the i-th of n shards; slurm: that of this task of a Slurm array."
    ),
]
Merge = Annotated[bool, typer.Option("--merge", help="Join the shards, checked; what is missing is named.")]
On = Annotated[
    str, typer.Option("--on", help="here, or ray: actors of Ray Data, here or in the cluster of RAY_ADDRESS.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Threads that decode; with --on ray, actors.")
]


def sharing(shard: str | None, merge: bool, on: str, workers: int | None) -> dict[str, object]:
    """The options by name, None where one is not given; ``--shard`` beside ``--merge`` is refused."""
    if shard is not None and merge:
        raise typer.BadParameter("--merge joins all shards; give it alone, when each --shard has ended")
    return {
        "--shard": shard,
        "--merge": merge or None,
        "--on": on if on != "here" else None,
        "--workers": workers,
    }
