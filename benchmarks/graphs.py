"""Neighbor graphs of a run: searched by each analysis, against read from the run where one has searched before.

python -m benchmarks.graphs [--scale 0.1]
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np

from benchmarks.harness import machine, publish, table, times
from metric_face.search.graph_cache import DEPTH, DEPTH_BETWEEN, graph_file, kept_graph

DIMENSIONS = 128
IMAGES_EACH = 7


def analyzes(count: int, folder: Path | None) -> dict[str, Callable[[], object]]:
    """What `why`, `visualize` and `evaluate` ask of a run with ``count`` images, a fifth of them for validation."""
    rng = np.random.default_rng(0)
    identities = np.arange(count) // IMAGES_EACH
    centers = rng.normal(size=(identities[-1] + 1, DIMENSIONS))
    vectors = (centers[identities] + rng.normal(size=(count, DIMENSIONS))).astype(np.float32)
    val = identities % 5 == 0
    held, known = vectors[val], vectors[~val]

    def file(part: str, among: str | None = None) -> Path | None:
        return None if folder is None else graph_file(folder, part, among)

    return {
        "why": lambda: kept_graph(file("all"), vectors, DEPTH, exclude=identities),
        "visualize": lambda: kept_graph(file("val"), held, DEPTH, exclude=identities[val]),
        "evaluate": lambda: kept_graph(file("val", "train"), held, DEPTH_BETWEEN, base=known),
    }


def rows(count: int, repeats: int) -> list[list[str]]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        searched, kept = analyzes(count, None), analyzes(count, Path(folder))
        for name in searched:
            took = times({"searched": searched[name], "kept": kept[name]}, repeats)
            share = took["kept"] / took["searched"]
            found.append(
                [f"{count:,}", name, f"{took['searched']:.3f}", f"{took['kept']:.4f}", f"{share:.3f}"]
            )
        size = sum(path.stat().st_size for path in (Path(folder) / "neighbors").iterdir()) / 1e6
    return [*found, [f"{count:,}", "files", "", f"{size:.1f} MB", ""]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full sizes")
    options = parser.parse_args()
    sizes = [max(700, int(count * options.scale)) for count in (700, 7_000, 70_000)]
    publish(
        "graphs" if options.scale == 1 else "graphs_small",
        "Neighbor graphs of a run, searched and kept",
        "python -m benchmarks.graphs" + (f" --scale {options.scale:g}" if options.scale != 1 else ""),
        machine("faiss-cpu", "numpy") + f"; {faiss.omp_get_max_threads()} threads",
        [
            f"Seconds, medians of arms that take turns. {DIMENSIONS} dimensions, {IMAGES_EACH} images an identity, a "
            "fifth for validation. `why` looks among all images and `visualize` among the validation images, the same "
            f"identity left out ({DEPTH} neighbors); `evaluate` looks from validation into training "
            f"({DEPTH_BETWEEN} neighbors), as `index` does too. Reading includes the checksums of the vectors and of "
            "the file.",
            table(
                ["images", "asked by", "searched s", "kept s", "share"],
                [row for count in sizes for row in rows(count, 5 if count <= 10_000 else 3)],
            ),
        ],
    )


if __name__ == "__main__":
    main()
