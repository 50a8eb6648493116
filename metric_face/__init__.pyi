from .attribution import attribute as attribute
from .attribution import attribute_classes as attribute_classes
from .attribution import write_attribution as write_attribution
from .auditing import audit as audit
from .classifiers import KNNClassifier as KNNClassifier
from .classifiers import LinearProbe as LinearProbe
from .config import load_config as load_config
from .config import recipes as recipes
from .data import ImageTable as ImageTable
from .data import LabelSpace as LabelSpace
from .data import split_by_identity as split_by_identity
from .demo import run_demo as run_demo
from .diagnosis import diagnose as diagnose
from .diagnosis import write_report as write_report
from .embedding import embed as embed
from .embedding import merge_shards as merge_shards
from .embeddings import Embeddings as Embeddings
from .ensemble import fuse as fuse
from .errors import MetricFaceError as MetricFaceError
from .evaluation import evaluate as evaluate
from .evaluation import evaluate_pairs as evaluate_pairs
from .evaluation import evaluate_queries as evaluate_queries
from .evaluation import probe as probe
from .exporting import export as export
from .extraction import extract as extract
from .faces import find_faces as find_faces
from .gallery import Gallery as Gallery
from .inference import Predictor as Predictor
from .inference import build_index as build_index
from .inference import search_images as search_images
from .losses import FocalLoss as FocalLoss
from .losses import JointLoss as JointLoss
from .losses import LogitAdjustedCrossEntropy as LogitAdjustedCrossEntropy
from .losses import SoftF1Loss as SoftF1Loss
from .losses import TripletLoss as TripletLoss
from .losses import gradient_conflict as gradient_conflict
from .metrics import gallery_metrics as gallery_metrics
from .metrics import verification_metrics as verification_metrics
from .models import EmbeddingModel as EmbeddingModel
from .run import Run as Run
from .samplers import RandomIdentitySampler as RandomIdentitySampler
from .samplers import audit_batches as audit_batches
from .search import EmbeddingIndex as EmbeddingIndex
from .search import NeighborGraph as NeighborGraph
from .search import neighbors as neighbors
from .training import fit as fit
from .training import fit_folds as fit_folds
from .trying import what_if as what_if
from .untrained import embed_backbone as embed_backbone
from .visualization import plot_map as plot_map
from .visualization import project as project
from .visualization import visualize as visualize

__version__: str
__all__ = [
    "EmbeddingIndex",
    "EmbeddingModel",
    "Embeddings",
    "FocalLoss",
    "Gallery",
    "ImageTable",
    "JointLoss",
    "KNNClassifier",
    "LabelSpace",
    "LinearProbe",
    "LogitAdjustedCrossEntropy",
    "MetricFaceError",
    "NeighborGraph",
    "Predictor",
    "RandomIdentitySampler",
    "Run",
    "SoftF1Loss",
    "TripletLoss",
    "attribute",
    "attribute_classes",
    "audit",
    "audit_batches",
    "build_index",
    "diagnose",
    "embed",
    "embed_backbone",
    "evaluate",
    "evaluate_pairs",
    "evaluate_queries",
    "export",
    "extract",
    "find_faces",
    "fit",
    "fit_folds",
    "fuse",
    "gallery_metrics",
    "gradient_conflict",
    "load_config",
    "merge_shards",
    "neighbors",
    "plot_map",
    "probe",
    "project",
    "recipes",
    "run_demo",
    "search_images",
    "split_by_identity",
    "verification_metrics",
    "visualize",
    "what_if",
    "write_attribution",
    "write_report",
]
