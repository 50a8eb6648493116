"""The options that only ``knn`` has."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from metric_face.cli.output_options import text_option

RunFolder = Annotated[Path, typer.Argument(help="The run directory.")]
Images = Annotated[
    list[str] | None,
    typer.Argument(help="Images, folders of images, a CSV of ImageIDs, or - for a list on standard input."),
]
Watch = Annotated[
    Path | None,
    typer.Option("--watch", help="Classify each image that appears in this folder, until Ctrl-C."),
]
Neighbors = Annotated[
    int | None, typer.Option("-k", min=1, help="Neighbors that vote; default chosen on validation.")
]
Vote = Annotated[
    Literal["uniform", "distance", "softmax", "prior-corrected"] | None,
    typer.Option("--votes", help="How neighbors vote; default chosen on validation."),
]
Identity = Annotated[
    str | None,
    typer.Option("--identity", help="Who is on the images: indexed images of this identity do not count."),
]
Shown = Annotated[int, typer.Option("--show", min=1, help="Neighbors to print.")]
IndexFolder = Annotated[Path | None, typer.Option("--index", help="The index; default RUN/index.")]
Model = Annotated[
    Literal["auto", "fp32", "int8"],
    typer.Option(
        "--model", help="What embeds the images; auto: the light one where it is as good ('export')."
    ),
]
Csv = Annotated[
    Path | None, text_option("--csv", help="Write a submission: ImageID,ans with the joint class.")
]
Explain = Annotated[
    Path | None,
    text_option("--explain", help="Write a page (HTML): each image, its votes, its neighbors."),
]
