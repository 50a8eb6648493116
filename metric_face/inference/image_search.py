"""search_images: the indexed images that are most like an image, a vector or another indexed image."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.data import ImageInput, input_names
from metric_face.errors import ArgumentError, FileFormatError, ImageError
from metric_face.inference.image_hits import ImageHit, ImageHits
from metric_face.inference.predictor import Predictor
from metric_face.inference.search_settings import SearchSettings
from metric_face.progress import Progress, silent
from metric_face.search import CODE, EmbeddingIndex, k_reciprocal, row_of, stored_vectors
from metric_face.vectors import as_vectors

POOL = 200
"""Nearest candidates that re-ranking looks at, or five times as many as are wanted."""


def search_images(
    run: Predictor | str | Path,
    images: Sequence[ImageInput] = (),
    *,
    vectors: Any = None,
    rows: Sequence[int | str] = (),
    broken: dict[str, ImageError] | None = None,
    progress: Progress = silent,
    **settings: Any,
) -> list[ImageHits]:
    """Find the indexed images that are most like some queries.

    Args:
        run: a run directory with an index, or a :class:`Predictor`, which is loaded once for many searches.
        images: paths, images of Pillow, arrays (H, W, 3) uint8, or binary files.
        vectors: (Q, D) or (D,) vectors of the run's model.
        rows: indexed images, by row number, path or file name; none finds itself.
        broken: where images that cannot be used are noted, by path; None raises at the first.
        progress: called with (images read, images in all).
        **settings: of :class:`.search_settings.SearchSettings`: ``k``, ``where``, ``within``, ``rerank``, ``expand``,
            ``unique``, ``identity``, ``others``.

    Returns:
        What was found for each image, then each vector, then each row; nothing for a broken image.

    Raises:
        ArgumentError: a setting, vector or row that does not fit the index.
        ImageError: an image cannot be used, and ``broken`` is None.

    Example:
        >>> found = metric_face.search_images("runs/first", ["new.jpg"], k=5, where={"gender": "female"})
        >>> found[0].hits[0].path
        'images/0412.jpg'
    """
    predictor = run if isinstance(run, Predictor) else Predictor(run, model="fp32")
    predictor.refresh()
    index = predictor.index
    wanted = SearchSettings(**settings).checked(index)
    own = [row_of(index, row) for row in rows]
    given = _as_queries(vectors, index)
    embedded = predictor.embed(images, progress, broken) if len(images) else given[:0]
    names = [name for name in input_names(images) if not broken or name not in broken]
    names += [f"vector {place}" for place in range(len(given))]
    names += [f"row {row} ({index.columns['path'][row]})" for row in own]
    queries = np.concatenate([embedded, given, stored_vectors(index, np.array(own, np.int64))])
    itself = np.array([-1] * (len(queries) - len(own)) + own, np.int64)
    found = _DeepSearch(index, wanted).find(queries, itself)
    paths = [None if row < 0 else str(index.columns["path"][row]) for row in itself]
    return [
        ImageHits(name, tuple(_hit(predictor, name, *one) for one in zip(*hits, strict=True)), path)
        for name, hits, path in zip(names, found, paths, strict=True)
    ]


def read_vectors(file: str | Path) -> Floats:
    """The vectors of a ``.npy`` file.

    Raises:
        FileFormatError: it is no array of numbers.
    """
    try:
        array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = str(error).splitlines()[0][:120]
        raise FileFormatError(f"{file}: must be an array saved by NumPy, (D,) or (Q, D) ({reason})") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu" or array.ndim not in (1, 2):
        shape = getattr(array, "shape", "several arrays")
        raise FileFormatError(f"{file}: must hold numbers of shape (D,) or (Q, D), found {shape}")
    return np.atleast_2d(array).astype(np.float32)


def _as_queries(vectors: Any, index: EmbeddingIndex) -> Floats:
    if vectors is None:
        return np.empty((0, index.dimensions), np.float32)
    return as_vectors(np.atleast_2d(vectors), "vectors", index.dimensions)


class _DeepSearch:
    """One search: depth grows until every query has what it wants, or all there is."""

    def __init__(self, index: EmbeddingIndex, wanted: SearchSettings) -> None:
        self.index, self.wanted = index, wanted
        self.unique = None if wanted.unique is None else index.columns[wanted.unique]

    def find(self, queries: Floats, itself: Ints) -> list[tuple[Ints, Floats, list[float | None]]]:
        """Rows, similarities and distances of what each of (Q, D) queries found; ``itself`` (Q,) is not found."""
        if not len(queries):
            return []
        if self.wanted.expand:
            queries = self._expanded(queries, itself)
        if self.wanted.rerank is None:
            near = self._nearest(queries, itself, self.wanted.k, self.unique)
            return [(rows, values, [None] * len(rows)) for rows, values in near]
        pool = max(POOL, 5 * (self.wanted.k or 0))
        near = self._nearest(queries, itself, pool, None)
        return [self._reranked(query, *one) for query, one in zip(queries, near, strict=True)]

    def _expanded(self, queries: Floats, itself: Ints) -> Floats:
        """Average query expansion: the mean of each query and its nearest, all of length one."""
        near = self._nearest(queries, itself, self.wanted.expand, None)
        lengths = np.linalg.norm(queries.astype(np.float64), axis=1, keepdims=True)
        if not lengths.all():
            raise ArgumentError("vectors: must not be zero, which has no direction; leave such a query out")
        sums = [
            unit + stored_vectors(self.index, rows).astype(np.float64).sum(axis=0)
            for unit, (rows, _) in zip(queries / lengths, near, strict=True)
        ]
        return np.stack(sums).astype(np.float32)

    def _reranked(self, query: Floats, rows: Ints, values: Floats) -> tuple[Ints, Floats, list[float | None]]:
        if not len(rows):
            return rows, values, []
        distances = k_reciprocal(query[None], stored_vectors(self.index, rows))[0]
        order = np.argsort(distances, kind="stable")
        kept = order[_first_of_each(rows[order], self.unique)][: self.wanted.k]
        return rows[kept], values[kept], distances[kept].tolist()

    def _nearest(
        self, queries: Floats, itself: Ints, count: int | None, unique: Any
    ) -> list[tuple[Ints, Floats]]:
        """Rows and similarities of the ``count`` nearest of each query that pass; None for all within reach."""
        found: list[tuple[Ints, Floats]] = [(itself[:0], queries[:0, 0])] * len(queries)
        open_, depth = np.arange(len(queries)), (count or 100) + 1
        exclude, where = self._excluded(itself), self.wanted.filters or None
        while len(open_):
            depth = min(depth, max(1, len(self.index)))
            excluded = None if exclude is None else exclude[open_]
            result = self.index.search(queries[open_], depth, exclude=excluded, where=where)
            still = []
            for place, rows, values in zip(open_, result.rows, result.similarities, strict=True):
                there = rows >= 0
                passed = there & (rows != itself[place])
                if self.wanted.within is not None:
                    passed &= values >= self.wanted.within
                kept = np.flatnonzero(passed)
                kept = kept[_first_of_each(rows[kept], unique)][:count]
                found[place] = rows[kept], values[kept]
                ended = not there.all() or depth >= len(self.index)
                if self.wanted.within is not None:
                    ended |= bool((values[there] < self.wanted.within).any())
                if not ended and (count is None or len(kept) < count):
                    still.append(place)
            open_, depth = np.array(still, np.int64), 4 * depth
        return found

    def _excluded(self, itself: Ints) -> Any:
        """(Q,) the identity that each query may not find; None where all may be found."""
        if self.wanted.identity is not None:
            return np.full(len(itself), self.wanted.identity, object)
        if not self.wanted.others:
            return None
        if (itself < 0).any():
            raise ArgumentError(
                "--others: goes with --row, whose identity is known; name one with --identity NAME"
            )
        return self.index.columns["identity"][itself]


def _first_of_each(rows: Ints, column: Any) -> Ints:
    """Places of the rows whose value of a column has not come before; a missing value is like no other."""
    if column is None:
        return np.arange(len(rows))
    seen, kept = set(), []
    for place, value in enumerate(column[rows].tolist()):
        if value is None or value != value or value not in seen:
            seen.add(value)
            kept.append(place)
    return np.array(kept, np.int64)


def _hit(predictor: Predictor, query: str, row: Any, similarity: Any, distance: float | None) -> ImageHit:
    columns = {
        name: column[int(row)]
        for name, column in predictor.index.columns.items()
        if not name.startswith(CODE)
    }
    plain = {name: value.item() if hasattr(value, "item") else value for name, value in columns.items()}
    path = str(plain.pop("path"))
    same = Path(query).name == Path(path).name and predictor.where(path).resolve() == Path(query).resolve()
    return ImageHit(int(row), path, float(similarity), plain, distance, same)
