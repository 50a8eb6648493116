"""How far an approximate index must look to find what an exact search finds: measured on queries held out of it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from metric_face.arrays import Bools, Doubles, Floats, Ints
from metric_face.errors import ArgumentError
from metric_face.search.exact import nearest
from metric_face.search.store import Store
from metric_face.vectors import Metric, normalize

_QUERIES = 600  # half of them tune, the other half measure
_NO_GAIN = 0.002  # recall
_ROUNDING = 1e-6  # of a float32 value, relative: what is so near is as near
_BLOCK_BYTES = 1 << 25  # vectors searched at a time: 32 MiB


@dataclass(frozen=True)
class Recall:
    """How much of the exact answer the index finds, and how that is known.

    Attributes:
        target: recall@k that was asked for.
        reached: recall@k measured, on queries that neither the index nor the tuning saw; 1 of an exact index; None
            where vectors were added or removed since, as it is not measured then.
        k: of recall@k.
        num_queries: queries it was measured on; 0 of an exact index.
        count: vectors in the index when it was measured.
    """

    target: float
    reached: float | None
    k: int = 10
    num_queries: int = 0
    count: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def check_recall(recall: float) -> float:
    """Return ``recall`` if it lies above 0 and at most at 1, else raise ``ArgumentError``."""
    if not 0 < recall <= 1:
        raise ArgumentError(f"recall must lie above 0 and at most at 1, found {recall!r}")
    return float(recall)


def held_out_rows(count: int, seed: int) -> Ints:
    """Choose the rows that are searched for before they are added: at most 600, about a fifth of few."""
    wanted = min(_QUERIES, max(1, count // 5), count - 1)
    rows: Ints = np.sort(np.random.default_rng(seed).choice(count, wanted, replace=False))
    return rows


class HeldOut:
    """Queries with the exact answer to them.

    Args:
        vectors: (N, D) as given, not prepared.
        rows: the rows of ``vectors`` that are the queries; all others are searched.
        metric: of the search.
        k: neighbors that the answer holds.
    """

    def __init__(self, vectors: Floats, rows: Ints, metric: Metric, k: int = 10) -> None:
        self.vectors, self.metric = vectors, metric
        self.k = min(k, len(vectors) - len(rows))
        self.queries = self._prepared(vectors[np.random.default_rng(0).permutation(rows)])
        is_query = np.zeros(len(vectors), bool)
        is_query[rows] = True
        self.kth = self._kth_similarity(is_query)

    def recall(self, queries: slice, found: Ints) -> Doubles:
        """Return the share of the k nearest that ``found`` (Q, k) rows of ``vectors`` hold, (Q,).

        A found vector counts if it is as near as the k-th of the exact answer, so that copies of one image count
        whichever of them is found.
        """
        asked = self.queries[queries].astype(np.float64)
        nearest = self._prepared(self.vectors[np.maximum(found, 0)].reshape(-1, asked.shape[1]))
        near = self._similarity(asked[:, None], nearest.reshape(*found.shape, -1)).astype(np.float32)
        near[found < 0] = -np.inf
        kth = self.kth[queries, None]
        shares: Doubles = (near >= kth - _ROUNDING * np.abs(kth)).mean(axis=1)
        return shares

    def _prepared(self, vectors: Floats) -> Floats:
        return normalize(vectors) if self.metric == "cosine" else vectors

    def _similarity(self, queries: Doubles, others: Floats) -> Doubles:
        if self.metric == "euclidean":
            similar: Doubles = -np.sqrt(np.square(queries - others).sum(axis=-1))
        else:
            similar = (queries * others).sum(axis=-1)
        return similar

    def _kth_similarity(self, is_query: Bools) -> Floats:
        """Return the similarity of each query's k-th nearest, (Q,), exact, block by block over the vectors."""
        best = np.full((len(self.queries), self.k), -np.inf, np.float32)
        step = max(1, _BLOCK_BYTES // (4 * self.vectors.shape[1]))
        for start in range(0, len(self.vectors), step):
            rows = slice(start, start + step)
            block = self._prepared(self.vectors[rows][~is_query[rows]])
            if len(block):
                _, near = nearest(self.queries, block, min(self.k, len(block)), self.metric)
                best = -np.sort(-np.concatenate([best, near], axis=1), axis=1)[:, : self.k]
        return best[:, -1]


def tune(
    store: Store, held_out: HeldOut, search: Callable[[Floats, int], Ints], target: float, count: int
) -> Recall:
    """Set the least effort that reaches the target on one half of the queries; measure on the other half.

    Args:
        store: whose effort is set.
        held_out: the queries and the exact answer.
        search: queries, k -> (Q, k) rows of the vectors, -1 for none; no query finds itself or another query.
        target: recall@k to reach. Where the index cannot, as product quantization often cannot, the effort is the
            least that comes within a hundredth of the best it can do.
        count: vectors that the index will hold.
    """
    least, most = store.efforts
    if not len(held_out.queries):
        store.effort = most
        return Recall(target, 1.0, count=count)  # of a single vector
    half = (len(held_out.queries) + 1) // 2
    tuning, measuring = slice(0, half), slice(half if len(held_out.queries) > 1 else 0, None)

    def measure(queries: slice, effort: int) -> tuple[float, float]:
        store.effort = effort
        shares = held_out.recall(queries, search(held_out.queries[queries], held_out.k))
        return float(shares.mean()), float(shares.std() / np.sqrt(len(shares)))

    high = _enough(lambda effort: measure(tuning, effort), target, least, most)
    reached = measure(measuring, high)[0]
    return Recall(target, reached, held_out.k, len(held_out.queries[measuring]), count)


def _enough(measure: Callable[[int], tuple[float, float]], target: float, least: int, most: int) -> int:
    """Return about the least effort whose recall is the target, or nearly the best that any effort reaches.

    Args:
        measure: effort -> recall and its standard error.
        target: recall to reach.
        least: effort to begin at.
        most: effort beyond which nothing is gained.
    """
    known: dict[int, tuple[float, float]] = {}

    def is_enough(effort: int, wanted: float) -> bool:
        known[effort] = known.get(effort) or measure(effort)
        mean, error = known[effort]
        return mean >= min(1.0, wanted + error)  # one standard error above, so that other queries meet it too

    low, high, wanted = least - 1, min(least, most), target
    while not is_enough(high, wanted) and high < most:
        means = [known[effort][0] for effort in sorted(known)]
        if len(means) > 2 and means[-1] - means[-3] < _NO_GAIN:
            break  # four times the effort gained nothing: the codes of a product quantizer say no more
        low, high = high, min(2 * high, most)
    if not is_enough(high, wanted):
        best = max(mean for mean, _ in known.values())
        wanted = 0.99 * best
        fitting = [effort for effort in known if is_enough(effort, wanted)]
        high = min(fitting, default=high)
        low = max((effort for effort in known if effort < high), default=least - 1)
    while high - low > max(1, high // 32):
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle, wanted) else (middle, high)
    return high
