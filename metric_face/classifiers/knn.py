"""KNNClassifier: the exact nearest neighbors vote, as a scikit-learn estimator."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.classifiers.estimator_inputs import check_row_weights, dense, labels_of
from metric_face.classifiers.votes import Votes, vote_shares, votes_for_ks
from metric_face.search import Points, nearest
from metric_face.vectors import Metric, as_vectors, check_k, check_metric


class KNNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classify by the votes of the k nearest training vectors, found exactly by FAISS.

    Sparse matrices are taken and written out: they need the memory of dense rows.

    Args:
        n_neighbors: k; all training vectors where there are fewer.
        votes: "uniform", "distance", "softmax" or "prior-corrected"; see
            ``votes_for_ks``.
        temperature: of the softmax and the prior-corrected vote.
        prior_strength: of the prior-corrected vote: 1 corrects the class frequencies wholly, 0 not at all.
        metric: "cosine", "inner_product" or "euclidean". Under the cosine a row of zeros, which has no
            direction, is equally far from everything.

    Attributes:
        classes_: (C,) the classes, sorted.
        n_features_in_: D.
    """

    def __init__(
        self,
        n_neighbors: int = 20,
        *,
        votes: Votes = "softmax",
        temperature: float = 0.07,
        prior_strength: float = 1.0,
        metric: Metric = "cosine",
    ) -> None:
        self.n_neighbors = n_neighbors
        self.votes = votes
        self.temperature = temperature
        self.prior_strength = prior_strength
        self.metric = metric

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Keep the training vectors and their labels.

        Args:
            X: (N, D) embeddings, dense or sparse.
            y: (N,) labels, numbers or strings.
            sample_weight: (N,) what a neighbor's vote is multiplied by. However heavy, a row is one of the k
                neighbors; a row of weight 0 is left out.

        Returns:
            The classifier.

        Raises:
            ArgumentError: a setting is out of range, or a weight is negative or none above 0.
            ValueError: X, y or sample_weight is not what scikit-learn accepts.
        """
        check_k(self.n_neighbors)
        check_metric(self.metric)
        X, y = validate_data(self, X, labels_of(y), dtype=np.float32, accept_sparse="csr")
        check_classification_targets(y)
        rows, labels = dense(X), np.asarray(y)
        self._kept: Ints | None = None
        self._weights: Doubles | None = None
        if sample_weight is not None:
            weights = check_row_weights(sample_weight, rows)
            self._kept = np.flatnonzero(weights)
            rows, labels, self._weights = rows[self._kept], labels[self._kept], weights[self._kept]
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self._codes = codes.astype(np.int64)
        self._points = Points.of(as_vectors(rows, "X"), self.metric)
        return self

    def search(self, X: ArrayLike, k: int | None = None) -> tuple[Ints, Floats]:
        """Find the k nearest training vectors.

        Args:
            X: (Q, D) embeddings, dense or sparse.
            k: neighbors; ``n_neighbors`` when None.

        Returns:
            (Q, K) positions in the training set, nearest first, and (Q, K) similarities (for ``euclidean``
            the negative distance); K is k, or the number of rows that vote where that is smaller.
        """
        places, similarities = self._nearest(X, k)
        return places if self._kept is None else self._kept[places], similarities

    def _nearest(self, X: ArrayLike, k: int | None = None) -> tuple[Ints, Floats]:
        """As :meth:`search`, with positions among the rows that vote."""
        check_is_fitted(self, "classes_")
        rows = validate_data(self, X, dtype=np.float32, accept_sparse="csr", reset=False)
        queries = as_vectors(dense(rows), "X")
        depth = min(check_k(self.n_neighbors if k is None else k), len(self._points))
        return nearest(queries, self._points, depth, self.metric)

    def predict_proba(self, X: ArrayLike) -> Doubles:
        """Share of the votes of each class.

        Args:
            X: (Q, D) embeddings, dense or sparse.

        Returns:
            (Q, C) float64; each row sums to 1.
        """
        ids, similarities = self._nearest(X)
        return vote_shares(
            ids,
            similarities,
            self._codes,
            ids.shape[1],
            num_classes=len(self.classes_),
            votes=self.votes,
            temperature=self.temperature,
            prior_strength=self.prior_strength,
            metric=self.metric,
            item_weights=self._weights,
        )

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class with most votes.

        Args:
            X: (Q, D) embeddings, dense or sparse.

        Returns:
            (Q,) classes.
        """
        ids, similarities = self._nearest(X)
        answers = votes_for_ks(
            ids,
            similarities,
            self._codes,
            [ids.shape[1]],
            votes=self.votes,
            temperature=self.temperature,
            prior_strength=self.prior_strength,
            metric=self.metric,
            item_weights=self._weights,
        )
        predicted: NDArray[Any] = self.classes_[answers[ids.shape[1]].labels]
        return predicted
