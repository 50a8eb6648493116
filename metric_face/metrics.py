"""Every score in one place: F1, retrieval, and intervals over identities.

The definitions live in :mod:`metric_face.f1_scores`, :mod:`metric_face.retrieval`,
:mod:`metric_face.intervals` and :mod:`metric_face.score_resolution`.
"""

from metric_face.f1_scores import confusion, f1_per_class, macro_f1
from metric_face.intervals import Interval, bootstrap_interval, bootstrap_mean
from metric_face.retrieval import RetrievalMetrics, retrieval_metrics
from metric_face.score_resolution import Resolution, resolution

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
