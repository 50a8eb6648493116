from .evaluating import Evaluation as Evaluation
from .evaluating import evaluate as evaluate
from .evaluating import probe_run as probe_run

__all__ = ["Evaluation", "evaluate", "probe_run"]
