from .evaluating import evaluate as evaluate
from .evaluating import probe as probe
from .result import Evaluation as Evaluation

__all__ = ["Evaluation", "evaluate", "probe"]
