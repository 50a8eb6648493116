"""Search: EmbeddingIndex and NeighborGraph against FAISS itself, on the same index and threads.

``python -m benchmarks.search`` takes about twenty minutes on two cores and 8 GB; ``--scale 0.01`` tries it out.
"""

import argparse
import time
from collections.abc import Callable

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import machine, peak_memory, publish, seconds, table, times
from metric_face import EmbeddingIndex, NeighborGraph
from metric_face.search.kinds import empty_faiss, plan_index, training_rows

Floats = NDArray[np.float32]
ROW = 1 << 16
EACH = 20  # images an identity


def faces(count: int, dimensions: int, identities: int, seed: int = 0) -> Floats:
    """Vectors as a face model makes them: spread around each of so many identities, the same for every seed."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(7).standard_normal((identities, dimensions), dtype=np.float32)
    vectors = np.empty((count, dimensions), np.float32)
    for start in range(0, count, ROW):
        block = vectors[start : start + ROW]
        rng.standard_normal(out=block, dtype=np.float32)
        block *= 0.6
        block += centers[rng.integers(0, identities, len(block))]
    return vectors


def raw_build(vectors: Floats, kind: str) -> faiss.Index:
    """Build with FAISS alone what EmbeddingIndex builds: same sizes, same training, no tuning."""
    plan = plan_index(kind, len(vectors), vectors.shape[1], None)
    prepared = vectors.copy()
    faiss.normalize_L2(prepared)
    rows = training_rows(plan, len(vectors), 0)
    index = empty_faiss(plan, vectors.shape[1], "cosine", len(rows), 0)
    if not index.is_trained:
        index.train(prepared[rows])
    index.add(prepared)
    return index


def raw_search(index: faiss.Index, queries: Floats, k: int) -> None:
    prepared = queries.copy()
    faiss.normalize_L2(prepared)
    index.search(prepared, k)


def against_raw(
    name: str, arms: dict[str, Callable[[], object]], repeats: int, mark: float = 1.10
) -> list[str]:
    """Time both arms in turn, by the clock and of the processor; return the row of the table."""
    taken = seconds(arms, repeats=repeats, warmup=min(1, repeats - 1))
    faiss_s, ours = taken["FAISS"], taken["ours"]
    ratio, work = ours.wall / faiss_s.wall, ours.processor / faiss_s.processor
    met = "met" if min(ratio, work) <= mark else "missed"
    return [
        name,
        f"{faiss_s.wall:.4f}",
        f"{ours.wall:.4f}",
        f"{ratio:.2f}",
        f"{work:.2f}",
        f"<= {mark:.2f}: {met}",
    ]


def floor_rows(count: int, kind: str, repeats: int) -> list[list[str]]:
    """Build and search one kind at 128 dimensions."""
    vectors, queries = faces(count, 128, count // EACH), faces(1000, 128, count // EACH, seed=1)
    size = f"{count:,} x 128"
    made: list[EmbeddingIndex] = []

    def build_ours() -> None:
        made[:] = [EmbeddingIndex.build(vectors, kind=kind)]

    build = {"FAISS": lambda: raw_build(vectors, kind), "ours": build_ours}
    rows = [against_raw(f"build {kind}, {size}", build, repeats)]
    index = made[0]
    for asked, k in ((1000, 10), (1000, 100), (100, 10), (1, 10)):
        some = queries[:asked]
        search = {
            "FAISS": lambda some=some, k=k: raw_search(index.faiss_index, some, k),
            "ours": lambda some=some, k=k: index.search(some, k),
        }
        name = f"search {kind}, {size}, {asked} {'queries' if asked > 1 else 'query'}, k = {k}"
        rows.append(against_raw(name, search, 7 if asked > 1 else 51))
    return rows


def graph_rows(count: int) -> list[list[str]]:
    """The neighbor graph at 512 dimensions, with and without exclusion, against a plain search of k."""
    vectors, identities = faces(count, 512, count // EACH), np.arange(count) // 7
    rows = []
    for name, exclude in (("the item alone left out", None), ("identities of 7 left out", identities)):
        arms = {
            "FAISS": lambda: faiss.knn(*2 * (_normalized(vectors),), 100, metric=faiss.METRIC_INNER_PRODUCT),
            "ours": lambda exclude=exclude: NeighborGraph.build(vectors, 100, exclude=exclude),
        }
        rows.append(against_raw(f"graph {count:,} x 512, k = 100, {name}", arms, 5, mark=1.25))
    return rows


def _normalized(vectors: Floats) -> Floats:
    prepared = vectors.copy()
    faiss.normalize_L2(prepared)
    return prepared


def kind_rows(count: int) -> list[list[str]]:
    """What each kind gives: its recall on queries it never saw, its size, its speed."""
    vectors, queries = faces(count, 128, count // EACH), faces(1000, 128, count // EACH, seed=2)
    truth = EmbeddingIndex.build(vectors, kind="flat").search(queries, 10).ids
    rows = []
    for kind in ("flat", "ivf", "hnsw", "ivfpq"):
        started = time.perf_counter()
        index = EmbeddingIndex.build(vectors, kind=kind)
        built = time.perf_counter() - started
        found = index.search(queries, 10).ids
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])
        taken = times({"search": lambda index=index: index.search(queries, 10)}, repeats=5)["search"]
        size = plan_index(kind, count, 128, None).memory(count, 128) / count
        rows.append(
            [
                kind,
                f"{built:.1f}",
                f"{size:.0f}",
                f"{taken:.3f} ms",
                f"{index.recall.reached:.4f}",
                f"{recall:.4f}",
            ]
        )
    return rows


def large(count: int) -> Callable[[], object]:
    """Prepare what is measured for memory: 512 dimensions, built by the memory budget and searched."""
    vectors, queries = faces(count, 512, count // EACH), faces(1000, 512, count // EACH, seed=1)

    def run() -> None:
        started = time.perf_counter()
        index = EmbeddingIndex.build(vectors, kind="auto", memory_budget=3 << 30)
        built = time.perf_counter() - started
        started = time.perf_counter()
        index.search(queries, 10)
        print(
            f"{index}: built in {built:.0f} s, 1000 queries in {time.perf_counter() - started:.2f} s",
            flush=True,
        )

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full sizes")
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    if options.threads:
        faiss.omp_set_num_threads(options.threads)
    million, fewer, graph = (max(2000, int(n * options.scale)) for n in (1_000_000, 200_000, 20_000))
    rows = floor_rows(million, "flat", 5) + floor_rows(million, "ivf", 1) + graph_rows(graph)
    kinds = kind_rows(fewer)
    extra = peak_memory(large, million) / 1024
    total = extra + million * 512 * 4 / 2**30
    command = "python -m benchmarks.search" + (f" --scale {options.scale:g}" if options.scale != 1 else "")
    command += f" --threads {options.threads}" if options.threads else ""
    publish(
        "search" if options.scale == 1 else "search_small",
        "Search: EmbeddingIndex and NeighborGraph against FAISS",
        command,
        machine("faiss-cpu", "numpy") + f"; {faiss.omp_get_max_threads()} threads",
        [
            "Seconds, medians of arms that take turns. FAISS normalizes a copy and adds or searches it; ours also "
            "checks every value, keeps the ids and columns, puts equals in the order of their ids, and for `ivf` "
            "finds the least `nprobe` with recall@10 of 0.98 on queries held out. A mark is met if either ratio does: "
            "other programs prolong the clock, not the processor's time.",
            table(["what", "FAISS", "ours", "ratio", "of processor time", "mark"], rows),
            f"## Kinds at {fewer:,} x 128\n\nRecall@10 as the index says of itself (held-out queries), and on 1000 "
            "others.",
            table(["kind", "build s", "bytes a vector", "a query", "recall said", "recall found"], kinds),
            f"## Memory\n\n{million:,} x 512 built (`kind='auto'`, `memory_budget` 3 GiB) and searched: peak "
            f"{total:.2f} GiB, of it {million * 512 * 4 / 2**30:.2f} the vectors handed over. Mark: 6 GB "
            f"({'met' if total * 2**30 <= 6e9 else 'missed'}).",
        ],
    )


if __name__ == "__main__":
    main()
