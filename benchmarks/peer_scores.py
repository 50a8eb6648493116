"""The scores of `peers` and `anytime`: one code for every recipe, from vectors, predictions and labels alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.peer_sets import Labels
from metric_face.classifiers import KNNClassifier, LinearProbe
from metric_face.metrics import Interval, bootstrap_interval, retrieval_metrics

SCORES = {"head": "head", "knn": "kNN", "probe": "probe", "recall": "recall@1", "map": "MAP@R"}
PREDICTORS = ("head", "knn", "probe")
Cell = dict[str, Any]


def measure(labels: Labels, vectors: np.ndarray[Any, Any], head: np.ndarray[Any, Any] | None) -> Cell:
    """What each predictor gives for each validation image, and how each finds the images of its label.

    Args:
        labels: of the N images.
        vectors: (N, D).
        head: (N,) classes of the recipe's own classifier; None where it has none.

    Returns:
        Plain data: ``head``, ``knn`` and ``probe`` as a digit for each validation image; ``hit``, ``relevant`` (whether
        there is anything to find) and ``precision`` (average precision at R) for each; ``recall``, with its interval.
    """
    train, val = labels.train, ~labels.train
    groups, codes = labels.groups[val], labels.codes
    cell: Cell = {}
    if labels.has_classes:
        knn = KNNClassifier(20).fit(vectors[train], codes[train]).predict(vectors[val])
        probe = LinearProbe().fit(vectors[train], codes[train], groups=labels.groups[train])
        cell |= {"knn": _digits(knn), "probe": _digits(probe.predict(vectors[val]))}
        if head is not None:
            cell["head"] = _digits(head[val])
    grouped = labels.has_classes and len(np.unique(groups)) < len(groups)
    found = retrieval_metrics(
        vectors[val],
        codes[val],
        identities=groups,
        exclude_same_identity=grouped,
        ks=(1,),
        recall_intervals=True,
    )
    hit, precision, relevant = (np.zeros(len(groups)) for _ in range(3))
    hit[found.query_ids] = found.per_query["recall@1"]
    precision[found.query_ids] = found.per_query["map_at_r"]
    relevant[found.query_ids] = 1
    recall = found.interval("recall@1")
    cell |= {"hit": _digits(hit), "relevant": _digits(relevant)}
    cell["precision"] = " ".join(f"{value:.4f}".lstrip("0") or "0" for value in precision)
    return cell | {"recall": [recall.value, recall.low, recall.high]}


def interval(labels: Labels, cells: Sequence[Cell], score: str) -> Interval | None:
    """A score of a recipe, its seeds pooled, with its interval over identities; None where it has no such predictor."""
    if score == "recall":
        value, low, high = (float(np.mean([cell["recall"][at] for cell in cells])) for at in range(3))
        return Interval(value, low, high, 0.0, 0.95, _groups(labels), 0.0)
    if score == "map":
        return Interval.without_range(float(np.mean([_precision(cell) for cell in cells])))
    if any(score not in cell for cell in cells):
        return None
    return _paired(labels, cells, None, score)


def difference(labels: Labels, ours: Sequence[Cell], other: Sequence[Cell], score: str) -> Interval:
    """Ours less the other's, paired by image, with its interval over identities; of MAP@R without."""
    if score == "map":
        return Interval.without_range(
            float(np.mean([*map(_precision, ours)]) - np.mean([*map(_precision, other)]))
        )
    return _paired(labels, ours, other, score)


def best_predictor(labels: Labels, cells: Sequence[Cell]) -> str | None:
    """The predictor of the highest macro F1; None where there are no classes."""
    found = {name: interval(labels, cells, name) for name in PREDICTORS}
    known = {name: one.value for name, one in found.items() if one is not None}
    return max(known, key=known.__getitem__) if known else None


def _paired(labels: Labels, cells: Sequence[Cell], other: Sequence[Cell] | None, score: str) -> Interval:
    """The interval of a score, or of a difference; all images of an identity, of each seed, are drawn together."""
    val = ~labels.train
    wanted = np.flatnonzero(_codes(cells[0]["relevant"])) if score == "recall" else np.arange(int(val.sum()))
    count = min(len(cells), len(other)) if other else len(cells)
    column = "hit" if score == "recall" else score

    def pooled(given: Sequence[Cell]) -> np.ndarray[Any, Any]:
        return np.concatenate([_codes(cell[column])[wanted] for cell in given[:count]])

    truth = np.ones(len(wanted), dtype=int) if score == "recall" else labels.codes[val][wanted]
    return bootstrap_interval(
        np.tile(truth, count),
        pooled(cells),
        np.tile(labels.groups[val][wanted], count),
        other=None if other is None else pooled(other),
        metric="accuracy" if score == "recall" else "macro_f1",
        num_classes=2 if score == "recall" else int(labels.codes.max()) + 1,
    )


def _precision(cell: Cell) -> float:
    """MAP@R."""
    values = np.array([float(word) for word in cell["precision"].split()])
    return float(values[_codes(cell["relevant"]) == 1].mean())


def _groups(labels: Labels) -> int:
    return len(np.unique(labels.groups[~labels.train]))


def _digits(codes: Any) -> str:
    """Codes of 0 to 9 as a word, which keeps a file of thousands small."""
    whole = np.asarray(codes).astype(int)
    if whole.min(initial=0) < 0 or whole.max(initial=0) > 9:
        raise ValueError(f"codes must be 0 to 9, found {whole.min()} to {whole.max()}")
    return "".join(map(str, whole))


def _codes(digits: str) -> np.ndarray[Any, Any]:
    return np.array([int(digit) for digit in digits])
