"""Choose k and the kind of vote on validation, never on what is to be answered."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import numbered
from metric_face.classifiers.votes import UNKNOWN, Votes, votes_for_ks
from metric_face.errors import ArgumentError
from metric_face.metrics import Interval, as_labels, bootstrap_interval, macro_f1
from metric_face.vectors import Metric

DEFAULT_KS = (1, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Trial:
    """One setting and its validation macro F1."""

    k: int
    votes: Votes
    temperature: float
    macro_f1: float


@dataclass(frozen=True)
class KChoice:
    """The setting that validation prefers.

    Attributes:
        best: the setting with the highest macro F1; among equals the first tried, so the smaller k.
        trials: every setting tried.
        interval: of the best macro F1 over identities; None without identities. It is of the winner of a
            comparison, so it leans upwards.
    """

    best: Trial
    trials: tuple[Trial, ...]
    interval: Interval | None


def choose_k(
    ids: ArrayLike,
    similarities: ArrayLike,
    labels: ArrayLike,
    y_true: ArrayLike,
    ks: Sequence[int] = DEFAULT_KS,
    *,
    votes: Sequence[Votes] = ("uniform", "softmax", "prior-corrected"),
    temperatures: Sequence[float] = (0.07,),
    prior_strength: float = 1.0,
    metric: Metric = "cosine",
    identities: ArrayLike | None = None,
    seed: int = 0,
) -> KChoice:
    """Try every k, vote and temperature on validation queries, from one search.

    Args:
        ids: (Q, K) neighbors of the validation items among the items to be searched later, nearest first.
        similarities: (Q, K) their similarities.
        labels: (N,) labels, integers or names, of the items searched.
        y_true: (Q,) labels of the validation items.
        ks: the k to try; those above K are left out.
        votes: the kinds of vote to try.
        temperatures: for the votes that have one.
        prior_strength: for the prior-corrected vote.
        metric: what the similarities are.
        identities: (Q,) identities of the validation items, for the interval.
        seed: of the interval's resampling.

    Returns:
        The best setting and all that were tried.

    Raises:
        ArgumentError: as ``votes_for_ks``, a query has no neighbor, or nothing to try.
    """
    y_true, labels = numbered(y_true, labels)
    true, depth = as_labels(y_true, "y_true"), np.shape(ids)[-1]
    depths = sorted({k for k in ks if k <= depth})
    if not depths or not votes or not temperatures:
        raise ArgumentError(f"ks must hold a k of at most the {depth} neighbors given, found {list(ks)}")
    classes, codes = np.unique(np.concatenate([true, as_labels(labels, "labels")]), return_inverse=True)
    true, known = codes[: len(true)], codes[len(true) :]
    trials, best, chosen = [], None, None
    for vote in votes:
        for temperature in temperatures if vote in ("softmax", "prior-corrected") else temperatures[:1]:
            answers = votes_for_ks(
                ids,
                similarities,
                known,
                depths,
                votes=vote,
                temperature=temperature,
                prior_strength=prior_strength,
                metric=metric,
            )
            for k, answer in answers.items():
                if (answer.labels == UNKNOWN).any():
                    query = int(np.flatnonzero(answer.labels == UNKNOWN)[0])
                    raise ArgumentError(
                        f"ids must hold a neighbor for every query, found none for query {query}"
                    )
                trial = Trial(k, vote, temperature, macro_f1(true, answer.labels, len(classes)))
                trials.append(trial)
                if best is None or trial.macro_f1 > best.macro_f1:
                    best, chosen = trial, answer.labels
    assert best is not None  # depths, votes and temperatures are not empty
    interval = None
    if identities is not None and chosen is not None:
        interval = bootstrap_interval(true, chosen, identities, num_classes=len(classes), seed=seed)
    return KChoice(best, tuple(trials), interval)
