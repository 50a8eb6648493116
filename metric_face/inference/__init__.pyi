from .answers import Answer as Answer
from .explain_page import write_answers as write_answers
from .index_building import build_index as build_index
from .predictor import Predictor as Predictor
from .submission import ImageRequest as ImageRequest
from .submission import collect_images as collect_images
from .submission import fill as fill
from .target_votes import TargetAnswer as TargetAnswer
from .watch import predict_lines as predict_lines
from .watch import watch_folder as watch_folder

__all__ = [
    "Answer",
    "ImageRequest",
    "Predictor",
    "TargetAnswer",
    "build_index",
    "collect_images",
    "fill",
    "predict_lines",
    "watch_folder",
    "write_answers",
]
