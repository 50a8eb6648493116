"""The options that only ``knn`` has, and which of them go together."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from metric_face.cli.output_options import text_option

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
Csv = Annotated[
    Path | None, text_option("--csv", help="Write a submission: ImageID,ans with the joint class.")
]
Explain = Annotated[
    Path | None,
    text_option("--explain", help="Write a page (HTML): each image, its votes, its neighbors."),
]


def check_usage(images: list[str] | None, watch: Path | None, lang: str, *files: Path | None) -> None:
    """Refuse images beside a watched folder, none of both, files to write where there is no end, another language."""
    from metric_face.pages import check_language

    check_language(lang)
    if bool(images) == (watch is not None):
        raise typer.BadParameter("give images, or - for a list on standard input, or --watch FOLDER")
    if watch is not None and any(files):
        raise typer.BadParameter("--csv, --explain and --template need a list that ends; leave out --watch")
