"""The options of ``evaluate`` that name a protocol: queries against a gallery, or pairs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

SplitOrAll = Annotated[
    str | None,
    typer.Option(
        "--split", help="val, test or train; with a protocol also all. Default val; of a file of pairs all."
    ),
]
Query = Annotated[
    list[str] | None,
    typer.Option(
        "--query",
        help="Who asks: images with COLUMN=VALUE (repeatable), or all: each image asks the others. CMC, mAP, mINP.",
    ),
]
GalleryImages = Annotated[
    list[str] | None,
    typer.Option("--gallery", help="Who is found: images with COLUMN=VALUE; default all that do not ask."),
]
QueryFrom = Annotated[
    Path | None,
    typer.Option("--query-from", help="The queries' run or folder of embeddings, where it is another."),
]
Camera = Annotated[
    str | None,
    typer.Option("--camera", help="Column: images of a query's identity by its own camera are left out."),
]
Sequence = Annotated[
    str | None, typer.Option("--sequence", help="Column: the same of sequences, numbered across cameras.")
]
Identity = Annotated[str, typer.Option("--identity", help="Column that says who is on an image.")]
Ranks = Annotated[str, typer.Option("--ranks", help="The k of CMC@k and precision@k, with commas.")]
Pairs = Annotated[
    str | None,
    typer.Option(
        "--pairs",
        help="Verify pairs: LFW's pairs.txt, a CSV with path1, path2 and perhaps same and fold, drawn (as LFW's: "
        "10 folds of 300 + 300), or all.",
    ),
]
By = Annotated[
    Literal["cosine", "inner_product", "euclidean"],
    typer.Option("--metric", help="Similarity of queries and gallery, or of pairs."),
]
