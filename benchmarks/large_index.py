"""An index larger than the memory it is given: built in shards, left on disk, asked and grown, within a hard limit.

``python -m benchmarks.large_index`` indexes ten million vectors of 128 dimensions, and needs 10 GB of disk;
``--rows 100000`` tries it out. Each stage is a process of its own that the system allows ``--limit`` GiB of data: all
memory that no file stands behind, whether it is used or only reserved. What it maps from files comes on top, and the
system takes it back where it needs to. ``--work`` keeps the vectors and what was measured, and a second call with the
same kind, shards and limit goes on there.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import machine, publish, table
from metric_face import EmbeddingIndex
from metric_face.vectors import normalize

Floats = NDArray[np.float32]
DIMENSIONS = 128
BLOCK = 1 << 17
FREE = 20  # dimensions that the vectors fill; in the others there is noise
EACH = 20  # vectors an identity
QUERIES = 200
ADDED = 1000
DEFAULTS: dict[str, Any] = {"rows": 10_000_000, "shards": 10, "kinds": ["ivfsq"], "limit": 4.0}


def centers_of(identities: int) -> Floats:
    return np.random.default_rng(7).standard_normal((identities, FREE), dtype=np.float32)


def block_of(number: int, count: int, centers: Floats) -> Floats:
    """One block of vectors, spread around the centers of identities; the same for every call."""
    rng = np.random.default_rng([number, 1])
    mixing = np.random.default_rng(8).standard_normal((FREE, DIMENSIONS), dtype=np.float32) / np.sqrt(FREE)
    own = rng.standard_normal((count, FREE), dtype=np.float32) * np.float32(0.4)
    own += centers[rng.integers(0, len(centers), count)]
    noise = rng.standard_normal((count, DIMENSIONS), dtype=np.float32)
    return np.asarray(own @ mixing + np.float32(0.05) * noise, np.float32)


def write_vectors(path: Path, rows: int, centers: Floats) -> None:
    """Write the vectors to a file, block by block."""
    file = np.lib.format.open_memmap(path, "w+", np.float32, (rows, DIMENSIONS))
    for number, start in enumerate(range(0, rows, BLOCK)):
        stop = min(rows, start + BLOCK)
        file[start:stop] = block_of(number, stop - start, centers)
    file.flush()


def exact(vectors: Floats, queries: Floats, k: int) -> NDArray[np.int64]:
    """The k nearest by cosine, from one product for each block."""
    best = np.full((len(queries), k), -np.inf, np.float32)
    rows = np.full((len(queries), k), -1, np.int64)
    for start in range(0, len(vectors), BLOCK):
        near = queries @ normalize(np.array(vectors[start : start + BLOCK])).T
        most = min(k, near.shape[1])
        top = np.argpartition(-near, most - 1, axis=1)[:, :most]
        best = np.concatenate([best, np.take_along_axis(near, top, axis=1)], axis=1)
        rows = np.concatenate([rows, top + start], axis=1)
        order = np.argsort(-best, axis=1)[:, :k]
        best, rows = np.take_along_axis(best, order, axis=1), np.take_along_axis(rows, order, axis=1)
    return rows


def prepare(home: Path, rows: int) -> None:
    """Write vectors, queries and the exact answer, unless they are there."""
    if (home / "truth.npy").is_file():
        return
    home.mkdir(parents=True, exist_ok=True)
    centers = centers_of(max(1, rows // EACH))
    write_vectors(home / "vectors.npy", rows, centers)
    queries = normalize(block_of(1 << 20, QUERIES, centers))
    np.save(home / "queries.npy", queries)
    truth = exact(np.load(home / "vectors.npy", mmap_mode="r"), queries, 10)
    np.save(home / "part.npy", truth)
    (home / "part.npy").replace(home / "truth.npy")


class Watch:
    """The most memory of this process that no file stands behind, used and reserved, sampled."""

    def __init__(self) -> None:
        self.own = self.reserved = 0
        self.ends = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self.ends.wait(0.02):
            self._look()

    def _look(self) -> dict[str, int]:
        now = memory()
        self.own, self.reserved = max(self.own, now["RssAnon"]), max(self.reserved, now["VmData"])
        return now

    def close(self) -> dict[str, float]:
        """The peaks in GiB."""
        self.ends.set()
        last = self._look()
        return {"own": self.own / 2**20, "reserved": self.reserved / 2**20, "all": last["VmHWM"] / 2**20}


def memory() -> dict[str, int]:
    """KiB by name, as the system counts them."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    pairs = (line.split(":") for line in lines if line.startswith(("RssAnon", "VmData", "VmHWM")))
    return {name: int(value.split()[0]) for name, value in pairs}


def kept_in(home: Path, options: argparse.Namespace) -> Path:
    """The folder of one index and of what was measured of it, under these settings alone."""
    return home / f"{options.kind}-{options.shards}-{options.limit:g}"


def build(home: Path, options: argparse.Namespace) -> dict[str, float]:
    folder = kept_in(home, options) / "index"
    vectors = np.load(home / "vectors.npy", mmap_mode="r")
    identity = np.arange(len(vectors)) % max(1, len(vectors) // EACH)
    index = EmbeddingIndex.build_in(
        folder, vectors, {"identity": identity}, kind=options.kind, shards=options.shards, mmap=True
    )
    size = float(sum(file.stat().st_size for file in folder.iterdir()))
    return {"said": index.recall.reached or 0.0, "effort": float(index._store.effort), "size": size}


def ask(home: Path, options: argparse.Namespace) -> dict[str, float]:
    queries, truth = np.load(home / "queries.npy"), np.load(home / "truth.npy")
    started = time.perf_counter()
    index = EmbeddingIndex.load(kept_in(home, options) / "index")
    opened = time.perf_counter() - started
    index.search(queries[:1], 10)
    each, found = [], []
    for query in queries:
        started = time.perf_counter()
        found.append(index.search(query, 10).ids[0])
        each.append(time.perf_counter() - started)
    started = time.perf_counter()
    index.search(queries, 10)
    together = (time.perf_counter() - started) / len(queries)
    hits = [len(set(a.tolist()) & set(b.tolist())) / 10 for a, b in zip(found, truth, strict=True)]
    return {"open": opened, "one": float(np.median(each)), "many": together, "recall": float(np.mean(hits))}


def grow(home: Path, options: argparse.Namespace) -> dict[str, float]:
    with EmbeddingIndex.changing(kept_in(home, options) / "index") as index:
        index.add(block_of(1 << 30, ADDED, centers_of(10)), {"identity": np.zeros(ADDED, np.int64)})
    return {}


STAGES = {"build": build, "ask": ask, "grow": grow}


def staged(stage: str, home: Path, options: argparse.Namespace) -> dict[str, float]:
    """Run one stage in a process of its own, under the limit, unless its numbers are kept."""
    kept = kept_in(home, options) / f"{stage}.json"
    if kept.is_file():
        return dict(json.loads(kept.read_text()))
    kept.parent.mkdir(exist_ok=True)
    words = ["--stage", stage, "--home", home, "--kind", options.kind]
    words += ["--shards", options.shards, "--limit", options.limit]
    command = [sys.executable, "-m", "benchmarks.large_index", *map(str, words)]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (int(options.limit * 2**30),) * 2)

    started = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, preexec_fn=limit)
    found = {**json.loads(done.stdout), "seconds": time.perf_counter() - started}
    print(stage, options.kind, found, file=sys.stderr, flush=True)
    kept.write_text(json.dumps(found))
    return found


def rows_of(home: Path, options: argparse.Namespace) -> list[str]:
    made, asked, grown = (staged(stage, home, options) for stage in STAGES)
    return [
        options.kind,
        f"{made['seconds']:.0f}",
        f"{made['cpu']:.0f}",
        gib(made),
        f"{made['size'] / 2**30:.2f}",
        f"{asked['open']:.2f}",
        f"{1000 * asked['one']:.1f}",
        f"{1000 * asked['many']:.1f}",
        gib(asked),
        f"{made['said']:.3f}",
        f"{asked['recall']:.3f}",
        f"{grown['seconds']:.1f}",
        gib(grown),
    ]


def gib(peak: dict[str, float]) -> str:
    return " / ".join(f"{peak[name]:.2f}" for name in ("own", "reserved", "all"))


def command_of(options: argparse.Namespace) -> str:
    """What to type for the same measurement: every option that is not its default."""
    words = ["python -m benchmarks.large_index"]
    for name, default in DEFAULTS.items():
        value = getattr(options, name)
        if value != default:
            shown = " ".join(value) if isinstance(value, list) else f"{value:g}" if name == "limit" else value
            words.append(f"--{name} {shown}")
    return " ".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--shards", type=int)
    parser.add_argument("--kinds", nargs="+")
    parser.add_argument("--limit", type=float, help="GiB of data that each stage may have")
    parser.set_defaults(**DEFAULTS)
    parser.add_argument("--work", type=Path, help="folder that keeps all; default a temporary one")
    parser.add_argument("--stage", choices=STAGES)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--kind")
    options = parser.parse_args()
    if options.stage:
        watch = Watch()
        found = STAGES[options.stage](options.home, options)
        print(json.dumps({**found, **watch.close(), "cpu": time.process_time()}))
        return
    with tempfile.TemporaryDirectory() as folder:
        home = (options.work or Path(folder)) / str(options.rows)
        prepare(home, options.rows)
        rows = [
            rows_of(home, argparse.Namespace(**{**vars(options), "kind": kind})) for kind in options.kinds
        ]
    full = options.rows == DEFAULTS["rows"]
    publish(
        "large_index" if full else f"large_index_{options.rows}",
        "An index larger than the memory it is given",
        command_of(options),
        machine("faiss-cpu", "numpy") + f"; {len(os.sched_getaffinity(0))} cores",
        [
            f"{options.rows:,} x {DIMENSIONS} vectors of {max(1, options.rows // EACH):,} identities, which fill "
            f"{FREE} dimensions and have noise in all, as embeddings do, in a file of "
            f"{options.rows * DIMENSIONS * 4 / 2**30:.2f} GiB; {options.shards} shards, left on disk, each stage under "
            f"a limit of {options.limit:g} GiB of its own data, used or reserved, which the system enforces "
            "(RLIMIT_DATA). Memory is the peak in GiB: what the process used of its own; what it reserved, which is "
            "what the limit counts; and all that was resident, with the pages of files that it had mapped, which the "
            "system takes back where it needs them. Recall@10 as the index says of itself, and on "
            f"{QUERIES} other queries against the exact "
            f"answer computed in blocks. `add` is `EmbeddingIndex.changing(...)` with {ADDED:,} vectors, with the "
            "start of Python.",
            table(
                [
                    "kind",
                    "build s",
                    "processor s",
                    "its memory",
                    "index GiB",
                    "open s",
                    "a query ms",
                    "of many ms",
                    "its memory",
                    "recall said",
                    "recall found",
                    "add s",
                    "its memory",
                ],
                rows,
            ),
        ],
    )


if __name__ == "__main__":
    main()
