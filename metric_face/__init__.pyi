from .classifiers import KNNClassifier as KNNClassifier
from .classifiers import LinearProbe as LinearProbe
from .data import ImageTable as ImageTable
from .data import LabelSpace as LabelSpace
from .data import split_by_identity as split_by_identity
from .diagnosis import diagnose as diagnose
from .diagnosis import write_report as write_report
from .embeddings import Embeddings as Embeddings
from .errors import MetricFaceError as MetricFaceError
from .evaluation import evaluate as evaluate
from .extraction import extract as extract
from .losses import FocalLoss as FocalLoss
from .losses import JointLoss as JointLoss
from .losses import LogitAdjustedCrossEntropy as LogitAdjustedCrossEntropy
from .losses import SoftF1Loss as SoftF1Loss
from .losses import TripletLoss as TripletLoss
from .losses import gradient_conflict as gradient_conflict
from .models import EmbeddingModel as EmbeddingModel
from .run import Run as Run
from .samplers import RandomIdentitySampler as RandomIdentitySampler
from .samplers import audit_batches as audit_batches
from .search import EmbeddingIndex as EmbeddingIndex
from .search import NeighborGraph as NeighborGraph
from .training import fit as fit
from .visualization import project as project

__version__: str
__all__ = [
    "EmbeddingIndex",
    "EmbeddingModel",
    "Embeddings",
    "FocalLoss",
    "ImageTable",
    "JointLoss",
    "KNNClassifier",
    "LabelSpace",
    "LinearProbe",
    "LogitAdjustedCrossEntropy",
    "MetricFaceError",
    "NeighborGraph",
    "RandomIdentitySampler",
    "Run",
    "SoftF1Loss",
    "TripletLoss",
    "audit_batches",
    "diagnose",
    "evaluate",
    "extract",
    "fit",
    "gradient_conflict",
    "project",
    "split_by_identity",
    "write_report",
]
