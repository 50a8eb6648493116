"""Memory and time of embedding a table of Parquet files, by its number of rows.

    python -m benchmarks.streaming [--rows 100000 1000000] [--files 4] [--images 256] [--dimensions 32] [--shards 2]
    python -m benchmarks.streaming --rows 1000000 10000000 --precomputed    # without decoding, which takes most of it

The rows name few small images over and over, and the model is a mean over a grid with one linear layer, so that what is
measured is what the package holds and does for a row: nothing of it is left out, every row is decoded and embedded.
A number of rows that was measured is kept; a call that was stopped goes on with the next one.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks.harness import Kept, machine, peak_memory, publish, table
from metric_face.data import EvalTransform, ImageTable
from metric_face.data.image_rows import names_of
from metric_face.data.parquet_rows import ParquetRows
from metric_face.embeddings import Embeddings
from metric_face.extraction import Embedder, RowShard, join_shards, write_embeddings, write_shard
from metric_face.extraction.embedder import Result
from metric_face.files import sha256_of
from metric_face.models import ImageEmbedder, ModelOutput

SIDE = 8
TRANSFORM = EvalTransform((SIDE, SIDE))


class GridMean(ImageEmbedder):
    """Images (B, 3, 8, 8) -> (B, D), some hundred parameters."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.linear = nn.Linear(12, dimensions)

    @property
    def widths(self) -> tuple[int, dict[str, int]]:
        """D, and no heads."""
        return self.linear.out_features, {}

    def forward(self, images: Tensor) -> ModelOutput:
        """(B, 3, 8, 8) -> (B, D)."""
        vectors = self.linear(nn.functional.adaptive_avg_pool2d(images, 2).flatten(1))
        return ModelOutput(vectors, vectors, {})


class Precomputed:
    """Vectors that are there already: each holds its row number; no image is opened."""

    dtype, transform, tta = torch.float32, TRANSFORM, "none"

    def __init__(self, dimensions: int) -> None:
        self.widths: tuple[int, dict[str, int]] = (dimensions, {})

    def results(self, rows: Any, span: range, **_: Any) -> Iterator[Result]:
        """Blocks of the vectors of consecutive rows, whose paths are read."""
        names = names_of(rows, span.start, span.stop)
        for start in range(span.start, span.stop, 2048):
            block = np.arange(start, min(start + 2048, span.stop))
            if sum(bool(name) for name in islice(names, len(block))) != len(block):
                raise AssertionError("a row is missing")
            yield Result(
                int(block[-1]) + 1, np.repeat(block[:, None], self.widths[0], 1).astype(np.float32), {}
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--dimensions", type=int, default=32)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument(
        "--precomputed", action="store_true", help="give the vectors; decode and embed nothing"
    )
    parser.add_argument("--note", default="", help="a sentence for the page, such as what else ran")
    arguments = parser.parse_args()
    given = arguments.precomputed
    settings = {**vars(arguments), "rows": None, "note": None}
    kept = Kept("streaming", settings)
    lines, held = [], []
    for rows in arguments.rows:
        measured = kept.get(str(rows), partial(measure, rows, arguments))
        lines += measured["lines"]
        held += measured["held"]
    rows_word = " ".join(map(str, arguments.rows))
    publish(
        "streaming-precomputed" if given else "streaming",
        "Embedding a table of Parquet files",
        f"python -m benchmarks.streaming --rows {rows_word}{' --precomputed' if given else ''}",
        machine("torch", "pyarrow", "pandas"),
        [
            f"{arguments.files} Parquet files with `path`, `identity` and `split`; D = {arguments.dimensions}. "
            + (
                "The vectors are given: no image is there, so nothing is decoded, embedded or hashed; the table is "
                "read, checked and written, and so are the vectors."
                if given
                else f"They name {arguments.images} PNG of {SIDE} px; a model of a few hundred parameters. Every row "
                "is decoded, embedded, hashed and written."
            )
            + " Memory: how far the peak of the resident set is above what the process held with everything imported; "
            "it counts the pages of mapped vectors that the system keeps, 4 D bytes a row, and gives up when others "
            "need them. The seconds hold the start of the process.",
            table(("rows", "work", "seconds", "rows/s", "peak, MB"), lines),
            "What still reads all rows into memory:",
            table(("rows", "what", "MB", "bytes a row"), held),
        ],
        note=arguments.note,
    )
    kept.forget()


def measure(rows: int, arguments: argparse.Namespace) -> dict[str, list[tuple[str, ...]]]:
    """The lines of both tables for one number of rows."""
    lines, held = [], []
    with tempfile.TemporaryDirectory() as name:
        home, given, count = Path(name), arguments.precomputed, arguments.shards
        draw(home, rows, arguments.files, 0 if given else arguments.images)
        for what, run in {"in one": whole, f"{count} shards": shards, "joining": joining}.items():
            start = time.perf_counter()
            memory = peak_memory(run, home, arguments.dimensions, count, given)
            seconds = time.perf_counter() - start
            lines.append((f"{rows:,}", what, f"{seconds:.0f}", f"{rows / seconds:,.0f}", f"{memory:.0f}"))
            print(*lines[-1], flush=True)
        for what, load in {"Embeddings.load(mmap=True)": opened, "ImageTable.read": read}.items():
            memory = peak_memory(load, home)
            held.append((f"{rows:,}", what, f"{memory:.0f}", f"{memory * 2**20 / rows:.0f}"))
            print(*held[-1], flush=True)
    return {"lines": lines, "held": held}


def draw(home: Path, rows: int, files: int, images: int) -> None:
    """Write the images, and the files that name them."""
    generator = np.random.default_rng(0)
    (home / "t" / "images").mkdir(parents=True)
    for number in range(images):
        pixels = generator.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(home / "t" / "images" / f"{number:06d}.png")
    bounds = np.linspace(0, rows, files + 1).astype(int)
    for number in range(files):
        with pq.ParquetWriter(home / "t" / f"{number}.parquet", _table(0, 1, images).schema) as writer:
            for start in range(bounds[number], bounds[number + 1], 100_000):
                writer.write_table(_table(start, min(start + 100_000, bounds[number + 1]), images))


def _table(start: int, stop: int, images: int) -> pa.Table:
    numbers = np.arange(start, stop)
    return pa.table(
        {
            "path": [f"images/{number:06d}.png" for number in (numbers % max(1, images)).tolist()],
            "identity": [f"i{number:09d}" for number in (numbers // 4).tolist()],
            "split": np.where(numbers % 10 == 0, "val", "train"),
        }
    )


def _parts(home: Path, dimensions: int, given: bool) -> tuple[Any, Any]:
    torch.manual_seed(0)
    opened = ParquetRows.open(home / "t")
    assert opened is not None
    return Precomputed(dimensions) if given else Embedder(
        GridMean(dimensions), TRANSFORM, precision="fp32"
    ), opened


def whole(home: Path, dimensions: int, count: int, given: bool) -> Any:
    """One process embeds all rows."""
    embedder, rows = _parts(home, dimensions, given)

    def run() -> None:
        rows.check()
        write_embeddings(embedder, rows, home / "one", fingerprint="f", batch_size=256)

    return run


def shards(home: Path, dimensions: int, count: int, given: bool) -> Any:
    """One process embeds the shards one after the other."""
    embedder, rows = _parts(home, dimensions, given)

    def run() -> None:
        for number in range(1, count + 1):
            shard = RowShard(number, count)
            write_shard(embedder, rows, home / "joined", shard, fingerprint="f", source=None, batch_size=256)

    return run


def joining(home: Path, dimensions: int, count: int, given: bool) -> Any:
    """The shards are joined."""
    _, rows = _parts(home, dimensions, given)

    def run() -> None:
        join_shards(home / "joined", fingerprint="f", command=lambda *_: "", rows_of=lambda _: rows)
        for file in (home / "one").iterdir():
            if sha256_of(file) != sha256_of(home / "joined" / file.name):
                raise AssertionError(f"{file.name}: joined shards differ from one call")

    return run


def opened(home: Path) -> Any:
    """The stored vectors are mapped; their table is in memory."""
    return lambda: Embeddings.load(home / "one", mmap=True)


def read(home: Path) -> Any:
    """The table is read whole."""
    return lambda: ImageTable.read(home / "t")


if __name__ == "__main__":
    main()
