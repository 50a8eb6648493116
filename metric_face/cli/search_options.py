"""The options that only ``search`` has."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from metric_face.cli.output_options import text_option

Queries = Annotated[
    list[str] | None,
    typer.Argument(help="Images, folders of images, or .npy files of vectors (D,) or (Q, D)."),
]
Rows = Annotated[
    list[str] | None,
    typer.Option("--row", help="An indexed image, by row number, path or file name; repeatable."),
]
Count = Annotated[
    int | None, typer.Option("-k", min=1, help="Images to find; default 10, or all --within allows.")
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", help="Only images with COLUMN=VALUE; repeatable, of one column any will do."),
]
Within = Annotated[float | None, typer.Option("--within", help="Only images at least so similar, in -1..1.")]
Rerank = Annotated[
    Literal["k-reciprocal"] | None,
    typer.Option("--rerank", help="Order the nearest anew: images with the query's neighborhood first."),
]
Expand = Annotated[
    int,
    typer.Option("--expand", min=0, help="Search again with the mean of the query and its N nearest."),
]
Unique = Annotated[
    str | None,
    typer.Option("--unique", help="Of each value of this column, such as identity, the nearest image only."),
]
Identity = Annotated[
    str | None,
    typer.Option("--identity", help="Who is on the queries: images of this identity are not found."),
]
Others = Annotated[
    bool, typer.Option("--others", help="With --row: leave out images of the row's own identity.")
]
Page = Annotated[Path | None, text_option("--page", help="Write a page (HTML) with thumbnails.")]
IndexFolder = Annotated[Path | None, typer.Option("--index", help="The index; default RUN/index.")]
