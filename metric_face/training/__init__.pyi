from .feasible import check_feasible as check_feasible
from .fitting import fit as fit
from .folds import fit_folds as fit_folds
from .loaders import EpochPlan as EpochPlan
from .loaders import label_columns as label_columns
from .loaders import make_sampler as make_sampler
from .loaders import plan_training as plan_training
from .module import schedule as schedule
from .objective import METRIC as METRIC
from .objective import build_objective as build_objective
from .objective import objective_inputs as objective_inputs
from .readiness import get_ready as get_ready
from .run_folder import check_run_folder as check_run_folder

__all__ = [
    "METRIC",
    "EpochPlan",
    "build_objective",
    "check_feasible",
    "check_run_folder",
    "fit",
    "fit_folds",
    "get_ready",
    "label_columns",
    "make_sampler",
    "objective_inputs",
    "plan_training",
    "schedule",
]
