from .k_selection import choose_k as choose_k
from .knn import KNNClassifier as KNNClassifier
from .linear_probe import LinearProbe as LinearProbe
from .probe_solver.ridge import Moments as Moments
from .probe_solver.ridge import ridge_path as ridge_path
from .votes import Votes as Votes
from .votes import vote_shares as vote_shares
from .votes import votes_for_ks as votes_for_ks

__all__ = [
    "KNNClassifier",
    "LinearProbe",
    "Moments",
    "Votes",
    "choose_k",
    "ridge_path",
    "vote_shares",
    "votes_for_ks",
]
