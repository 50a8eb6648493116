"""below_start: whether a training from trained weights ended below what they gave, and the likeliest cause."""

from collections.abc import Mapping
from typing import Any

from metric_face.run import LEAST, start_score

HIGH_RATE = 3e-4
"""A learning rate of the backbone above which AdamW takes trained weights apart in a few hundred steps."""
FEW_LABELS = 30
"""Labels of the metric loss below which it learns those, and not what tells new ones apart."""


def below_start(training: Mapping[str, Any]) -> tuple[str, dict[str, float]] | None:
    """The cause, and the numbers that a reader is shown.

    Args:
        training: ``before`` (the scores of the features), ``monitor``, ``best`` and ``best_epoch`` as ``run.json`` has
            them; ``batch_norm``, ``projection``, ``frozen``, ``backbone_rate``, and ``labels`` (of the metric loss in
            training, 0 without one).

    Returns:
        ``statistics``, ``rate``, ``projection``, ``labels`` or ``unknown``, in this order of precedence; None where
        the training did not end below its start, or that is not known.
    """
    before, best = training.get("before"), training.get("best")
    if not before or best is None:
        return None
    begun = start_score(before, str(training.get("monitor")))
    kept = training.get("best_epoch", 0) < 0  # no epoch was better than the weights before the first step
    if not kept and (begun is None or best >= begun - LEAST):
        return None
    numbers = {"ended": float(best), "begun": float(best if begun is None else begun)}
    numbers |= {"rate": float(training["backbone_rate"]), "labels": float(training["labels"])}
    frozen = training["frozen"]
    if not frozen and training["batch_norm"] != "frozen":
        return "statistics", numbers
    if not frozen and training["backbone_rate"] > HIGH_RATE:
        return "rate", numbers
    if training["projection"] == "random":
        return "projection", numbers
    if 0 < training["labels"] < FEW_LABELS:
        return "labels", numbers
    return "unknown", numbers
