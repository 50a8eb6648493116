"""How small a difference in macro F1 a validation set can show."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.errors import ArgumentError

_SHARED = 0.5  # of what makes an image hard, the half that is hard for any model


@dataclass(frozen=True)
class Resolution:
    """What a validation set can tell apart.

    Attributes:
        images, persons, classes: in the validation set.
        rarest: persons of the class that has the fewest.
        deviation: standard deviation of macro F1 from the draw of persons and errors.
        difference: two equally good models differ by less than this in 95 of 100 comparisons.
        accuracy: of the simulated models.
    """

    images: int
    persons: int
    classes: int
    rarest: int
    deviation: float
    difference: float
    accuracy: float


def smallest_difference(
    labels: Any,
    persons: Any = None,
    *,
    accuracy: float = 0.8,
    within_person: float = 0.7,
    runs: int = 400,
    seed: int = 0,
) -> Resolution:
    """Simulate pairs of equally good models on a validation set, drawing persons anew each time.

    Images differ in how hard they are. Half of that is common to both models, half their own; of either part, a
    share of `within_person` is common to all images of a person, since a young-looking man of 60 is one in every
    photograph. A model errs on the hardest, and names another class in proportion to how common it is. The persons
    of the set are drawn with replacement. Any difference between the two models is then due to chance.

    Args:
        labels: (N,) class codes from 0.
        persons: (N,) any values; None if each image is a person of its own.
        accuracy: share of images that both models get right.
        within_person: correlation of the errors on two images of one person.
        runs: simulated comparisons.
        seed: of the simulation.

    Returns:
        The smallest difference worth reporting, and what it was worked out from.

    Raises:
        ArgumentError: no labels, unequal lengths, or a share outside (0, 1).
    """
    codes = np.asarray(labels, dtype=np.int64)
    if codes.ndim != 1 or not codes.size:
        raise ArgumentError(f"labels must be one code an image, found shape {codes.shape}; pass the column")
    who = np.arange(codes.size) if persons is None else np.unique(np.asarray(persons), return_inverse=True)[1]
    if who.shape != codes.shape:
        raise ArgumentError(
            f"persons must be one an image ({codes.size}), found {who.size}; pass the same rows"
        )
    if not 0 < accuracy < 1 or not 0 <= within_person < 1:
        raise ArgumentError(
            f"accuracy must be in (0, 1) and within_person in [0, 1), found {accuracy} and {within_person}"
        )
    codes = np.unique(codes, return_inverse=True)[1]
    classes, count = int(codes.max()) + 1, int(who.max()) + 1
    rng = np.random.default_rng(seed)
    order = np.argsort(who, kind="stable")
    ends = np.cumsum(np.bincount(who))
    scores = np.empty((runs, 2))
    threshold = NormalDist().inv_cdf(accuracy)
    for run in range(runs):
        drawn = rng.integers(0, count, count)
        sizes = np.diff(ends, prepend=0)[drawn]
        starts = np.repeat((ends - np.diff(ends, prepend=0))[drawn], sizes)
        rows = order[starts + np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)]
        person = np.repeat(np.arange(count), sizes)
        true = codes[rows]
        common = _hardness(person, count, within_person, rng)
        for model in range(2):
            hard = np.sqrt(_SHARED) * common
            hard += np.sqrt(1 - _SHARED) * _hardness(person, count, within_person, rng)
            wrong = hard > threshold
            said = true.copy()
            said[wrong] = _other_class(true, wrong, rng)
            scores[run, model] = _macro_f1(true, said, classes)
    persons_of_class = np.bincount(np.unique(np.stack((codes, who)), axis=1)[0], minlength=classes)
    return Resolution(
        images=codes.size,
        persons=count,
        classes=classes,
        rarest=int(persons_of_class.min()),
        deviation=float(scores.std(axis=0).mean()),
        difference=float(np.quantile(abs(scores[:, 0] - scores[:, 1]), 0.95)),
        accuracy=accuracy,
    )


def _hardness(
    person: NDArray[Any], count: int, within: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(n,) standard normal, correlated by `within` between images of one person."""
    own = rng.standard_normal(person.size)
    return np.asarray(np.sqrt(within) * rng.standard_normal(count)[person] + np.sqrt(1 - within) * own)


def _other_class(true: NDArray[Any], wrong: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[Any]:
    """(W,) a wrong class for each wrong image: those of other images, so as common as they are."""
    rows = np.flatnonzero(wrong)
    said = rng.choice(true, rows.size)
    for _ in range(50):
        same = said == true[rows]
        if not same.any():
            break
        said[same] = rng.choice(true, int(same.sum()))
    return np.asarray(said)


def _macro_f1(true: NDArray[Any], said: NDArray[Any], classes: int) -> float:
    """Over the classes that occur in this draw: one that does not cannot be judged."""
    right = np.bincount(true[true == said], minlength=classes)
    support = np.bincount(true, minlength=classes)
    f1 = 2 * right / np.maximum(support + np.bincount(said, minlength=classes), 1)
    return float(f1[support > 0].mean())
