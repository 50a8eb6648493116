from .k_selection import choose_k as choose_k
from .knn import KNNClassifier as KNNClassifier
from .linear_probe import LinearProbe as LinearProbe
from .votes import Votes as Votes
from .votes import vote_shares as vote_shares
from .votes import votes_for_ks as votes_for_ks

__all__ = ["KNNClassifier", "LinearProbe", "Votes", "choose_k", "vote_shares", "votes_for_ks"]
