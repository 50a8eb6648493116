from .calibration import Calibration as Calibration
from .calibration import calibrate as calibrate
from .calibration import fit_temperature as fit_temperature
from .f1 import as_codes as as_codes
from .f1 import as_labels as as_labels
from .f1 import confusion as confusion
from .f1 import f1_per_class as f1_per_class
from .f1 import macro_f1 as macro_f1
from .gallery_scores import GalleryMetrics as GalleryMetrics
from .gallery_scores import gallery_metrics as gallery_metrics
from .intervals import Interval as Interval
from .intervals import bootstrap_interval as bootstrap_interval
from .label_retrieval import LabelRetrieval as LabelRetrieval
from .left_out_interval import left_out_interval as left_out_interval
from .minimum_detectable import Resolution as Resolution
from .minimum_detectable import assumed_resolution as assumed_resolution
from .minimum_detectable import resolution as resolution
from .neighbor_ranking import rank_neighbors as rank_neighbors
from .open_set import detection_rate as detection_rate
from .open_set import oscr as oscr
from .open_set import oscr_curve as oscr_curve
from .reject import reject_threshold as reject_threshold
from .retrieval import MAX_QUERIES as MAX_QUERIES
from .retrieval import draw_queries as draw_queries
from .retrieval import retrieval_metrics as retrieval_metrics
from .retrieval_result import RetrievalMetrics as RetrievalMetrics
from .simultaneous import Simultaneous as Simultaneous
from .simultaneous import Tally as Tally
from .simultaneous import f1_tally as f1_tally
from .simultaneous import share_tally as share_tally
from .simultaneous import simultaneous_intervals as simultaneous_intervals
from .standard_errors import student as student
from .thresholds import threshold_gain as threshold_gain
from .verification_scores import RATES as RATES
from .verification_scores import VerificationMetrics as VerificationMetrics
from .verification_scores import verification_metrics as verification_metrics

__all__ = [
    "MAX_QUERIES",
    "RATES",
    "Calibration",
    "GalleryMetrics",
    "Interval",
    "LabelRetrieval",
    "Resolution",
    "RetrievalMetrics",
    "Simultaneous",
    "Tally",
    "VerificationMetrics",
    "as_codes",
    "as_labels",
    "assumed_resolution",
    "bootstrap_interval",
    "calibrate",
    "confusion",
    "detection_rate",
    "draw_queries",
    "f1_per_class",
    "f1_tally",
    "fit_temperature",
    "gallery_metrics",
    "left_out_interval",
    "macro_f1",
    "oscr",
    "oscr_curve",
    "rank_neighbors",
    "reject_threshold",
    "resolution",
    "retrieval_metrics",
    "share_tally",
    "simultaneous_intervals",
    "student",
    "threshold_gain",
    "verification_metrics",
]
