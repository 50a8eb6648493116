"""beside_start: each score of a run next to what its backbone gave before the training."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from metric_face.evaluation.result import Retrieval, Score
from metric_face.run import Run


def teacher_of(run: Run, split: str) -> dict[str, Any] | None:
    """The teacher that a run learned from, with its own scores where they were measured on this split; else None."""
    known = run.facts.get("teacher")
    if split != "val" or not known or "scores" not in known:
        return None
    return {"run": known["run"], "fingerprint": known["fingerprint"], **known["scores"]}


def beside_start(
    run: Run, split: str, scores: Sequence[Score], nearest: Sequence[Retrieval]
) -> tuple[tuple[Score, ...], tuple[Retrieval, ...]]:
    """Put the scores of the untrained backbone beside those of the run, where the training measured them.

    They were measured on validation, of kNN and probe for the joint class, and of recall@1 for the metric label.

    Args:
        run: whose ``run.json`` holds them under ``before``.
        split: that was evaluated; of another one nothing is known.
        scores, nearest: of the run.
    """
    before = run.facts.get("before") if split == "val" else None
    if not before:
        return tuple(scores), tuple(nearest)
    targets = {score.target for score in scores}
    whole = "joint" if "joint" in targets or len(targets) != 1 else next(iter(targets))
    found = []
    for score in scores:
        known = before.get(score.predictor) if score.target == whole else None
        found.append(replace(score, start=known.get("joint") if isinstance(known, dict) else None))
    recall = before.get("recall_at_1")
    return tuple(found), tuple(
        replace(one, start_recall_at_1=recall)
        if one.label == run.recall_label and not one.same_identity_excluded
        else one
        for one in nearest
    )
