from .embeddings import Embeddings as Embeddings
from .embeddings import logits_file as logits_file
from .embeddings import write_description as write_description
from .prediction_csv import fill_template as fill_template
from .prediction_csv import read_predictions as read_predictions
from .prediction_csv import write_predictions as write_predictions
from .prediction_csv import write_submission as write_submission
from .predictions import Predictions as Predictions
from .predictions import pool_folds as pool_folds

__all__ = [
    "Embeddings",
    "Predictions",
    "fill_template",
    "logits_file",
    "pool_folds",
    "read_predictions",
    "write_description",
    "write_predictions",
    "write_submission",
]
