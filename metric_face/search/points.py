"""Vectors as a float32 search should see them: near the origin, of moderate size, outliers apart.

A float32 inner product errs in proportion to the lengths of its vectors, not to the distance between them: far from
the origin, the error exceeds the distances. Distances do not change when all vectors are moved, and the order of
inner products does not when those searched are. So FAISS is handed a copy moved to its middle, where that gains
something; what it finds is settled in float64 from the vectors as they were given.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.vectors import Metric, blocks, row_lengths

_SAMPLE = 1024  # rows that say where the middle is
_GAIN = 0.5  # the middle is moved to where typical lengths then halve
_COSINE_GAIN = 0.25  # of lengths one: a cosine needs a copy only where vectors are as close together as this
_FAR = 16  # times the typical length: such a row would spoil the bound of all others
_FAR_SHARE = 64  # at most one row in 64 is taken for an outlier
_MODERATE = 2.0**30  # lengths whose squares float32 holds easily
_UNIT = 2.0**-20  # lengths within this of one are one
LARGEST = 2.0**60  # of a query, in units of the copy; beyond, squares overflow


@dataclass(frozen=True)
class Points:
    """N vectors to be searched.

    Attributes:
        vectors: (N, D) float32 as given; for the cosine of any length, and zeros are at a cosine of 0 from all.
        metric: of the search.
        lengths: (N,) Euclidean lengths of ``vectors``.
        sizes: (N,) lengths of the vectors in the units of the copy: moved, scaled, divided by their length.
        by_distance: whether FAISS compares distances, otherwise inner products.
        center: (D,) what is subtracted, None for nothing.
        scale: power of two that the rest is multiplied by.
        copy: (n, D) float32, what FAISS searches; ``vectors`` themselves where nothing is to be gained.
        rows: (n,) rows of ``vectors`` in the copy, None for all.
        far: (F,) rows that are not: few, compared with every query in float64.
        longest: greatest length in the copy.
    """

    vectors: Floats
    metric: Metric
    lengths: Doubles
    sizes: Doubles
    by_distance: bool
    center: Doubles | None
    scale: float
    copy: Floats
    rows: Ints | None
    far: Ints
    longest: float

    @classmethod
    def of(cls, vectors: Floats, metric: Metric) -> "Points":
        """Look at (N, D) finite float32 vectors, N at least 1, and make the copy if it is needed."""
        vectors = np.asarray(vectors)  # no memmap: FAISS refuses one
        lengths = row_lengths(vectors)
        is_cosine = metric == "cosine"
        center = _middle(vectors, lengths, metric)
        sizes = (lengths > 0).astype(np.float64) if is_cosine else lengths
        if center is not None:
            sizes = np.empty(len(vectors))
            for part in blocks(*vectors.shape):
                block = _directed(vectors[part], lengths[part], is_cosine) - center
                sizes[part] = np.sqrt(np.einsum("nd,nd->n", block, block))
        far = _outliers(sizes)
        rows = None if not len(far) else np.setdiff1d(np.arange(len(vectors)), far)
        longest = float((sizes if rows is None else sizes[rows]).max())
        is_moderate = longest == 0 or 1 / _MODERATE < longest < _MODERATE
        scale = 1.0 if is_moderate else 2.0 ** -float(np.round(np.log2(longest)))
        is_as_given = center is None and scale == 1 and rows is None
        if is_as_given and is_cosine:
            is_as_given = bool((np.abs(lengths - 1) < _UNIT).all())
        made = cls(
            vectors,
            metric,
            lengths,
            sizes * scale,
            metric == "euclidean" or (is_cosine and center is not None),
            center,
            scale,
            vectors,
            rows,
            far,
            longest * scale,
        )
        return made if is_as_given else made._with_copy()

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def is_plain(self) -> bool:
        """Whether FAISS's similarities are the true ones, but for rounding."""
        return not self.by_distance and self.center is None and self.scale == 1

    @cached_property
    def largest_size(self) -> float:
        """The greatest of ``sizes``."""
        return float(self.sizes.max())

    @cached_property
    def twins(self) -> Ints:
        """(N,) codes from 0, one of all rows that are equal."""
        vectors = np.ascontiguousarray(self.vectors)
        values = vectors.view(np.dtype((np.void, vectors.dtype.itemsize * vectors.shape[1]))).ravel()
        codes: Ints = np.unique(values, return_inverse=True)[1].astype(np.int64)
        return codes

    def wide(self, rows: Any) -> Doubles:
        """Return (n, D) float64: the vectors at ``rows``, a slice or positions, in the units of the copy."""
        block = _directed(self.vectors[rows], self.lengths[rows], self.metric == "cosine")
        if self.center is not None:
            block -= self.center
        return block * self.scale if self.scale != 1 else block

    def wide_queries(self, queries: Floats, lengths: Doubles) -> Doubles:
        """Return (Q, D) float64: queries in the units of the copy, scaled as suits their order."""
        block = _directed(queries, lengths, self.metric == "cosine")
        if self.by_distance:
            if self.center is not None:
                block -= self.center
            return block * self.scale
        odd = self.are_scaled(lengths)
        block[odd] /= 2.0 ** np.round(np.log2(lengths[odd]))[:, None]
        return block

    def are_scaled(self, lengths: Doubles) -> Any:
        """Say which queries of these lengths have another length in the units of the copy, which leaves their order."""
        is_odd = (lengths > _MODERATE) | ((lengths < 1 / _MODERATE) & (lengths > 0))
        return is_odd & (self.metric == "inner_product")

    def exact(self, queries: Floats, lengths: Doubles, ids: Ints) -> tuple[Doubles, Doubles]:
        """Compare (n, D) queries with the vectors at (n,) ``ids``, one each, in float64.

        Returns:
            (n,) ranks, greater for nearer: an inner product, or the negative square of the distance, for the cosine
            between vectors of length one; and (n,) how far rounding may have moved each.
        """
        is_cosine = self.metric == "cosine"
        left = _directed(queries, lengths, is_cosine)
        right = _directed(self.vectors[ids], self.lengths[ids], is_cosine)
        step = 2.0**-52 * (2 + np.sqrt(left.shape[1]))
        if self.metric == "inner_product":
            ranks: Doubles = np.einsum("nd,nd->n", left, right)
            return ranks, step * lengths * self.lengths[ids]
        left -= right
        squares = np.einsum("nd,nd->n", left, left)
        if not is_cosine:
            return -squares, step * squares
        squares = np.where((lengths > 0) & (self.lengths[ids] > 0), squares, 2.0)  # zeros have no direction
        return -squares, step * (squares + np.sqrt(squares))

    def as_ranks(self, near: Doubles) -> Doubles:
        """Turn FAISS's similarities into ranks of ``exact``, (Q, K); of use where ``is_plain``."""
        return 2 * near - 2 if self.metric == "cosine" else near.copy()

    def similarities(self, ranks: Doubles) -> Floats:
        """Return what a search answers for ranks of ``exact``: float32, never infinite but for a rank that is."""
        most = float(np.finfo(np.float32).max)
        if self.metric == "inner_product":
            similar = np.where(np.isinf(ranks), ranks, np.clip(ranks, -most, most))
        elif self.metric == "cosine":
            similar = 1 + ranks / 2
        else:
            similar = -np.sqrt(-ranks)
            similar = np.where(np.isinf(ranks), ranks, np.maximum(similar, -most))
        return similar.astype(np.float32)

    def _with_copy(self) -> "Points":
        rows = np.arange(len(self)) if self.rows is None else self.rows
        copy = np.empty((len(rows), self.vectors.shape[1]), np.float32)
        for part in blocks(*copy.shape):
            copy[part] = self.wide(rows[part])
        return replace(self, copy=copy)


def _directed(vectors: Floats, lengths: Doubles, is_cosine: bool) -> Doubles:
    """Return a float64 copy, for the cosine of length one; a row of zeros stays."""
    block = vectors.astype(np.float64)
    if is_cosine:
        block /= np.where(lengths > 0, lengths, 1)[:, None]
    return block


def _middle(vectors: Floats, lengths: Doubles, metric: Metric) -> Doubles | None:
    """Return the middle of the vectors, (D,), or None where nothing is gained by moving it to the origin."""
    is_cosine = metric == "cosine"
    if is_cosine and not lengths.all():
        return None  # a distance from a row of zeros says nothing of its cosine
    sample = np.unique(np.linspace(0, len(vectors) - 1, _SAMPLE).astype(np.int64))
    some = _directed(vectors[sample], lengths[sample], is_cosine)
    center: Doubles = np.median(some, axis=0)  # a mean would follow a single outlier
    before = np.median(np.sqrt(np.einsum("nd,nd->n", some, some)))
    some -= center
    after = np.median(np.sqrt(np.einsum("nd,nd->n", some, some)))
    return center if after < (_COSINE_GAIN if is_cosine else _GAIN) * before else None


def _outliers(sizes: Doubles) -> Ints:
    """Return the few rows that are far longer than the others, (F,) sorted."""
    beyond = np.flatnonzero(sizes > _FAR * np.median(sizes))
    most = min(len(sizes) - 1, max(4, len(sizes) // _FAR_SHARE))
    if len(beyond) > most:
        beyond = beyond[np.argsort(-sizes[beyond], kind="stable")[:most]]
    return np.sort(beyond)
