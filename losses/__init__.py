"""Losses that train an embedding, and a measure of how far they conflict.

Each file is one idea: `triplet` (with `active_triplets`, its counting, and `distances`), `classification` (with
`priors`), `f1`, `numbers`, `joint`, `pml` (a loss of pytorch-metric-learning as ours), `by_name` with `pml_classes`
(any of theirs by name), `summed` (several metric losses), `distillation`, `conflict` (with `conflict_probe`, `angles`
and `untouched`), `pcgrad` and `over_ranks` (several processes).
"""

from .angles import AngleEstimate
from .by_name import resolve_metric_loss
from .classification import (
    CrossEntropy,
    FocalLoss,
    LogitAdjustedCrossEntropy,
    adjust_logits,
)
from .conflict import (
    ConflictRecord,
    GradientConflict,
    gradient_conflict,
)
from .conflict_probe import ConflictProbe, probe_embeddings, probe_parameters
from .distillation import EmbeddingDistillation, LogitDistillation
from .f1 import SoftF1Loss, absent_class_floor
from .joint import AtFloor, JointLoss, JointResult, LossTerm, TermValue
from .numbers import NumberLoss
from .over_ranks import gathered, ranks
from .pcgrad import pcgrad_backward, torchjd_backward
from .pml import PMLLoss
from .priors import class_prior, effective_number_weights
from .summed import SummedLosses
from .triplet import TripletLoss, TripletStatistics
from .untouched import untouched

__all__ = [
    "AngleEstimate",
    "AtFloor",
    "ConflictProbe",
    "ConflictRecord",
    "CrossEntropy",
    "EmbeddingDistillation",
    "FocalLoss",
    "GradientConflict",
    "JointLoss",
    "JointResult",
    "LogitAdjustedCrossEntropy",
    "LogitDistillation",
    "LossTerm",
    "NumberLoss",
    "PMLLoss",
    "SoftF1Loss",
    "SummedLosses",
    "TermValue",
    "TripletLoss",
    "TripletStatistics",
    "absent_class_floor",
    "adjust_logits",
    "class_prior",
    "effective_number_weights",
    "gathered",
    "gradient_conflict",
    "pcgrad_backward",
    "probe_embeddings",
    "probe_parameters",
    "ranks",
    "resolve_metric_loss",
    "torchjd_backward",
    "untouched",
]
