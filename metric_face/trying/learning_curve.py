"""The learning curve: how the error falls with more identities, and what a hundred more would bring."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Doubles

MORE = 100


@dataclass(frozen=True)
class LearningCurve:
    """A power law, error = a * identities ** -exponent, through the scores at several numbers of identities.

    Attributes:
        identities: (M,) trained on, ascending; the last is all.
        scores: (M,).
        exponent: of the law.
        gain: what :data:`MORE` further identities are expected to add to the score.
        low, high: a 95 % interval of ``gain`` over resamples of the validation identities; each resample has a law of
            its own. It does not hold what another draw of the training identities would change.
    """

    identities: tuple[int, ...]
    scores: tuple[float, ...]
    exponent: float
    gain: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {**asdict(self), "more": MORE}


def learning_curve(identities: ArrayLike, scores: ArrayLike, draws: Doubles) -> LearningCurve | None:
    """Fit the law by least squares on the logarithms.

    Args:
        identities: (M,).
        scores: (M,) below 1.
        draws: (B, M) the scores on resamples of the validation identities.

    Returns:
        The curve; None for fewer than three points, or a score of 1, which leaves no error to fall.
    """
    counts = np.asarray(identities, dtype=float)
    values = np.asarray(scores, dtype=float)
    order = np.argsort(counts)
    counts, values, draws = counts[order], values[order], draws[:, order]
    if len(np.unique(counts)) < 3 or not (values < 1).all():
        return None
    draws = draws[(draws < 1).all(axis=1)]
    exponent, *exponents = _exponents(counts, np.vstack([values, draws]))
    gains = _gains(values[-1], counts[-1], np.array([exponent]))
    spread = _gains(draws[:, -1], counts[-1], np.array(exponents))
    low, high = np.quantile(spread, [0.025, 0.975]) if len(spread) else (np.nan, np.nan)
    return LearningCurve(
        tuple(int(count) for count in counts),
        tuple(float(value) for value in values),
        float(exponent),
        float(gains[0]),
        float(low),
        float(high),
    )


def _exponents(counts: Doubles, scores: Doubles) -> Doubles:
    """(R,) of scores (R, M)."""
    x = np.log(counts) - np.log(counts).mean()
    slopes: Doubles = (np.log(1 - scores) @ x) / (x @ x)
    return -slopes


def _gains(score: Any, count: float, exponents: Doubles) -> Doubles:
    gains: Doubles = (1 - np.asarray(score)) * (1 - ((count + MORE) / count) ** -exponents)
    return gains
