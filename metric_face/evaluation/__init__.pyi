from .evaluating import Evaluation as Evaluation
from .evaluating import evaluate as evaluate
from .evaluating import probe as probe

__all__ = ["Evaluation", "evaluate", "probe"]
