from .affine_map import AffineMap as AffineMap
from .cache import VIEWS as VIEWS
from .cache import Features as Features
from .cache import cached_features as cached_features
from .dataset import FeatureDataset as FeatureDataset
from .dataset import whole_batch as whole_batch
from .discriminant import discriminant as discriminant
from .start import StartScores as StartScores
from .start import recall_at_1 as recall_at_1
from .start import start_scores as start_scores
from .whitening import whitening as whitening

__all__ = [
    "VIEWS",
    "AffineMap",
    "FeatureDataset",
    "Features",
    "StartScores",
    "cached_features",
    "discriminant",
    "recall_at_1",
    "start_scores",
    "whitening",
    "whole_batch",
]
