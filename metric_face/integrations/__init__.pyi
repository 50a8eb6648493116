from .data_module import ImageDataModule as ImageDataModule
from .fiftyone_json import read_fiftyone as read_fiftyone
from .fiftyone_json import write_fiftyone as write_fiftyone
from .hub import Pretrained as Pretrained
from .hub import from_pretrained as from_pretrained
from .hub import push as push
from .oml_dataset import oml_dataset as oml_dataset
from .pml_neighbors import ExactNeighbors as ExactNeighbors
from .result_log import log_results as log_results
from .result_log import log_run as log_run
from .retrieval_callback import RetrievalCallback as RetrievalCallback

__all__ = [
    "ExactNeighbors",
    "ImageDataModule",
    "Pretrained",
    "RetrievalCallback",
    "from_pretrained",
    "log_results",
    "log_run",
    "oml_dataset",
    "push",
    "read_fiftyone",
    "write_fiftyone",
]
