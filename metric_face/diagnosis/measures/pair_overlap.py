"""The overlap of two classes: how much of their distributions a linear view of the embedding cannot tell apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Bools, Doubles, Floats, Ints
from metric_face.diagnosis.measures.resampling import bootstrap_weights

BINS = 30
MOST_ROWS = 3000
"""Rows of a class used to fit one pair; more would not move the direction."""


@dataclass(frozen=True)
class PairOverlap:
    """The overlap of two classes along the score that best separates them.

    Attributes:
        value: OVL, the sum over bins of min(p_i, p_j): 0 where they are apart, 1 where they are the same.
        draws: OVL of each resample of identities.
        edges: (bins + 1,) of the histograms.
        shares: (2, bins) share of each class in each bin.
    """

    value: float
    draws: Doubles
    edges: Doubles
    shares: Doubles


def whiten(features: Doubles, strength: float) -> Floats:
    """Turn features to their principal axes and divide each by sqrt(variance + strength x mean variance).

    No label is used, so nothing leaks between folds. An L2 penalty on these features is the ridge probe's own
    shrinkage; axes that it would shrink to nothing are left out.

    Args:
        features: (N, D) centered.
        strength: ridge strength in units of the mean variance.

    Returns:
        (N, d) float32, d at most 256.
    """
    values, vectors = np.linalg.eigh(features.T @ features / len(features))
    values = np.maximum(values[::-1], 0)
    damped = values + strength * max(float(values.mean()), np.finfo(np.float64).tiny)
    kept = min(256, max(1, int((values / damped > 0.05).sum())))
    return np.asarray(features @ (vectors[:, ::-1][:, :kept] / np.sqrt(damped[:kept])), dtype=np.float32)


def pair_scores(whitened: Floats, second: Bools, folds: Ints, fitted: Ints, scored: Ints) -> Doubles:
    """Out-of-fold scores of a class-balanced, L2-regularized logistic regression between two classes.

    Args:
        whitened: (N, d) features of :func:`whiten`.
        second: (N,) True for the second class; read at ``fitted`` only.
        folds: (N,) fold of each row.
        fitted: rows of the two classes to learn from.
        scored: rows to score.

    Returns:
        (len(scored),) log-odds of the second class.
    """
    scores = np.zeros(len(scored))
    for fold in np.unique(folds[scored]):
        mine = folds[scored] == fold
        learn = fitted[folds[fitted] != fold]
        weights = _logistic(whitened[learn], second[learn])
        scores[mine] = whitened[scored[mine]] @ weights[:-1].astype(np.float32) + weights[-1]
    return scores


def overlap(scores: Doubles, second: Bools, identities: Ints, seed: int, resamples: int = 200) -> PairOverlap:
    """OVL of two classes of scores, with resamples of identities.

    Args:
        scores: (n,) out-of-fold scores of the rows of both classes.
        second: (n,) which rows are of the second class.
        identities: (n,) identities.
        seed: of the resampling.
        resamples: draws; 0 for none.

    Returns:
        The overlap. The number of bins is 30, fewer where the smaller class has under 300 rows, ten rows a bin:
        sparse bins look empty by chance and hide overlap.

    Reference:
        Weitzman (1970), the overlapping coefficient: the area under the smaller of two densities. For two
        Gaussians of equal variance and distance d it is 2 Phi(-d/2).
    """
    fewest = int(min(second.sum(), (~second).sum()))
    bins = int(np.clip(fewest // 10, 5, BINS))
    low, high = np.quantile(scores, [0.005, 0.995])
    edges = np.linspace(low, high if high > low else low + 1e-9, bins + 1)
    place = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, bins - 1) + bins * second
    codes = np.unique(identities, return_inverse=True)[1]
    count = int(codes.max()) + 1
    cells = np.bincount(codes * (2 * bins) + place, minlength=count * 2 * bins).reshape(count, 2 * bins)
    shares, value = _shares(cells.sum(axis=0, keepdims=True), bins)
    draws = np.empty(0)
    if resamples:
        draws = _shares(bootstrap_weights(count, seed, resamples) @ cells, bins)[1]
    return PairOverlap(float(value[0]), draws, edges, shares[0])


def with_endless_identities(
    full: PairOverlap, halves: Sequence[PairOverlap], z: float = 1.959964
) -> tuple[float, float, float]:
    """OVL along the direction that endless identities would give, from this many and from half as many.

    A direction learned from few identities in many dimensions is off, and along it classes overlap more than they do.
    With d the distance of two Gaussians and n the identities learned from, a direction of independent errors leaves
    1 / d_n^2 = 1 / d^2 + c / n, so the limit is 2 / d_n^2 - 1 / d_(n/2)^2.

    Args:
        full: the overlap along the direction of all identities.
        halves: overlaps of the same rows along directions of half of them each.
        z: standard errors of the interval.

    Returns:
        The overlap with its interval; the interval reaches 0 or 1 where so few identities cannot bound it.
    """
    whole, parts = _inverse_square(full.value), [_inverse_square(one.value) for one in halves]
    # A half that looks better than the whole is noise and moves nothing.
    value = float(2 * whole - np.clip(np.mean(parts, axis=0), whole, 1.8 * whole))
    error = float(np.std(parts))  # what another choice of identities to learn from does
    if len(full.draws):
        draws = 2 * _inverse_square(full.draws) - np.mean(
            [_inverse_square(one.draws) for one in halves], axis=0
        )
        low, high = np.nanquantile(
            draws, [0.1587, 0.8413]
        )  # near-equal classes give tails without a variance
        error = float(np.hypot(error, 0.5 * (high - low)))
    return (
        _gaussian_overlap(value),
        _gaussian_overlap(value - z * error),
        _gaussian_overlap(value + z * error),
    )


def _inverse_square(overlap: Doubles | float) -> Doubles:
    """1 / d^2 of two Gaussians that overlap as much."""
    from scipy.stats import norm

    return np.asarray(1 / np.square(2 * norm.ppf(np.clip(overlap, 1e-4, 0.98) / 2)))


def _gaussian_overlap(inverse: float) -> float:
    from scipy.stats import norm

    return 0.0 if inverse <= 0 else float(2 * norm.cdf(-0.5 / np.sqrt(inverse)))


def balanced_subset(rows: Ints, second: Bools, identities: Ints, seed: int) -> Ints:
    """At most ``MOST_ROWS`` rows of each class, whole identities first come."""
    rng = np.random.default_rng([seed, 11])
    rank = rng.permutation(int(identities.max()) + 1)
    ordered = rows[np.argsort(rank[identities[rows]], kind="stable")]
    kept = [ordered[second[ordered] == side][:MOST_ROWS] for side in (False, True)]
    return np.sort(np.concatenate(kept))


def _shares(counts: Doubles, bins: int) -> tuple[Doubles, Doubles]:
    both = counts.reshape(len(counts), 2, bins).astype(np.float64)
    totals = both.sum(axis=2, keepdims=True)
    shares = np.divide(both, totals, out=np.full(both.shape, np.nan), where=totals > 0)
    return shares, shares.min(axis=1).sum(axis=1)


def _logistic(inputs: Floats, second: Bools) -> Doubles:
    """Weights and bias by L-BFGS; each class weighs half.

    The penalty is that of a Gaussian prior under which whitened classes lie about two standard deviations apart,
    spread evenly over the axes: strong where rows are few for the width, gone where they are many.
    """
    from scipy.optimize import minimize

    sign = np.where(second, 1.0, -1.0)
    weight = np.where(second, 0.5 / max(second.sum(), 1), 0.5 / max((~second).sum(), 1))
    width = inputs.shape[1]
    fewest = max(1, int(min(second.sum(), (~second).sum())))
    penalty = width / (32 * 2.0 * fewest)

    def objective(theta: Doubles) -> tuple[float, Doubles]:
        margin = sign * (inputs @ theta[:-1].astype(np.float32) + theta[-1])
        loss = float((weight * np.logaddexp(0, -margin)).sum())
        slope = -(weight * sign / (1 + np.exp(np.minimum(margin, 500))))
        gradient = np.append(inputs.T @ slope.astype(np.float32), slope.sum())
        gradient[:-1] += 2 * penalty * theta[:-1]
        return loss + penalty * float(np.square(theta[:-1]).sum()), gradient

    found = minimize(
        objective, np.zeros(width + 1), jac=True, method="L-BFGS-B", options={"maxiter": 60, "ftol": 1e-6}
    )
    return np.asarray(found.x)
