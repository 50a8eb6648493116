"""Losses that train an embedding, and a measure of how they get on with each other.

Each file is one idea: `triplet` (with `active_triplets`, its counting, and `distances`), `classification` (with
`priors`), `f1`, `joint`, `pml` (pytorch-metric-learning by name), `conflict` (with `angles` and `untouched`) and
`pcgrad`.
"""

from .angles import AngleEstimate
from .classification import (
    CrossEntropy,
    FocalLoss,
    LogitAdjustedCrossEntropy,
    adjust_logits,
)
from .conflict import (
    ConflictProbe,
    ConflictRecord,
    GradientConflict,
    gradient_conflict,
    probe_embeddings,
    probe_parameters,
)
from .f1 import SoftF1Loss, absent_class_floor
from .joint import AtFloor, JointLoss, JointResult, Part, PartValue
from .pcgrad import pcgrad_backward, torchjd_backward
from .pml import PMLLoss, resolve_metric_loss
from .priors import class_prior, effective_number_weights
from .triplet import TripletLoss, TripletStatistics
from .untouched import untouched

__all__ = [
    "AngleEstimate",
    "AtFloor",
    "ConflictProbe",
    "ConflictRecord",
    "CrossEntropy",
    "FocalLoss",
    "GradientConflict",
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
    "gradient_conflict",
    "pcgrad_backward",
    "probe_embeddings",
    "probe_parameters",
    "resolve_metric_loss",
    "torchjd_backward",
    "untouched",
]
