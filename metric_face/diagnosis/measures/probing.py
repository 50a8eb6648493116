"""Out-of-fold scores: what a linear probe predicts for each image without having seen its identity.

One eigendecomposition a fold serves every strength and every target (classes of each attribute, joint classes,
raw values), after the ridge path of big_vision's few-shot evaluation; a small softmax fitted to the scores turns
them into probabilities, which also mends what least squares does to a class that lies between two others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.classifiers import Moments, ridge_path
from metric_face.probabilities import softmax

STRENGTHS = 10.0 ** np.arange(-5, 2.0)
"""Ridge strengths, in units of the mean eigenvalue of the covariance."""


@dataclass(frozen=True)
class Targets:
    """What is predicted, side by side.

    Attributes:
        matrix: (N, T) one-hot classes of the attributes and raw values.
        columns: which of the T columns belong to which name.
    """

    matrix: Doubles
    columns: dict[str, slice]

    @classmethod
    def of(cls, blocks: Mapping[str, Doubles]) -> "Targets":
        """Set (N, t) blocks side by side."""
        ends = np.cumsum([0, *(block.shape[1] for block in blocks.values())]).tolist()
        columns = {name: slice(a, b) for name, (a, b) in zip(blocks, pairwise(ends), strict=True)}
        return cls(np.hstack(list(blocks.values())), columns)

    def split(self, scores: Doubles) -> dict[str, Doubles]:
        """(M, T) scores -> (M, t) of each name."""
        return {name: scores[:, where] for name, where in self.columns.items()}


@dataclass(frozen=True)
class Ridge:
    """Out-of-fold ridge scores.

    Attributes:
        scores: (N, t) by name: prediction of each row, by the fold that did not see its identity.
        strengths: chosen for each name, in units of the mean variance.
    """

    scores: dict[str, Doubles]
    strengths: dict[str, float]


def ridge_scores(features: Doubles, targets: Targets, folds: Ints) -> Ridge:
    """Fit ridge regressions on all folds but one and score the one, for every target at once.

    Args:
        features: (N, D).
        targets: what to predict, (N, T).
        folds: (N,) fold of each row.

    Returns:
        The scores of each name at the strength of least out-of-fold squared error.
    """
    rows, wanted = len(features), targets.matrix
    total = Moments.of_values(features, wanted)
    all_scores = np.empty((len(STRENGTHS), rows, wanted.shape[1]), dtype=np.float32)
    for fold in range(int(folds.max()) + 1):
        held = np.flatnonzero(folds == fold)
        learned = total.without(Moments.of_values(features[held], wanted[held]))
        for at, weights in enumerate(ridge_path(learned, STRENGTHS * learned.mean_variance)):
            all_scores[at, held] = features[held] @ weights[:-1] + weights[-1]
    scores: dict[str, Doubles] = {}
    chosen: dict[str, float] = {}
    for name, where in targets.columns.items():
        errors = [float(np.square(found[:, where] - wanted[:, where]).mean()) for found in all_scores]
        best = int(np.argmin(errors))
        scores[name] = all_scores[best][:, where].astype(np.float64)
        chosen[name] = float(STRENGTHS[best])
    return Ridge(scores, chosen)


@dataclass(frozen=True)
class Softmax:
    """A multinomial logistic model of few inputs, ``softmax(x W + b)``, with a share of lapses.

    A lapse is a label drawn without looking: ``p(c|x) = (1 - lapse) softmax_c + lapse / C``. Labels that a clear
    score contradicts cannot be explained by overlap, only by lapses; overlap alone fits ``lapse = 0``.
    """

    weights: Doubles
    bias: Doubles
    lapse: float
    loss: float

    def clean(self, inputs: Doubles) -> Doubles:
        """(N, C) probabilities of the class itself, lapses left out."""
        return softmax(inputs @ self.weights + self.bias)

    def observed(self, inputs: Doubles) -> Doubles:
        """(N, C) probabilities of the label as it is written, lapses included."""
        return (1 - self.lapse) * self.clean(inputs) + self.lapse / len(self.bias)


def fit_softmax(
    inputs: Doubles, labels: Ints, num_classes: int, *, lapses: bool = False, start: Softmax | None = None
) -> Softmax:
    """Fit by maximum likelihood, with a ridge of one part in a thousand that keeps separated classes finite.

    Args:
        inputs: (N, F), F small.
        labels: (N,) classes 0..C-1.
        num_classes: C.
        lapses: fit the share of lapses too; else it is zero.
        start: where to begin.

    Returns:
        The model; ``loss`` is the mean negative log-likelihood without the ridge.
    """
    from scipy.optimize import minimize

    count, width = inputs.shape
    rows = np.arange(count)
    size = width * num_classes

    def objective(theta: Doubles) -> tuple[float, Doubles]:
        weights, bias = theta[:size].reshape(width, num_classes), theta[size : size + num_classes]
        lapse = 1 / (1 + np.exp(-theta[-1])) if lapses else 0.0
        clean = softmax(inputs @ weights + bias)
        hit = clean[rows, labels]
        seen = np.maximum((1 - lapse) * hit + lapse / num_classes, 1e-300)
        pull = (1 - lapse) * hit / seen  # how much of the label the class explains
        slope = clean * pull[:, None]
        slope[rows, labels] -= pull
        slope /= count
        gradient = np.concatenate([(inputs.T @ slope + 2e-3 / count * weights).ravel(), slope.sum(axis=0)])
        if lapses:
            change = (hit - 1 / num_classes) / seen
            gradient = np.append(gradient, float(change.mean()) * lapse * (1 - lapse))
        loss = -float(np.log(seen).mean())
        return loss + 1e-3 / count * float(np.square(weights).sum()), gradient

    if start is None:
        prior = np.bincount(labels, minlength=num_classes) + 0.5
        theta = np.concatenate([np.zeros(size), np.log(prior / prior.sum())])
    else:
        theta = np.concatenate([start.weights.ravel(), start.bias])
    if lapses:
        theta = np.append(theta, -4.0)
    found = minimize(objective, theta, jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-9})
    weights, bias = found.x[:size].reshape(width, num_classes), found.x[size : size + num_classes]
    lapse = float(1 / (1 + np.exp(-found.x[-1]))) if lapses else 0.0
    model = Softmax(weights, bias, lapse, 0.0)
    chance = np.maximum(model.observed(inputs)[rows, labels], 1e-300)
    return Softmax(weights, bias, lapse, -float(np.log(chance).mean()))


def one_hot(labels: Ints, num_classes: int) -> Doubles:
    """(N, C) indicators."""
    return np.eye(num_classes)[labels]


def scores_from(features: Doubles, targets: Doubles, rows: Ints, strength: float) -> Doubles:
    """Fit one ridge regression on some rows and score every row.

    Args:
        features: (N, D).
        targets: (N, T).
        rows: the rows to learn from.
        strength: in units of the mean eigenvalue of their covariance.

    Returns:
        (N, T) scores.
    """
    learned = Moments.of_values(features[rows], targets[rows])
    (weights,) = ridge_path(learned, [max(strength * learned.mean_variance, 1e-12)])
    return np.asarray(features @ weights[:-1] + weights[-1])
