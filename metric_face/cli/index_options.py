"""What ``index`` takes besides a run."""

from pathlib import Path
from typing import Annotated

import typer

Split = Annotated[
    str | None,
    typer.Option(help="Split to search in; default train, and all of a run without a training."),
]
Kind = Annotated[str, typer.Option(help="auto, flat, ivf, hnsw, ivfsq or ivfpq.")]
Memory = Annotated[float | None, typer.Option(help="GiB that the index may take.")]
Recall = Annotated[float, typer.Option(help="Recall@10 that an approximate index is tuned for.")]
Reject = Annotated[
    str | None,
    typer.Option(help="Answer 'unknown' below a threshold: 'f1', or a false-accept rate such as 0.05."),
]
Vectors = Annotated[
    Path | None,
    typer.Option("--vectors", help="A folder that 'embed --out' wrote, in place of the run's images."),
]
Shards = Annotated[int, typer.Option(help="Files to write; one is in memory at a time.")]
Store = Annotated[
    str | None,
    typer.Option(
        help="Database that holds the vectors: milvus:FILE.db, or milvus:http://HOST:PORT of a server."
    ),
]
Mmap = Annotated[bool, typer.Option("--mmap", help="Leave the vectors on disk; read what a search touches.")]
