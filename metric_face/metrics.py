"""Every score in one place: F1, retrieval, and intervals over identities.

The definitions live in :mod:`metric_face.f1_scores`, :mod:`metric_face.retrieval` and
:mod:`metric_face.intervals`.
"""

from metric_face.f1_scores import confusion, f1_per_class, macro_f1
from metric_face.intervals import Interval, Resolution, bootstrap_interval, bootstrap_mean, resolution
from metric_face.retrieval import RetrievalMetrics, retrieval_metrics

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
