from .batch_labels import METRIC as METRIC
from .batch_labels import label_columns as label_columns
from .batch_labels import metric_labels as metric_labels
from .batch_sampler import ShuffledBatches as ShuffledBatches
from .batch_sampler import make_sampler as make_sampler

__all__ = ["METRIC", "ShuffledBatches", "label_columns", "make_sampler", "metric_labels"]
