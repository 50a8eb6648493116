"""metric_face: train an image embedding, search it, and see why it is not better.

The public names are loaded when first used, so that ``import metric_face`` and the light commands do not
pay for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "ImageTable": "metric_face.data.table",
    "LabelSpace": "metric_face.data.labels",
    "split_by_identity": "metric_face.data.split",
    "RandomIdentitySampler": "metric_face.samplers",
    "audit_batches": "metric_face.samplers",
    "TripletLoss": "metric_face.losses",
    "SoftF1Loss": "metric_face.losses",
    "FocalLoss": "metric_face.losses",
    "LogitAdjustedCrossEntropy": "metric_face.losses",
    "JointLoss": "metric_face.losses",
    "gradient_conflict": "metric_face.losses",
    "EmbeddingModel": "metric_face.model",
    "fit": "metric_face.training",
    "Run": "metric_face.run",
    "Embeddings": "metric_face.embeddings",
    "extract": "metric_face.extraction",
    "EmbeddingIndex": "metric_face.index",
    "NeighbourGraph": "metric_face.neighbours",
    "KNNClassifier": "metric_face.knn",
    "LinearProbe": "metric_face.probe",
    "evaluate": "metric_face.evaluation",
    "project": "metric_face.projection",
    "diagnose": "metric_face.diagnosis",
    "write_report": "metric_face.diagnosis",
    "MetricFaceError": "metric_face.errors",
}

__all__ = [*_HOME]

if TYPE_CHECKING:  # what an editor and a type checker see
    from metric_face.data.labels import LabelSpace as LabelSpace
    from metric_face.data.split import split_by_identity as split_by_identity
    from metric_face.data.table import ImageTable as ImageTable
    from metric_face.diagnosis import diagnose as diagnose
    from metric_face.diagnosis import write_report as write_report
    from metric_face.embeddings import Embeddings as Embeddings
    from metric_face.errors import MetricFaceError as MetricFaceError
    from metric_face.evaluation import evaluate as evaluate
    from metric_face.extraction import extract as extract
    from metric_face.index import EmbeddingIndex as EmbeddingIndex
    from metric_face.knn import KNNClassifier as KNNClassifier
    from metric_face.losses import FocalLoss as FocalLoss
    from metric_face.losses import JointLoss as JointLoss
    from metric_face.losses import LogitAdjustedCrossEntropy as LogitAdjustedCrossEntropy
    from metric_face.losses import SoftF1Loss as SoftF1Loss
    from metric_face.losses import TripletLoss as TripletLoss
    from metric_face.losses import gradient_conflict as gradient_conflict
    from metric_face.model import EmbeddingModel as EmbeddingModel
    from metric_face.neighbours import NeighbourGraph as NeighbourGraph
    from metric_face.probe import LinearProbe as LinearProbe
    from metric_face.projection import project as project
    from metric_face.run import Run as Run
    from metric_face.samplers import RandomIdentitySampler as RandomIdentitySampler
    from metric_face.samplers import audit_batches as audit_batches
    from metric_face.training import fit as fit


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'metric_face' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
