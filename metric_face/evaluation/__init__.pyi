from .evaluating import evaluate as evaluate
from .evaluating import probe as probe
from .pair_scores import PairScores as PairScores
from .pair_scores import evaluate_pairs as evaluate_pairs
from .pairs import ImagePairs as ImagePairs
from .pairs import read_pairs as read_pairs
from .query_scores import QueryScores as QueryScores
from .query_scores import evaluate_queries as evaluate_queries
from .result import Evaluation as Evaluation

__all__ = [
    "Evaluation",
    "ImagePairs",
    "PairScores",
    "QueryScores",
    "evaluate",
    "evaluate_pairs",
    "evaluate_queries",
    "probe",
    "read_pairs",
]
