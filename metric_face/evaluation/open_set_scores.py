"""Open set: half of a split's identities are enrolled by an image each, the other half are not."""

from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Bools, Floats, Ints
from metric_face.embeddings import Embeddings
from metric_face.metrics import detection_rate, oscr, oscr_curve

RATES = (0.01, 0.1)
HALVINGS = 10
MOST_IMAGES = 10_000
"""Images that are looked at; of more, whole identities are drawn."""
_POINTS = 101


@dataclass(frozen=True)
class OpenSet:
    """How well enrolled identities are found while others are refused, over several halvings of the identities.

    Attributes:
        enrolled: identities in the gallery, by one image each.
        probes: other images of theirs.
        unenrolled: images of identities that are not enrolled.
        dir_at_far: false-accept rate -> share of the probes that are found, with a score that no more of the others
            reach; mean of the halvings.
        oscr: area under the open-set classification rate; mean of the halvings.
        lowest, highest: of ``oscr`` among the halvings.
        curve: false-positive rate and share of the probes found, 101 points, mean of the halvings.
    """

    enrolled: int
    probes: int
    unenrolled: int
    dir_at_far: dict[str, float]
    oscr: float
    lowest: float
    highest: float
    curve: tuple[tuple[float, float], ...]

    def __str__(self) -> str:
        """The figures in one line."""
        rates = ", ".join(f"DIR {value:.3f} at FAR {rate}" for rate, value in self.dir_at_far.items())
        return (
            f"open set: {self.enrolled:,} identities enrolled by an image each, {self.probes:,} other images of them, "
            f"{self.unenrolled:,} of identities not enrolled: {rates}; OSCR {self.oscr:.3f} ({self.lowest:.3f} to "
            f"{self.highest:.3f} over {HALVINGS} halvings of the identities)"
        )


def score_open_set(queries: Embeddings, notes: list[str], *, seed: int = 0) -> OpenSet | None:
    """Measure open-set identification by the nearest image, as a gallery of new identities would be used.

    Args:
        queries: embeddings of a split that was not trained on.
        notes: receives a line where it cannot be measured.
        seed: of the halvings.

    Returns:
        The figures; None where the table has no identities.
    """
    names = queries.table.identities
    if names is None:
        return None
    codes = np.unique(names, return_inverse=True)[1].astype(np.int64)
    vectors = np.asarray(queries.vectors, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors, codes = _drawn(vectors / np.maximum(lengths, 1e-12), codes, seed)
    if (np.bincount(codes) > 1).sum() < 4:
        notes.append(
            "open set: left out; it takes four identities with two images or more, found "
            f"{int((np.bincount(codes) > 1).sum())}"
        )
        return None
    generator = np.random.default_rng(seed)
    results = [_halving(vectors, codes, generator) for _ in range(HALVINGS)]
    grid = np.linspace(0, 1, _POINTS)
    areas, curves, rates = [], [], []
    for known, right, unenrolled, _ in results:
        areas.append(oscr(known, right, unenrolled))
        curves.append(np.interp(grid, *oscr_curve(known, right, unenrolled)))
        rates.append([detection_rate(known, right, unenrolled, rate) for rate in RATES])
    shares = np.mean(rates, axis=0)
    first = results[0]
    return OpenSet(
        first[3],
        len(first[0]),
        len(first[2]),
        {f"{rate:g}": float(share) for rate, share in zip(RATES, shares, strict=True)},
        float(np.mean(areas)),
        float(min(areas)),
        float(max(areas)),
        tuple((float(x), float(y)) for x, y in zip(grid, np.mean(curves, axis=0), strict=True)),
    )


def _halving(
    vectors: Floats, codes: Ints, generator: np.random.Generator
) -> tuple[Floats, Bools, Floats, int]:
    """Scores of the probes, whether each is right, scores of the others, and how many are enrolled."""
    several = np.flatnonzero(np.bincount(codes) > 1)  # an identity of one image can be unenrolled only
    chosen = generator.permutation(several)[: (len(several) + 1) // 2]
    order = generator.permutation(len(codes))
    enrolled: Ints = order[np.unique(codes[order], return_index=True)[1]]  # an image of each identity
    enrolled = enrolled[np.isin(codes[enrolled], chosen)]
    probes = np.setdiff1d(np.flatnonzero(np.isin(codes, chosen)), enrolled)
    others = np.flatnonzero(~np.isin(codes, chosen))
    found = vectors[probes] @ vectors[enrolled].T
    right = codes[enrolled][found.argmax(axis=1)] == codes[probes]
    return found.max(axis=1), right, (vectors[others] @ vectors[enrolled].T).max(axis=1), len(enrolled)


def _drawn(vectors: Floats, codes: Ints, seed: int) -> tuple[Floats, Ints]:
    """Whole identities in a random order, until there are :data:`MOST_IMAGES` images."""
    if len(codes) <= MOST_IMAGES:
        return vectors, codes
    counts = np.bincount(codes)
    order = np.random.default_rng(seed).permutation(len(counts))
    kept = order[np.cumsum(counts[order]) <= MOST_IMAGES]
    rows = np.flatnonzero(np.isin(codes, kept))
    return vectors[rows], np.unique(codes[rows], return_inverse=True)[1].astype(np.int64)
