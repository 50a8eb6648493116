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

if TYPE_CHECKING:
    pass


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'metric_face' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
