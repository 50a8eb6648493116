"""Every score in one place: F1, retrieval, and intervals over identities.

The definitions live in :mod:`metric_face.scores.f1`, :mod:`metric_face.scores.retrieval`,
:mod:`metric_face.scores.intervals` and :mod:`metric_face.scores.resolution`.
"""

from metric_face.scores.f1 import confusion, f1_per_class, macro_f1
from metric_face.scores.intervals import Interval, bootstrap_interval, bootstrap_mean
from metric_face.scores.resolution import Resolution, resolution
from metric_face.scores.retrieval import RetrievalMetrics, retrieval_metrics

__all__ = [
    "Interval",
    "Resolution",
    "RetrievalMetrics",
    "bootstrap_interval",
    "bootstrap_mean",
    "confusion",
    "f1_per_class",
    "macro_f1",
    "resolution",
    "retrieval_metrics",
]
