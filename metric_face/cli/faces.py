"""``metric-face faces``: find the face on each image, as a table of boxes or as aligned crops."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli import faces_options as own
from metric_face.cli.options import Json
from metric_face.cli.output_options import check_apart
from metric_face.cli.progress import bar
from metric_face.cli.terminal import answer, answer_json, say
from metric_face.errors import ArgumentError


def faces(
    source: Annotated[Path, typer.Argument(help="Images (folder, CSV, Parquet), whose columns are kept.")],
    out: own.Out = None,
    aligned: own.Aligned = None,
    every: own.Every = False,
    smallest: own.Smallest = None,
    threshold: own.Threshold = 0.8,
    margin: own.Margin = 0.2,
    size: own.Size = 112,
    as_json: Json = False,
) -> None:
    """Find the face on each image (needs the extra 'faces'); exit code 1 where an image cannot be used."""
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
