"""``metric-face faces``: find the face on each image, as a table of boxes or as aligned crops."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.options import Json
from metric_face.cli.output_options import check_apart, folder_option, text_option
from metric_face.cli.progress import bar
from metric_face.cli.terminal import answer, answer_json, say
from metric_face.errors import ArgumentError
from metric_face.files import ALIGNED


def faces(
    source: Annotated[Path, typer.Argument(help="Images (folder, CSV, Parquet), whose columns are kept.")],
    out: Annotated[
        Path | None, text_option("--out", "-o", help="Write the boxes here, a CSV that every command reads.")
    ] = None,
    aligned: Annotated[
        Path | None,
        folder_option(
            ALIGNED, "--aligned", help="Folder of crops, turned and scaled by eyes, nose and mouth."
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--every", help="Every face of an image; default the largest.")
    ] = False,
    smallest: Annotated[
        int | None,
        typer.Option(
            "--smallest", help="Pixels of the smallest face; default 20, or 1/50 of an image if that is more."
        ),
    ] = None,
    threshold: Annotated[float, typer.Option("--threshold", help="Least probability of a face.")] = 0.8,
    margin: Annotated[
        float, typer.Option("--margin", help="What a box is widened by on each side, as a share of it.")
    ] = 0.2,
    size: Annotated[int, typer.Option("--size", help="Pixels along each side of an aligned crop.")] = 112,
    as_json: Json = False,
) -> None:
    """Find the face on each image (pip install 'metric_face[faces]'); exit code 1 where an image cannot be used."""
    from metric_face.faces import find_faces

    if out is None and aligned is None and not as_json:
        raise ArgumentError("faces: name what to write: --out boxes.csv, or --aligned FOLDER")
    check_apart({"--out": out, "--aligned": aligned}, [source])
    with bar("images", not as_json) as progress:
        found = find_faces(
            source, every=every, smallest=smallest, threshold=threshold, margin=margin, out=out,
            aligned=aligned, size=size, progress=progress,
        )  # fmt: skip
    if as_json:
        written = {"out": out, "aligned": aligned}
        answer_json({**found.to_dict(), **{name: path and str(path) for name, path in written.items()}})
    else:
        for line in found.lines()[:-1]:
            say(line)
        answer(found.lines()[-1])
    if found.failed:
        raise typer.Exit(1)
