"""``metric-face embed``: vectors of images."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from metric_face.cli.options import LATEST, DataRoot, Json, RunArgument
from metric_face.cli.output_options import check_apart, folder_option, text_option
from metric_face.errors import ArgumentError
from metric_face.files import EMBEDDINGS, folder_target


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
    batch_size: Annotated[int, typer.Option(min=1)] = 64,
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    as_json: Json = False,
) -> None:
    """Compute the vectors of all images; an interrupted call goes on where it was."""
    import time

    from metric_face.cli.terminal import answer, answer_json, bar, counted, say
    from metric_face.run import Run

    opened = Run.open(run, data=root)
    if data is not None and out is None:
        raise ArgumentError(
            f"--out: name a folder for the vectors of {data}; RUN/embeddings holds those of the run"
        )
    if data is not None and out is not None and os.path.realpath(out) == os.path.realpath(run / "embeddings"):
        raise ArgumentError(f"--out: {out} holds the vectors of the run's own images; name another folder")
    if csv is not None and opened.space is None:
        raise ArgumentError("--csv: the run has no classifiers; it was trained on identities alone")
    check_apart({"--csv": csv}, [] if data is None else [data])
    folder_target(out or opened.folder / "embeddings", EMBEDDINGS)
    from metric_face.data import Unseen

    asked = Unseen(opened.table) if data is None else Unseen.read(data)
    for line in asked.table.notes:
        say(line)
    if data is None:
        from metric_face.data import refuse_missing

        refuse_missing(opened.table)
    say("loading PyTorch ...")
    from metric_face.extraction import extract

    started = time.monotonic()
    with bar("embedding", not as_json) as progress:

        def work(table: Any) -> Any:
            return extract(
                opened,
                table,
                folder=out or opened.folder / "embeddings",
                batch_size=batch_size,
                precision=precision,
                progress=progress,
            )

        # Of the run's own images none may be missing: every other command goes by its table.
        made, asked = (work(asked.table), asked) if data is None else asked.look(work)
    seconds = time.monotonic() - started
    if csv is not None and opened.space is not None:
        from metric_face.embeddings import Predictions, write_predictions

        write_predictions(
            csv, Predictions.of_embeddings(opened.folder.name, made, opened.space), opened.space
        )
    facts = {
        "folder": str(out or opened.folder / "embeddings"),
        "images": len(made),
        "dimensions": made.vectors.shape[1],
        "images_per_second": round(len(made) / seconds, 1),
    }
    if as_json:
        answer_json(facts)
    else:
        answer(
            f"{counted(len(made), 'images')} x {facts['dimensions']} in {seconds:.0f} s "
            f"({facts['images_per_second']} images/s); {facts['folder']}"
        )
    for note in asked.notes:
        say(note)
    if asked.failed:
        raise typer.Exit(1)
