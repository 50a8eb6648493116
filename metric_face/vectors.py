"""What a search needs of its vectors: float32, finite, one row each, of length one for the cosine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints, column_of
from metric_face.errors import ArgumentError
from metric_face.missing import is_missing

Metric: TypeAlias = Literal["cosine", "inner_product", "euclidean"]

_BLOCK_BYTES = 1 << 21  # a temporary of 2 MiB stays in the cache: four times faster than one pass over memory


def as_vectors(embeddings: Any, name: str = "embeddings", dimensions: int | None = None) -> Floats:
    """Read (N, D) float32 vectors from an array, or from an object with ``.vectors``, without copying if possible.

    Args:
        embeddings: (N, D) array-like, or an object whose ``vectors`` is one.
        name: how an error calls the argument.
        dimensions: the D that the vectors must have.

    Returns:
        (N, D) float32, C-contiguous, every value finite.

    Raises:
        ArgumentError: not two-dimensional, no column, another D, not numbers, or a value that is not finite.
    """
    try:
        vectors = np.ascontiguousarray(off_graph(getattr(embeddings, "vectors", embeddings)), np.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(
            f"{name} must be an (N, D) array of numbers, found {error}; give floats"
        ) from None
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise ArgumentError(f"{name} must have shape (N, D), found {vectors.shape}; one row for each item")
    if dimensions is not None and vectors.shape[1] != dimensions:
        raise ArgumentError(
            f"{name} must have D = {dimensions} as the vectors searched, found {vectors.shape[1]}; "
            "embed both with the same model"
        )
    for rows in blocks(len(vectors), vectors.shape[1]):
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(vectors[rows].sum()):  # half the time of looking at each value
                continue
        bad = ~np.isfinite(vectors[rows]).all(axis=1)
        if bad.any():
            row = rows.start + int(np.flatnonzero(bad)[0])
            raise ArgumentError(
                f"{name} must be finite, found nan or infinity in row {row}; drop or embed it again"
            )
    return vectors


def off_graph(values: Any) -> Any:
    """Return the numbers of a torch tensor on any device, with or without a gradient; anything else as it is."""
    return values.detach().cpu().float().numpy() if hasattr(values, "detach") else values


def normalize(
    vectors: Floats, name: str = "embeddings", out: Floats | None = None, first_row: int = 0
) -> Floats:
    """Divide each row by its length.

    Args:
        vectors: (N, D) finite float32.
        name: how an error calls the argument.
        out: (N, D) float32 to fill instead of a new array.
        first_row: position of the first row, for the error.

    Returns:
        (N, D) float32, rows of length one.

    Raises:
        ArgumentError: a row of zeros, which has no direction.
    """
    result = np.empty_like(vectors) if out is None else out
    for rows in blocks(*vectors.shape):
        block = vectors[rows].astype(np.float64)
        lengths = np.sqrt(np.einsum("nd,nd->n", block, block))
        _refuse_zeros(lengths, name, first_row + rows.start)
        block /= lengths[:, None]
        result[rows] = block
    return result


def check_directions(vectors: Floats, name: str = "embeddings") -> None:
    """Raise ``ArgumentError`` for a row of zeros, which has no direction and so no cosine."""
    _refuse_zeros(row_lengths(vectors), name, 0)


def _refuse_zeros(lengths: Doubles, name: str, first_row: int) -> None:
    if not lengths.all():
        row = first_row + int(np.flatnonzero(lengths == 0)[0])
        raise ArgumentError(
            f"{name} must have no row of zeros under the cosine, found row {row}; drop it or use metric='euclidean'"
        )


def row_lengths(vectors: Floats) -> Doubles:
    """Return the (N,) Euclidean length of each row, summed in float64 so that no square overflows."""
    lengths = np.empty(len(vectors))
    for rows in blocks(*vectors.shape):
        block = vectors[rows].astype(np.float64)
        lengths[rows] = np.sqrt(np.einsum("nd,nd->n", block, block))
    return lengths


def row_cosines(first: Floats, second: Floats) -> Doubles:
    """The cosine (N,) of each row of one array (N, D) with the same row of another; NaN where a row is zeros."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    with np.errstate(invalid="ignore"):
        found: Doubles = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return found


def blocks(num_rows: int, row_values: int) -> Iterator[slice]:
    """Cut ``num_rows`` rows of ``row_values`` numbers into slices of bounded memory."""
    step = max(1, _BLOCK_BYTES // (8 * max(1, row_values)))
    for start in range(0, num_rows, step):
        yield slice(start, min(num_rows, start + step))


def check_metric(metric: str) -> Metric:
    """Return ``metric`` if it is one, else raise ``ArgumentError``."""
    if metric not in get_args(Metric):
        raise ArgumentError(f"metric must be one of {', '.join(get_args(Metric))}, found {metric!r}")
    return metric  # type: ignore[return-value]


def check_k(k: int, name: str = "k") -> int:
    """Return ``k`` as an int if it is a whole number of at least 1, else raise ``ArgumentError``."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ArgumentError(f"{name} must be a whole number of at least 1, found {k!r}")
    return int(k)


def group_codes(*groups: Any) -> list[Ints]:
    """Number the values of several label arrays alike: equal values get equal codes across all of them.

    Args:
        groups: (N,) arrays of integers or strings; a missing value is equal to no other.

    Returns:
        One (N,) int64 array of codes from 0 for each array.
    """
    arrays = [column_of(group) for group in groups]
    if all(array.dtype.kind in "iub" and array.max(initial=0) < 2**63 for array in arrays):
        joined = np.concatenate([array.astype(np.int64) for array in arrays])
        codes = np.unique(joined, return_inverse=True)[1].astype(np.int64)
    else:
        # A dictionary takes strings, None and numbers alike, where sorting would refuse to compare them.
        seen: dict[Any, int] = {}
        values = [value for array in arrays for value in array.tolist()]
        keys = (object() if is_missing(value) else value for value in values)
        codes = np.fromiter((seen.setdefault(key, len(seen)) for key in keys), np.int64, len(values))
    return np.split(codes, np.cumsum([len(array) for array in arrays])[:-1])


def distances_of(similarities: Floats, metric: Metric) -> Floats:
    """Turn similarities into distances: Euclidean, or one minus the cosine; ``inf`` where there is no neighbor."""
    if metric == "inner_product":
        raise ArgumentError("metric 'inner_product' has no distance; read similarities")
    distances: Floats = -similarities if metric == "euclidean" else 1 - similarities
    return distances


@contextmanager
def faiss_threads(threads: int | None) -> Iterator[None]:
    """Let FAISS use ``threads`` threads inside the block; None leaves its setting as it is."""
    if threads is None:
        yield
        return
    if isinstance(threads, bool) or not isinstance(threads, int | np.integer) or threads < 1:
        cores = os.cpu_count()
        raise ArgumentError(f"threads must be at least 1, found {threads!r}; this machine has {cores} cores")
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(int(threads))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
