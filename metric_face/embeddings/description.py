"""The files beside stored vectors: the images, their stamps, and the description with the checksums of all."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metric_face.data import COLUMNS, PIECE, recut, take_stamps
from metric_face.files import DIGEST, TEXT, WHOLE, digest_of, flush_to_disk, mapping_of

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 2
"""With a checksum of the description and stamps of the images; format 1 had neither."""
IMAGES, STAMPS, VECTORS = "images.parquet", "stamps.parquet", "vectors.npy"
RULES = {
    "fingerprint": TEXT,
    "root": TEXT,
    "rows": WHOLE,
    "dimensions": WHOLE,
    "logits": mapping_of(WHOLE),
    "sha256": mapping_of(DIGEST),
}


def logits_file(head: str) -> str:
    """The name of the file with a head's logits; a head is named after a user's column, of any characters."""
    return f"logits-{head.encode().hex()}.npy"


def described_files(heads: Iterable[str]) -> list[str]:
    """The files whose checksums a description holds."""
    return [VECTORS, IMAGES, STAMPS, *map(logits_file, heads)]


def array_shapes(rows: int, dimensions: int, heads: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """The file and the shape of each array.

    Args:
        rows: N.
        dimensions: D of the vectors.
        heads: head -> C.
    """
    return {
        VECTORS: (rows, dimensions),
        **{logits_file(name): (rows, count) for name, count in heads.items()},
    }


def write_images(
    folder: Path,
    pieces: Iterable["pa.Table"],
    schema: "pa.Schema",
    root: Path,
    *,
    stamps: Iterable["pa.Table"] | None = None,
) -> int:
    """Write the images and their stamps piece by piece, the same bytes however the rows are cut.

    Args:
        folder: a new folder of ours.
        pieces: of the N rows.
        schema: of the pieces.
        root: the folder that their paths start from.
        stamps: of the image files, in pieces of any size; default as they are now.

    Returns:
        N.
    """
    import pyarrow.parquet as pq

    known = None if stamps is None else recut(stamps)
    rows = 0
    with ExitStack() as stack:
        images = stack.enter_context(pq.ParquetWriter(folder / IMAGES, schema))
        states = stack.enter_context(pq.ParquetWriter(folder / STAMPS, stamps_schema()))
        for piece in recut(pieces):
            images.write_table(piece.cast(schema), row_group_size=PIECE)
            names = piece.column("path").to_pylist()
            state = next(known) if known is not None else stamps_table(take_stamps([root / n for n in names]))
            states.write_table(state.cast(stamps_schema()), row_group_size=PIECE)
            rows += len(piece)
    for name in (IMAGES, STAMPS):
        flush_to_disk(folder / name)
    return rows


def stamps_schema() -> "pa.Schema":
    """Names and types of the stamps of images."""
    import pyarrow as pa

    return pa.Schema.from_pandas(pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS), preserve_index=False)


def stamps_table(stamps: pd.DataFrame) -> "pa.Table":
    """Stamps as they are written."""
    import pyarrow as pa

    return pa.Table.from_pandas(stamps, schema=stamps_schema(), preserve_index=False)


def describe(folder: Path, fingerprint: str, root: Path, heads: Iterable[str]) -> dict[str, Any]:
    """What a description says of the files in a folder.

    Args:
        folder: with the arrays, the images and their stamps.
        fingerprint: of the model.
        root: the folder that the images' paths start from.
        heads: those with logits.
    """
    heads = list(heads)
    shapes = {
        name: np.load(folder / name, mmap_mode="r").shape
        for name in array_shapes(0, 0, dict.fromkeys(heads, 0))
    }
    return {
        "fingerprint": fingerprint,
        "root": str(root.resolve()),
        "rows": shapes[VECTORS][0],
        "dimensions": shapes[VECTORS][1],
        "logits": {head: shapes[logits_file(head)][1] for head in heads},
        "sha256": {name: digest_of(folder / name) for name in described_files(heads)},
    }
