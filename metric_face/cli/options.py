"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.run_folders import LATEST as LATEST
from metric_face.cli.run_folders import or_newest

RunArgument = Annotated[
    Path, typer.Argument(help="A run directory; default the newest.", show_default=False, callback=or_newest)
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as one JSON object.")]
Split = Annotated[str, typer.Option("--split", help="Split to evaluate: val, test or train.")]
MaxQueries = Annotated[
    int, typer.Option("--max-queries", min=0, help="Images that ask for their neighbors; 0 for all of them.")
]
DataRoot = Annotated[
    Path | None, typer.Option("--data", help="Where the run's images are now, if they were moved.")
]
Lang = Annotated[str, typer.Option("--lang", help="Language of the page: en or ko.")]
NoThumbnails = Annotated[bool, typer.Option("--no-thumbnails", help="Leave every image out of the page.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", "-s", help="section.key=value of the configuration; repeatable.")
]
Template = Annotated[
    Path | None,
    typer.Option("--template", help="A CSV of ImageIDs: the submission has a row for each, in its order."),
]
