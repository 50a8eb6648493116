"""Exact search beside raw FAISS on vectors that float32 arithmetic cannot tell apart.

``python -m benchmarks.robust_search`` takes about ten minutes; ``--quick`` a small run of it.
"""

import argparse
from collections.abc import Iterator

import faiss
import numpy as np

from benchmarks.harness import machine, publish, seconds, table
from metric_face import EmbeddingIndex, KNNClassifier, NeighborGraph
from metric_face.vectors import normalize

METRICS = ("euclidean", "cosine", "inner_product")
K = 5


def hard_vectors(rng: np.random.Generator, n: int, d: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield a name and (n, d or d + 1) float32 vectors."""
    plain = rng.normal(size=(n, d))
    cases = [(f"mean/sd {mean:g}", plain + mean) for mean in (0, 200, 500, 3000, 1e5, 1e6)]
    cases += [(f"a column of {size:g}", np.c_[plain, size * rng.normal(size=n)]) for size in (1e3, 1e6)]
    cases.append(("a constant column of 5000", np.c_[plain, np.full(n, 5000.0)]))
    for size in (1e4, 1e10):
        outlier = plain.copy()
        outlier[n // 2] *= size
        cases.append((f"an outlier of {size:g}", outlier))
    cases += [(f"scale {scale:g}", plain * scale) for scale in (1e-20, 1e-10, 1e10, 1e15)]
    cases += [
        ("copies", plain[rng.integers(0, max(1, n // 8), n)]),
        ("a grid", rng.integers(0, 2, (n, d)) + 9.0),
    ]
    for name, vectors in cases:
        yield name, vectors.astype(np.float32)


def ranks_of(queries: np.ndarray, base: np.ndarray, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """(Q, N) float64, greater for nearer, and how far rounding may move each row."""
    q, x = queries.astype(np.float64), base.astype(np.float64)
    if metric == "cosine":
        q, x = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (q, x))
    if metric == "inner_product":
        longest = np.linalg.norm(x, axis=1).max()
        return q @ x.T, 1e-13 * longest * np.linalg.norm(q, axis=1, keepdims=True)
    ranks = np.stack([-np.square(one - x).sum(axis=1) for one in q])
    return ranks, np.zeros((len(q), 1)) if metric == "euclidean" else np.full((len(q), 1), 1e-30)


def share_right(ids: np.ndarray, ranks: np.ndarray, rounding: np.ndarray) -> float:
    """Share of places whose neighbor is as near as the one that float64 puts there."""
    k = ids.shape[1]
    wanted = -np.sort(-ranks, axis=1)[:, :k]
    got = np.take_along_axis(ranks, np.maximum(ids, 0), axis=1)
    with np.errstate(invalid="ignore"):
        right = (ids >= 0) & (np.abs(got - wanted) <= rounding + 1e-12 * np.abs(wanted))
    return float(right[np.isfinite(wanted)].mean()) if np.isfinite(wanted).any() else 1.0


def raw(queries: np.ndarray, base: np.ndarray, metric: str) -> np.ndarray:
    """Return what FAISS alone finds, as it is used everywhere."""
    if metric == "cosine":
        queries, base = queries.copy(), base.copy()
        faiss.normalize_L2(queries)
        faiss.normalize_L2(base)
    kind = faiss.METRIC_L2 if metric == "euclidean" else faiss.METRIC_INNER_PRODUCT
    return np.asarray(faiss.knn(queries, base, min(K, len(base)), metric=kind)[1])


def searches(queries: np.ndarray, base: np.ndarray, metric: str) -> dict[str, np.ndarray]:
    """Return what each of our searches finds, (Q, K)."""
    k = min(K, len(base))
    classifier = KNNClassifier(k, metric=metric).fit(base, np.arange(len(base)) % 2)
    index = EmbeddingIndex.build(base, kind="flat", metric=metric)
    return {
        "graph": NeighborGraph.between(queries, base, k, metric=metric).ids,
        "classifier": classifier.search(queries)[0],
        "index": index.search(queries, k).ids,
    }


def exactness(sizes: list[int], dimensions: int) -> list[list[str]]:
    """Return the rows of the table: the least share over the sizes, of each search and of FAISS alone."""
    least: dict[tuple[str, str], dict[str, float]] = {}
    for n in sizes:
        rng = np.random.default_rng(n)
        for name, vectors in hard_vectors(rng, n + 50, dimensions):
            queries, base = vectors[::2][:50], vectors[25:]
            base = base[:n] if len(base) >= n else vectors[:n]
            for metric in METRICS:
                truth = ranks_of(queries, base, metric)
                row = least.setdefault((name, metric), {})
                found = searches(queries, base, metric)
                shares = {who: share_right(ids, *truth) for who, ids in found.items() if who != "index"}
                unit = ranks_of(normalize(queries), normalize(base), metric) if metric == "cosine" else truth
                shares["index"] = share_right(found["index"], *unit)
                shares["FAISS"] = share_right(raw(queries, base, metric), *truth)
                for who, share in shares.items():
                    row[who] = min(row.get(who, 1.0), share)
    order = ("FAISS", "graph", "classifier", "index")
    return [[*key, *(f"{row[who]:.3f}" for who in order)] for key, row in least.items()]


def speed(count: int) -> list[list[str]]:
    """Return ratios of our time to that of FAISS on the same index, at 128 dimensions."""
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((count // 20, 128), dtype=np.float32)
    vectors = centers[rng.integers(0, len(centers), count)] + 0.6 * rng.standard_normal(
        (count, 128), np.float32
    )
    rows = []
    for metric in ("cosine", "euclidean"):
        for name, base in (("as they are", vectors), ("mean/sd 100", vectors + np.float32(100))):
            index = EmbeddingIndex.build(base, kind="flat", metric=metric)
            for asked, k in ((1000, 10), (1000, 100), (100, 10), (1, 10)):
                queries = base[:asked].copy()
                prepared = normalize(queries) if metric == "cosine" else queries
                arms = {
                    "FAISS": lambda prepared=prepared, k=k, index=index: index.faiss_index.search(
                        prepared, k
                    ),
                    "ours": lambda queries=queries, k=k, index=index: index.search(queries, k),
                }
                taken = seconds(arms, repeats=5 if asked > 1 else 21)
                times = [taken[arm].processor for arm in ("FAISS", "ours")]
                rows.append(
                    [
                        metric,
                        name,
                        f"{asked}, k = {k}",
                        *(f"{one:.4f}" for one in times),
                        f"{times[1] / times[0]:.2f}",
                    ]
                )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    sizes = (
        [1, 2, 7, 255, 257, 1000]
        if options.quick
        else [1, 2, 3, 7, 50, 250, 255, 256, 257, 260, 300, 1000, 5000]
    )
    count = 10_000 if options.quick else 100_000
    publish(
        "robustness-search",
        "Exact search beside raw FAISS",
        "python -m benchmarks.robust_search" + (" --quick" if options.quick else ""),
        machine("faiss-cpu", "numpy"),
        [
            f"Share of the {K} nearest that are as near as float64 says, the least over N = "
            f"{', '.join(map(str, sizes))} at 16 dimensions, 50 queries each. The index is compared on the float32 "
            "vectors of length one that it holds for the cosine; all others on the vectors as given.",
            table(["vectors", "metric", "FAISS", "graph", "classifier", "index"], exactness(sizes, 16)),
            f"## Time\n\nSeconds of the processor on one thread, {count:,} x 128, medians of arms that take turns.",
            table(["metric", "vectors", "queries", "FAISS", "ours", "ratio"], speed(count)),
        ],
    )


if __name__ == "__main__":
    main()
