"""The options that only ``gallery`` has."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Action = Literal["add", "remove", "relabel", "list"]
RunFolder = Annotated[Path, typer.Argument(help="The run directory, with an index.")]
Images = Annotated[
    Path | None, typer.Argument(help="With add: a folder, class folders, or a CSV or Parquet table.")
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", help="Images with COLUMN=VALUE; repeatable, of one column any will do."),
]
Rows = Annotated[
    list[str] | None, typer.Option("--row", help="An image, by row number, path or file name; repeatable.")
]
Values = Annotated[
    list[str] | None,
    typer.Option("--as", help="COLUMN=VALUE that the images get, such as identity=Anna; repeatable."),
]
Refit = Annotated[
    str | None,
    typer.Option(
        "--refit-threshold", help="With add: set the threshold of 'unknown' anew; a false-accept rate, or f1."
    ),
]
IndexFolder = Annotated[Path | None, typer.Option("--index", help="The index; default RUN/index.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Images a forward pass.")]
Precision = Annotated[str, typer.Option(help="auto, fp32 or bf16.")]
