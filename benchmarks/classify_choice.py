"""LinearProbe's choice of a strength against the fits of scikit-learn that it replaces, on two kinds of data."""

import statistics
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.classify_data import draw_embeddings
from benchmarks.harness import table, timed
from metric_face.classifiers.linear_probe import DEFAULT_STRENGTHS, LinearProbe

CLASSES, FOLDS = 18, 5


def well_conditioned(rows: int, dimensions: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Classes of equal size, each a round cloud: the features are uncorrelated and their variances alike."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, rows)
    centers = rng.normal(0, 0.25, (CLASSES, dimensions))
    return (rng.normal(size=(rows, dimensions)) + centers[labels]).astype(np.float32), labels


def choice_section(rows: int, dimensions: int, repeats: int = 3) -> str:
    """Ten strengths on five folds: one LinearProbe, and fifty fits, both to a largest gradient entry of 1e-4.

    Both run in turn, so that a busy machine slows both alike. The fifty are on independent rows, as a user would
    write them: standardized once, each from its own start.
    """
    kinds = {
        "round clouds (well-conditioned)": well_conditioned(rows, dimensions),
        "drawn embeddings (ill-conditioned)": draw_embeddings(rows, dimensions)[:2],
    }
    lines = []
    for name, (X, y) in kinds.items():
        scaled = (X - X.mean(axis=0)) / X.std(axis=0)
        fold = np.random.default_rng(0).permutation(rows) % FOLDS
        ours, theirs = [], []
        for repeat in range(repeats):
            ours.append(timed(lambda X=X, y=y: LinearProbe().fit(X, y))[1])
            fits = 0.0
            for number in range(FOLDS if repeat == 0 else 1):
                train = fold != number
                one = timed(lambda s=scaled[train], y=y[train]: _ten_fits(s, y))[1]
                fits += one.wall
            theirs.append(fits if repeat == 0 else FOLDS * fits)
        mine, peer = statistics.median(taken.wall for taken in ours), statistics.median(theirs)
        lines.append([name, f"{mine:.2f}", f"{peer:.1f}", f"{peer / mine:.1f}"])
    return (
        f"## Ten strengths, five folds, {rows:,} x {dimensions}, {CLASSES} classes\n\n"
        f"Medians of {repeats}. scikit-learn: "
        f"LogisticRegression (lbfgs, tol=1e-4), {FOLDS * len(DEFAULT_STRENGTHS)} fits of four fifths of the rows; "
        "ours includes the final fit on all rows.\n\n"
        + table(["data", "LinearProbe, s", "50 fits, s", "ratio"], lines)
    )


def _ten_fits(X: NDArray[Any], y: NDArray[Any]) -> None:
    for strength in DEFAULT_STRENGTHS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of no convergence
            LogisticRegression(C=1 / (strength * len(X)), tol=1e-4, max_iter=10_000).fit(X, y)
