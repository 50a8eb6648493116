"""The line of ``evaluate`` about the run that this one learned from."""

from collections.abc import Mapping
from typing import Any


def teacher_line(teacher: Mapping[str, Any]) -> str:
    """The scores of the run that this one learned from, on the same images."""
    parts = [f"{name} {score:.3f} (head)" for name, score in teacher["head"].items()]
    parts += [f"{name} {score:.3f} (kNN of 20)" for name, score in teacher["knn"].items()]
    recall = teacher["recall_at_1"]
    parts += [] if recall is None else [f"recall@1 {recall:.3f} by the metric label"]
    return f"its teacher {teacher['run']} on the same images: {', '.join(parts)}"
