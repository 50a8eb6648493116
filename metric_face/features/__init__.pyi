from .cache import VIEWS as VIEWS
from .cache import Features as Features
from .cache import cached_features as cached_features
from .cache import mean_view as mean_view
from .dataset import FeatureDataset as FeatureDataset
from .dataset import whole_batch as whole_batch
from .start import StartScores as StartScores
from .start import recall_at_1 as recall_at_1
from .start import start_scores as start_scores
from .whitening import Whitening as Whitening
from .whitening import whitening as whitening

__all__ = [
    "VIEWS",
    "FeatureDataset",
    "Features",
    "StartScores",
    "Whitening",
    "cached_features",
    "mean_view",
    "recall_at_1",
    "start_scores",
    "whitening",
    "whole_batch",
]
