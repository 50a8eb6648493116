"""Losses that train an embedding, and a measure of how they get on with each other.

Each file is one idea: `triplet` (with `active_triplets`, its counting), `classification`, `f1`, `joint`, `pml`
(pytorch-metric-learning by name), `conflict` and `pcgrad`.
"""

from .classification import (
    CrossEntropy,
    FocalLoss,
    LogitAdjustedCrossEntropy,
    adjust_logits,
    class_prior,
    effective_number_weights,
)
from .f1 import SoftF1Loss, absent_class_floor
from .joint import AtFloor, JointLoss, JointResult, Part, PartValue
from .pml import PMLLoss, resolve_metric_loss
from .triplet import TripletLoss, TripletStatistics

__all__ = [
    "AtFloor",
    "CrossEntropy",
    "FocalLoss",
    "JointLoss",
    "JointResult",
    "LogitAdjustedCrossEntropy",
    "PMLLoss",
    "Part",
    "PartValue",
    "SoftF1Loss",
    "TripletLoss",
    "TripletStatistics",
    "absent_class_floor",
    "adjust_logits",
    "class_prior",
    "effective_number_weights",
    "resolve_metric_loss",
]
