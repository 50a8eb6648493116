from .description import FORMAT as FORMAT
from .description import IMAGES as IMAGES
from .description import RULES as RULES
from .description import STAMPS as STAMPS
from .description import VECTORS as VECTORS
from .description import array_shapes as array_shapes
from .description import describe as describe
from .description import described_files as described_files
from .description import logits_file as logits_file
from .description import write_images as write_images
from .embeddings import Embeddings as Embeddings
from .embeddings import read_array as read_array
from .prediction_csv import fill_template as fill_template
from .prediction_csv import read_predictions as read_predictions
from .prediction_csv import write_predictions as write_predictions
from .prediction_csv import write_submission as write_submission
from .predictions import Predictions as Predictions
from .predictions import pool_folds as pool_folds

__all__ = [
    "FORMAT",
    "IMAGES",
    "RULES",
    "STAMPS",
    "VECTORS",
    "Embeddings",
    "Predictions",
    "array_shapes",
    "describe",
    "described_files",
    "fill_template",
    "logits_file",
    "pool_folds",
    "read_array",
    "read_predictions",
    "write_images",
    "write_predictions",
    "write_submission",
]
