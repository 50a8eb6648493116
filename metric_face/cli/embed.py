"""``metric-face embed``: compute the vectors of images."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.options import LATEST, DataRoot, Json, RunArgument
from metric_face.cli.output_options import check_apart, folder_option, text_option
from metric_face.cli.progress import bar
from metric_face.cli.terminal import answer, answer_json, say
from metric_face.files import EMBEDDINGS
from metric_face.plurals import counted


def embed(
    run: RunArgument = LATEST,
    data: Annotated[Path | None, typer.Argument(help="Other images; default those of the run.")] = None,
    out: Annotated[
        Path | None, folder_option(EMBEDDINGS, "--out", "-o", help="Folder to write; default RUN/embeddings.")
    ] = None,
    root: DataRoot = None,
    csv: Annotated[
        Path | None, text_option("--csv", help="Write the classifiers' probabilities, which 'fuse' reads.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a forward pass.")] = 64,
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    as_json: Json = False,
) -> None:
    """Compute the vectors of all images; an interrupted call goes on where it stopped."""
    from metric_face.embedding import embed
    from metric_face.run import Run

    check_apart({"--csv": csv}, [] if data is None else [data])
    opened = Run.open(run, data=root)
    with bar("embedding", not as_json) as progress:
        made = embed(
            opened,
            data,
            folder=out,
            csv=csv,
            batch_size=batch_size,
            precision=precision,
            say=say,
            progress=progress,
        )
    facts = made.to_dict()
    if as_json:
        answer_json(facts)
    else:
        answer(
            f"{counted(facts['images'], 'images')} x {facts['dimensions']} in {made.seconds:.0f} s "
            f"({facts['images_per_second']} images/s); {facts['folder']}"
        )
    for note in made.notes:
        say(note)
    if not made.complete:
        raise typer.Exit(1)
