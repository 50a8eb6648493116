"""LinearProbe: how much of the label a linear model reads out of the embedding."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from metric_face.arrays import Doubles, Floats, combined_codes
from metric_face.classifiers.estimator_inputs import check_row_weights, dense, labels_of
from metric_face.classifiers.probe_settings import check_settings, row_weights
from metric_face.classifiers.probe_solver.fitting import FittedHead, Heads, fit_logistic, fit_ridge
from metric_face.classifiers.probe_solver.scaling import standardize
from metric_face.classifiers.probe_solver.strength_choice import grouped_folds
from metric_face.errors import ArgumentError
from metric_face.metrics import as_codes

DEFAULT_STRENGTHS = tuple(float(s) for s in np.logspace(0, -5, 10))
_ROWS = 8192  # of a block when predicting in float64


class LinearProbe(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Multinomial logistic regression (or ridge) whose strength is chosen on folds of the training rows.

    Features are standardized inside; ``coef_`` and ``intercept_`` apply to the features as given. The
    objective at strength s is the mean cross-entropy + s/2 |coefficients|^2. scikit-learn's C is 1 / (s N); for two
    classes, of which it fits one column and this two, it is 2 / (s N).
    Sparse matrices are taken and written out: they need the memory of dense rows.

    Args:
        strengths: the path to choose from, or a single number; strong penalties first internally.
        solver: "logistic", or "ridge": least squares onto one-hot classes, every strength from one
            eigendecomposition, scores turned into probabilities by a temperature. Ridge is the instant answer.
        cv: folds of the training rows that choose the strength; not used for a single strength.
        class_weight: None, "balanced", or a weight by class; weights are divided by their mean over rows.
        logit_adjustment: this times the log class frequency is taken off the logits: 1 answers as if all
            classes were equally frequent. As the intercept is free, training with adjusted logits (Menon et
            al., equation 10) reaches the same solution.
        tol: largest absolute gradient entry of the objective accepted at the optimum.
        max_passes: evaluations of all rows for each strength.
        device: "cpu", or where torch shall keep the rows, such as "cuda".
        seed: of the folds.

    Attributes:
        classes_: (C,) the classes, sorted.
        coef_: (C, D) coefficients.
        intercept_: (C,) intercepts.
        strength_: chosen.
        strengths_: (S,) the path, from strong to weak.
        cv_macro_f1_: (S,) macro F1 of the pooled out-of-fold predictions; None where nothing was chosen.
        gradient_norm_: largest absolute gradient entry at the optimum (standardized features).
        n_passes_: evaluations of all rows in the final fit.
        n_features_in_: D.

    Reference:
        Menon et al., "Long-Tail Learning via Logit Adjustment", ICLR 2021.
    """

    def __init__(
        self,
        strengths: float | Sequence[float] = DEFAULT_STRENGTHS,
        *,
        solver: Literal["logistic", "ridge"] = "logistic",
        cv: int = 5,
        class_weight: str | Mapping[Any, float] | None = None,
        logit_adjustment: float = 0.0,
        tol: float = 1e-4,
        max_passes: int = 1000,
        device: str = "cpu",
        seed: int = 0,
    ) -> None:
        self.strengths = strengths
        self.solver = solver
        self.cv = cv
        self.class_weight = class_weight
        self.logit_adjustment = logit_adjustment
        self.tol = tol
        self.max_passes = max_passes
        self.device = device
        self.seed = seed

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Choose the strength on folds, then fit on all rows.

        Args:
            X: (N, D) embeddings, dense or sparse.
            y: (N,) classes, numbers or strings.
            groups: (N,) identities; no identity is on both sides of a fold. Without them rows count as
                independent, which flatters weak penalties where an identity has several images.
            sample_weight: (N,) weights of the rows in the mean loss, the standardization and the class
                frequencies: a weight of 2 equals the row given twice, 0 leaves it out. Only the folds that
                choose the strength count each row once in their macro F1.

        Returns:
            The probe.

        Raises:
            ArgumentError: a setting is out of range, ``groups`` of another length, or a weight is negative or
                none above 0.
            ValueError: X, y or sample_weight is not what scikit-learn accepts.
        """
        rows, values = validate_data(self, X, labels_of(y), dtype=np.float32, accept_sparse="csr")
        fit_together([self], dense(rows), [values], groups, sample_weight)
        return self

    def decision_function(self, X: ArrayLike) -> Doubles:
        """Logits.

        Args:
            X: (Q, D) embeddings, dense or sparse.

        Returns:
            (Q, C) float64; for two classes (Q,), the second minus the first.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_log_proba(self, X: ArrayLike) -> Doubles:
        """Log probability of each class, (Q, C) float64."""
        logits = self._logits(X)
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return logits

    def predict_proba(self, X: ArrayLike) -> Doubles:
        """Probability of each class, (Q, C) float64; rows sum to 1."""
        probabilities: Doubles = np.exp(self.predict_log_proba(X))
        return probabilities

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class, (Q,)."""
        best = self._logits(X).argmax(axis=1)
        predicted: NDArray[Any] = self.classes_[best]
        return predicted

    def _logits(self, X: ArrayLike) -> Doubles:
        check_is_fitted(self, "coef_")
        rows = dense(validate_data(self, X, dtype=np.float32, accept_sparse="csr", reset=False))
        logits = np.empty((len(rows), len(self.classes_)))
        for start in range(0, len(rows), _ROWS):
            part = slice(start, start + _ROWS)
            logits[part] = rows[part].astype(np.float64) @ self.coef_.T
        logits += self.intercept_
        return logits

    def _keep(self, head: FittedHead, strengths: Doubles, scale: Any, frequencies: Any) -> None:
        mean, deviation = scale
        self.coef_ = (head.weights[:-1] / deviation[:, None]).T
        self.intercept_ = head.weights[-1] - self.coef_ @ mean
        self.intercept_ = self.intercept_ - self.logit_adjustment * np.log(frequencies)
        self.strength_, self.strengths_, self.cv_macro_f1_ = head.strength, strengths, head.scores
        self.gradient_norm_, self.n_passes_ = head.gradient_norm, head.passes
        if not head.converged:
            warnings.warn(
                f"gradient {head.gradient_norm:.2g} is above tol={self.tol:g} after {head.passes} passes; "
                "raise max_passes, tol or the strengths",
                ConvergenceWarning,
                stacklevel=4,
            )


def fit_together(
    probes: Sequence[LinearProbe],
    X: Floats,
    labels: Sequence[Any],
    groups: ArrayLike | None,
    sample_weight: ArrayLike | None,
) -> None:
    """Fit probes that share their settings; the first one's are read."""
    first = probes[0]
    strengths = check_settings(first)
    if groups is not None:
        groups = as_codes(groups, len(X))
    given = None if sample_weight is None else check_row_weights(sample_weight, X)
    if given is not None:
        kept = np.flatnonzero(given)
        X, given, labels = X[kept], given[kept], [values[kept] for values in labels]
        groups = None if groups is None else groups[kept]
    targets, weights, frequencies = [], [], []
    for probe, values in zip(probes, labels, strict=True):
        with warnings.catch_warnings():  # more classes than half the rows is a small set, not a regression
            warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
            check_classification_targets(values)
        probe.classes_, codes = np.unique(values, return_inverse=True)
        if len(probe.classes_) < 2:
            raise ArgumentError(f"y must hold at least 2 classes, found 1 class: {probe.classes_[0]!r}")
        targets.append(codes.astype(np.int64))
        weights.append(row_weights(probe, targets[-1], given))
        counts = np.bincount(codes, weights=given)
        frequencies.append(counts / counts.sum())
    joint = combined_codes(targets)
    folds = grouped_folds(joint, groups, first.cv, first.seed) if len(strengths) > 1 else []
    standardized, scale = standardize(X, given)
    heads = Heads(targets, [len(probe.classes_) for probe in probes], weights)
    if first.solver == "ridge":
        fitted = fit_ridge(standardized, heads, strengths, folds, given)
    else:
        fitted = fit_logistic(
            standardized,
            heads,
            strengths,
            folds,
            tol=first.tol,
            max_passes=first.max_passes,
            device=first.device,
        )
    for probe, head, frequency in zip(probes, fitted, frequencies, strict=True):
        probe._keep(head, strengths, scale, frequency)
