from .before_training import projection_start as projection_start
from .feasible import averaged_start as averaged_start
from .feasible import check_feasible as check_feasible
from .finishing import write_onnx as write_onnx
from .fitting import fit as fit
from .folds import fit_folds as fit_folds
from .frozen import CachedSplits as CachedSplits
from .frozen import evaluated_output as evaluated_output
from .initial_config import settings_to_train as settings_to_train
from .loggers import check_logger as check_logger
from .loggers import logger_of as logger_of
from .module import TrainingModule as TrainingModule
from .objective import build_objective as build_objective
from .objective import objective_inputs as objective_inputs
from .on_features import fit_on_features as fit_on_features
from .opposed_labels import opposed_attributes as opposed_attributes
from .process_group import from_first as from_first
from .process_group import joined as joined
from .process_group import wait_for_all as wait_for_all
from .readiness import Readiness as Readiness
from .readiness import get_ready as get_ready
from .run_facts import dropped_lines as dropped_lines
from .run_facts import first_facts as first_facts
from .run_folder import check_run_folder as check_run_folder
from .run_folder import hold_run_folder as hold_run_folder
from .schedule import learning_rate_factor as learning_rate_factor
from .starting import StartingPoint as StartingPoint
from .starting import choose_start as choose_start
from .starting import resumed_start as resumed_start
from .starting import transform_of as transform_of
from .training_plan import TrainingPlan as TrainingPlan
from .training_plan import plan_training as plan_training

__all__ = [
    "CachedSplits",
    "Readiness",
    "StartingPoint",
    "TrainingModule",
    "TrainingPlan",
    "averaged_start",
    "build_objective",
    "check_feasible",
    "check_logger",
    "check_run_folder",
    "choose_start",
    "dropped_lines",
    "evaluated_output",
    "first_facts",
    "fit",
    "fit_folds",
    "fit_on_features",
    "from_first",
    "get_ready",
    "hold_run_folder",
    "joined",
    "learning_rate_factor",
    "logger_of",
    "objective_inputs",
    "opposed_attributes",
    "plan_training",
    "projection_start",
    "resumed_start",
    "settings_to_train",
    "transform_of",
    "wait_for_all",
    "write_onnx",
]
