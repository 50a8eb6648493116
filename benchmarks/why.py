"""How long does `why` take on a run of 20,000 images, question by question?

Run as ``python -m benchmarks.why``; ``--identities 300`` is a quick look. A run directory is made as a training leaves
it: 20,000 small pictures on disk, a network trained on them for some seconds, and embeddings of 512 dimensions that
hold masks, genders and ages (drawn, because a network trained for seconds knows none). The floor is what nobody can
do without who wants a map: one exact search for neighbors, and UMAP.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from benchmarks.fault_scenarios import MASKS, Identities, World
from benchmarks.harness import machine, publish, table
from metric_face.data.table import ImageTable
from metric_face.diagnosis import Diagnosis, diagnose, write_report
from metric_face.embeddings.embeddings import Embeddings
from metric_face.run import Run
from metric_face.search.neighbor_graph import NeighborGraph
from metric_face.synthetic_faces.population import ages_and_genders
from metric_face.visualization.umap_projection import project

PEOPLE, DIMENSIONS, LIMIT = 2857, 512, 90.0
NAMES = ("worn", "incorrect", "not worn")
SETTINGS = {
    "recipe": "small",
    "data": {
        "attributes": ["mask", "gender", "age"],
        "bins": {"age": [30, 60]},
        "size": [64, 48],
        "split": {"val": 0.2},
    },
    "model": {"embedding_size": DIMENSIONS, "pretrained": False},
    "loss": {"metric": "triplet", "label": "joint"},
    "trainer": {"epochs": 1, "max_time": "20s", "export_onnx": False},
}


class Clock:
    """Wall and processor seconds by name, in the order taken."""

    def __init__(self) -> None:
        self.taken: dict[str, tuple[float, float]] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.taken[name] = (time.perf_counter() - wall, time.process_time() - processor)

    def rows(self, of: float) -> list[tuple[str, str, str, str]]:
        """Name, wall seconds, processor seconds, share of ``of``."""
        return [(n, f"{w:.2f}", f"{p:.2f}", f"{w / of:.2f}") for n, (w, p) in self.taken.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identities", type=int, default=PEOPLE, help="seven images each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run = make_run(Path(scratch), options.identities)
        compile_umap()
        floor, asked, whole = Clock(), Clock(), Clock()
        vectors, identities = run.embeddings().vectors, run.table.identities
        with floor.of("exact neighbors"):
            graph = NeighborGraph.build(vectors, 20, exclude=identities)
        with floor.of("UMAP"):
            project(graph, vectors=vectors)
        with whole.of("why"):
            found = _asked(run, asked)
            with asked.of("page"):
                page = write_report(found, run.folder)
        size = page.stat().st_size / 1e6
    least = sum(wall for wall, _ in floor.taken.values())
    rows = [*asked.rows(least), ("why, all", *whole.rows(least)[0][1:]), *floor.rows(least)]
    wall, processor = whole.taken["why"]
    threads, load = os.environ.get("OMP_NUM_THREADS", "all"), os.getloadavg()[0]
    note = (
        f"The page with its UMAP is {size:.1f} MB. In all {wall:.0f} s (mark: {LIMIT:.0f} s), {processor:.0f} s of the "
        f"processor, {wall / least:.1f} times the floor; threads: {threads}, load average of the machine {load:.1f}. "
        "UMAP had been compiled before. `leak` is the first question and finds the neighbors that the others read."
    )
    command = "python -m benchmarks.why" + (
        f" --identities {options.identities}" if options.identities != PEOPLE else ""
    )
    publish(
        "why",
        f"`why` on a run of {7 * options.identities:,} images x {DIMENSIONS}",
        command,
        machine("numpy", "scikit-learn", "faiss-cpu", "umap-learn", "torch"),
        [table(("step", "wall s", "processor s", "ratio to the floor"), rows), note],
    )


def _asked(run: Run, asked: Clock) -> Diagnosis:
    """Ask every question, each under the clock."""
    last: list[tuple[str, float, float]] = []

    def turn(name: str) -> None:
        now = time.perf_counter(), time.process_time()
        if last:
            before, wall, processor = last.pop()
            asked.taken[before] = (now[0] - wall, now[1] - processor)
        last.append((name, *now))

    turn("reading the run")
    found = diagnose(run, say=turn)
    turn("")
    return found


def compile_umap() -> None:
    """UMAP compiles itself on its first use; that is not the run's."""
    vectors = np.random.default_rng(0).normal(size=(5000, 8)).astype(np.float32)
    project(NeighborGraph.build(vectors, 20), vectors=vectors)


def make_run(home: Path, identities: int) -> Run:
    """A run directory of 7 x ``identities`` pictures with stored embeddings."""
    from metric_face.config import load_config
    from metric_face.training.fitting import fit

    rng = np.random.default_rng(0)
    pairs = ages_and_genders(identities)
    ages = np.array([age for _, age in pairs])
    genders = np.array([int(gender == "female") for gender, _ in pairs])
    images, csv = _pictures(home / "images", 7 * identities, rng), home / "images.csv"
    who = np.repeat(np.arange(identities), len(MASKS))
    pd.DataFrame(
        {
            "path": images,
            "identity": [f"p{number:05d}" for number in who],
            "mask": np.array(NAMES)[np.tile(MASKS, identities)],
            "gender": np.array(["male", "female"])[genders[who]],
            "age": ages[who],
        }
    ).to_csv(csv, index=False)
    run = fit(load_config(SETTINGS, values={"data.path": csv}), home / "run", quiet=True)
    vectors = World(DIMENSIONS, rng).embed(Identities(ages, genders), rng, 0.6)
    place = {Path(path): row for row, path in enumerate(images)}
    _store(run, run.table, vectors[[place[path.relative_to(csv.parent)] for path in run.table.paths]])
    return run


def _store(run: Run, known: ImageTable, vectors: NDArray[np.float32]) -> None:
    assert run.space is not None
    rng = np.random.default_rng(1)
    logits = {  # mostly right
        name: (
            np.eye(run.space[name].num_classes)[codes]
            + 0.4 * rng.normal(size=(len(codes), run.space[name].num_classes))
        ).astype(np.float32)
        for name, codes in run.space.encode(known).items()
    }
    Embeddings(vectors, known, run.fingerprint, logits).save(run.folder / "embeddings")


def _pictures(folder: Path, count: int, rng: np.random.Generator) -> list[str]:
    """Colored clouds, every one another."""
    folder.mkdir(parents=True)
    names = []
    for number in range(count):
        small = Image.fromarray(rng.integers(0, 256, (8, 6, 3), dtype=np.uint8))
        names.append(f"images/{number:06d}.jpg")
        small.resize((48, 64), Image.Resampling.BICUBIC).save(folder.parent / names[-1], quality=85)
    return names


if __name__ == "__main__":
    main()
