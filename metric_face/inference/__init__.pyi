from .answers import Answer as Answer
from .explain_page import write_answers as write_answers
from .image_hits import ImageHit as ImageHit
from .image_hits import ImageHits as ImageHits
from .image_search import search_images as search_images
from .index_building import build_index as build_index
from .index_building import chosen_lines as chosen_lines
from .open_set import checked_rate as checked_rate
from .open_set import refit_thresholds as refit_thresholds
from .opened_index import no_index as no_index
from .opened_index import refuse_other_model as refuse_other_model
from .predictor import Predictor as Predictor
from .search_page import write_hits as write_hits
from .search_request import SearchRequest as SearchRequest
from .session import Session as Session
from .submission import ImageRequest as ImageRequest
from .submission import collect_images as collect_images
from .target_votes import TargetAnswer as TargetAnswer
from .watch import predict_lines as predict_lines
from .watch import watch_folder as watch_folder

__all__ = [
    "Answer",
    "ImageHit",
    "ImageHits",
    "ImageRequest",
    "Predictor",
    "SearchRequest",
    "Session",
    "TargetAnswer",
    "build_index",
    "checked_rate",
    "chosen_lines",
    "collect_images",
    "no_index",
    "predict_lines",
    "refit_thresholds",
    "refuse_other_model",
    "search_images",
    "watch_folder",
    "write_answers",
    "write_hits",
]
