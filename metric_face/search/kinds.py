"""Which kind of FAISS index suits N vectors of D dimensions in so much memory.

========  =======================================  =====================================================
kind      bytes for each vector                    what it is for
========  =======================================  =====================================================
flat      4 D                                      exact; as fast as any up to some 100,000 vectors
hnsw      4 D + 8 M + 4                            the fastest search; slow to build, so not for millions
ivf       4 D + 8                                  any size that fits in memory
ivfsq     D + 8                                    what does not fit: each number in a byte, nearly as exact
ivfpq     m + 8, m at most D                       what does not fit still: m bytes in place of 4 D
========  =======================================  =====================================================
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError
from metric_face.vectors import Metric

Kind: TypeAlias = Literal["flat", "ivf", "hnsw", "ivfsq", "ivfpq"]

_FLAT_UP_TO = 100_000  # vectors
_HNSW_UP_TO = 300_000  # vectors: beyond, building takes many times as long as IVF
LINKS = 32  # M of HNSW; level 0 has twice as many
_TRAINING_PER_LIST = 64  # vectors for each centroid: FAISS's 256 quadruple the time for the same recall


@dataclass(frozen=True)
class Plan:
    """A kind of index and its sizes.

    Attributes:
        kind: ``flat``, ``ivf``, ``hnsw``, ``ivfsq`` or ``ivfpq``.
        num_lists: inverted lists of ``ivf``, ``ivfsq`` and ``ivfpq``.
        code_bytes: bytes of one vector in ``ivfpq``.
    """

    kind: Kind
    num_lists: int = 0
    code_bytes: int = 0

    def memory(self, count: int, dimensions: int) -> int:
        """Return the bytes that ``count`` vectors take in the index."""
        full = 4 * dimensions
        centroids = self.num_lists * full
        if self.kind == "flat":
            return count * full
        if self.kind == "hnsw":
            return count * (full + 8 * LINKS + 4)
        if self.kind == "ivf":
            return count * (full + 8) + centroids
        if self.kind == "ivfsq":
            return count * (dimensions + 8) + centroids + 2 * full
        return count * (self.code_bytes + 8) + centroids + 256 * full


def plan_index(kind: str, count: int, dimensions: int, memory_budget: int | None) -> Plan:
    """Choose the kind, or size the one that is asked for.

    Args:
        kind: ``auto`` or a kind.
        count: N vectors.
        dimensions: D.
        memory_budget: bytes that the index may take; None for as many as it needs.

    Raises:
        ArgumentError: no such kind, or it cannot fit in the memory budget.
    """
    if kind not in ("auto", *get_args(Kind)):
        raise ArgumentError(f"kind must be auto, {', '.join(get_args(Kind))}, found {kind!r}")
    if kind == "ivfpq" and count < 2:
        raise ArgumentError(
            f"kind 'ivfpq' needs at least 2 vectors to learn its codes from, found {count}; choose flat"
        )
    lists = max(1, min(round(4 * np.sqrt(count)), count // 39))
    plans = {
        "flat": Plan("flat"),
        "hnsw": Plan("hnsw"),
        "ivf": Plan("ivf", lists),
        "ivfsq": Plan("ivfsq", lists),
        "ivfpq": Plan("ivfpq", lists, _code_bytes(count, dimensions, lists, memory_budget)),
    }
    if kind == "auto":
        wanted = ["flat"] if count <= _FLAT_UP_TO else ["hnsw", "ivf"] if count <= _HNSW_UP_TO else ["ivf"]
        wanted += ["ivfsq", "ivfpq"]
    else:
        wanted = [kind]
    for name in wanted:
        if memory_budget is None or plans[name].memory(count, dimensions) <= memory_budget:
            return plans[name]
    least = plans[wanted[-1]].memory(count, dimensions)
    raise ArgumentError(
        f"memory_budget must be at least {least:,} bytes for {count} vectors of {dimensions} dimensions as "
        f"{wanted[-1]}, found {memory_budget:,}; raise it"
        + ("" if wanted[-1] == "ivfpq" else " or choose ivfpq")
    )


def _code_bytes(count: int, dimensions: int, lists: int, memory_budget: int | None) -> int:
    """Return the largest divisor of D whose codes fit the budget; without one, D / 2 or the next below."""
    divisors = [m for m in range(1, dimensions + 1) if dimensions % m == 0]
    if memory_budget is None:
        return max((m for m in divisors if m <= dimensions / 2), default=1)
    fitting = [m for m in divisors if Plan("ivfpq", lists, m).memory(count, dimensions) <= memory_budget]
    return max(fitting, default=1)


def empty_faiss(plan: Plan, dimensions: int, metric: Metric, training: int, seed: int) -> Any:
    """Make the FAISS index of a plan, untrained and empty.

    Args:
        plan: from ``plan_index``.
        dimensions: D.
        metric: a flat index holds cosine as the inner product of rows of length one.
        training: vectors that it will be trained on.
        seed: of the clustering.
    """
    import faiss

    kind = faiss.METRIC_L2 if metric == "euclidean" else faiss.METRIC_INNER_PRODUCT
    if plan.kind == "flat":
        return faiss.IndexFlat(dimensions, kind)
    if plan.kind == "hnsw":
        return faiss.IndexHNSWFlat(dimensions, LINKS, kind)
    quantizer = faiss.IndexFlat(dimensions, kind)
    if plan.kind == "ivf":
        index = faiss.IndexIVFFlat(quantizer, dimensions, plan.num_lists, kind)
    elif plan.kind == "ivfsq":
        byte = faiss.ScalarQuantizer.QT_8bit
        index = faiss.IndexIVFScalarQuantizer(quantizer, dimensions, plan.num_lists, byte, kind)
    else:
        bits = max(1, min(8, int(np.log2(max(2, training)))))  # no more codes than vectors to learn them from
        index = faiss.IndexIVFPQ(quantizer, dimensions, plan.num_lists, plan.code_bytes, bits, kind)
        index.pq.cp.min_points_per_centroid = 1  # FAISS would print a warning; the recall is measured anyway
        index.pq.cp.seed = seed
    quantizer.this.disown()  # the inverted file deletes it
    index.own_fields = True
    index.cp.min_points_per_centroid = 1
    index.cp.max_points_per_centroid = _TRAINING_PER_LIST
    index.cp.spherical = metric != "euclidean"
    index.cp.seed = seed
    return index


def training_rows(plan: Plan, count: int, seed: int) -> np.ndarray:
    """Return the sorted rows to train on: enough for the lists and for the codes of a product quantizer."""
    wanted = 0 if plan.kind in ("flat", "hnsw") else plan.num_lists * _TRAINING_PER_LIST
    if plan.kind == "ivfpq":
        wanted = max(wanted, 256 * 256)
    if wanted >= count:
        return np.arange(count)
    rows: np.ndarray = np.sort(np.random.default_rng(seed).choice(count, wanted, replace=False))
    return rows


def knob(faiss_index: Any) -> str | None:
    """Return the setting that trades time for recall: ``nprobe``, ``efSearch``, or None of a flat index."""
    return (
        "nprobe" if hasattr(faiss_index, "nprobe") else "efSearch" if hasattr(faiss_index, "hnsw") else None
    )


def get_effort(faiss_index: Any) -> int:
    """Return the present value of the knob, 0 of a flat index."""
    name = knob(faiss_index)
    return 0 if name is None else int(faiss_index.nprobe if name == "nprobe" else faiss_index.hnsw.efSearch)


def set_effort(faiss_index: Any, value: int) -> None:
    """Set the knob; a flat index has none."""
    if knob(faiss_index) == "nprobe":
        faiss_index.nprobe = value
    elif knob(faiss_index) == "efSearch":
        faiss_index.hnsw.efSearch = value


def least_effort(faiss_index: Any) -> int:
    """Return the value of the knob to begin at: FAISS takes k for a smaller efSearch, so 10 would fail at k = 1."""
    return 1 if knob(faiss_index) == "nprobe" else 16


def most_effort(faiss_index: Any) -> int:
    """Return the value of the knob beyond which nothing is gained."""
    return (
        int(faiss_index.nlist)
        if knob(faiss_index) == "nprobe"
        else max(1, min(4096, int(faiss_index.ntotal)))
    )


def train(faiss_index: Any, sample: Floats) -> None:
    """Train on (N, D) prepared vectors; a flat or HNSW index needs none."""
    if not faiss_index.is_trained:
        faiss_index.train(sample)
