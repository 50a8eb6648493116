"""The angle between two directions of which only noisy samples are seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metric_face.arrays import Doubles

Row = tuple[float, float, float, float, float]


@dataclass(frozen=True)
class AngleEstimate:
    """The cosine between the mean gradients of two losses, corrected for the noise of each probe."""

    kappa: float
    """Corrected cosine; below 0 the losses pull against each other. NaN if the estimate abstains."""
    low: float
    """Lower end of its 95 % interval, over probes."""
    high: float
    """Upper end."""
    raw: float
    """Mean cosine of the noisy gradients, which noise draws towards 0."""
    reliability_a: float
    """Mean cosine of loss A's gradient with itself on another half batch; 1 is noiseless."""
    reliability_b: float
    """Likewise of loss B."""
    magnitude_similarity: float
    """Mean of 2|a||b| / (|a|^2 + |b|^2); 1 is equal length."""
    probes: int
    """Probes in which both losses had a gradient."""
    idle: int
    """Probes in which one had none, such as a triplet loss without active triplets."""
    abstains: str | None
    """Why there is no estimate, or None."""


def cosines(a1: npt.NDArray, a2: npt.NDArray, b1: npt.NDArray, b2: npt.NDArray) -> Row:  # type: ignore[type-arg]
    """Return the statistics of one probe: (r_A, r_B, c, raw cosine, magnitude similarity).

    Args:
        a1: (D,) gradient of loss A on the first half batch; a2 on the second; b1, b2 of loss B.

    Returns:
        cos(a1, a2), cos(b1, b2), the mean of cos(a1, b2) and cos(a2, b1), the cosine of the whole gradients and
        their magnitude similarity; NaN where a gradient is zero.
    """
    a, b = a1 + a2, b1 + b2
    crossed = 0.5 * (_cosine(a1, b2) + _cosine(a2, b1))
    long, short = float(a @ a), float(b @ b)
    similar = 2 * np.sqrt(long * short) / (long + short) if long + short > 0 else np.nan
    return _cosine(a1, a2), _cosine(b1, b2), crossed, _cosine(a, b), similar


def estimate(
    rows: Sequence[Row],
    *,
    least_probes: int = 200,
    least_reliability: float = 0.005,
    bootstrap: int = 1000,
    seed: int = 0,
) -> AngleEstimate:
    """Estimate kappa = mean c / sqrt(mean r_A * mean r_B) from probes.

    With a = A + noise and b = B + noise, the noise independent in the two halves, the cosine of crossed halves
    is cos(A, B) shrunk by the square roots of the two reliabilities: dividing by them undoes the shrinkage
    (Spearman's correction for attenuation). The interval resamples probes.

    Args:
        rows: (probes, 5) as `cosines` gives them.
        least_probes: with fewer it abstains.
        least_reliability: with a mean r_A or r_B below this it abstains: there is nothing but noise.
        bootstrap: number of resamplings.
        seed: of the resamplings.
    """
    table = np.asarray(rows, dtype=np.float64).reshape(-1, 5)
    known = np.isfinite(table).all(axis=1)
    table, idle = table[known], int((~known).sum())
    if not len(table):
        nan = float("nan")
        why = "no probe had a gradient of both losses (a half batch holds a triplet only if K >= 4)"
        return AngleEstimate(nan, nan, nan, nan, nan, nan, nan, 0, idle, why)
    r_a, r_b, _, raw, similar = (float(x) for x in table.mean(axis=0))
    reason = None
    if len(table) < least_probes:
        reason = f"{len(table)} probes, {least_probes} needed"
    elif min(r_a, r_b) < least_reliability:
        reason = f"reliability {min(r_a, r_b):.4f} is below {least_reliability}: only noise"
    kappa = low = high = np.nan
    if reason is None:
        kappa = float(_corrected(table.mean(axis=0)))
        draws = np.random.default_rng(seed).multinomial(
            len(table), np.full(len(table), 1 / len(table)), bootstrap
        )
        resampled = _corrected((draws @ table / len(table)).T)
        if np.isfinite(resampled).mean() < 0.95:
            reason, kappa = "the reliability is not distinguishable from 0", np.nan
        else:
            low, high = (float(x) for x in np.nanpercentile(resampled, [2.5, 97.5]))
    return AngleEstimate(kappa, low, high, raw, r_a, r_b, similar, len(table), idle, reason)


def _corrected(means: Doubles) -> Doubles:
    r_a, r_b, crossed = means[0], means[1], means[2]
    known = (r_a > 0) & (r_b > 0)
    scale = np.sqrt(np.where(known, r_a * r_b, 1.0))
    return np.where(known, crossed / scale, np.nan)


def _cosine(one: npt.NDArray, other: npt.NDArray) -> float:  # type: ignore[type-arg]
    length = np.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / length if length > 0 else np.nan
