"""Oversampling: images of rare classes come more often, rarity being counted in identities."""

from typing import Any

import numpy as np

from metric_face.arrays import Ints
from metric_face.data import Codes


class Oversampling:
    """Which images an epoch shows: each once, and those of rare classes again.

    A class of n identities is drawn (n_most / n) ** strength times as often as its images are there, n_most being the
    identities of the class that has the most. What is drawn again is spread over its identities as evenly as can be, so
    that a class is not filled up with the images of one identity.

    Args:
        classes: (N,) codes of the joint class.
        identities: (N,) any values; None counts each image as an identity.
        strength: 0 draws nothing again, 1 makes all classes as frequent by identities.

    Attributes:
        num_drawn: images of an epoch, the same in each.
    """

    def __init__(self, classes: Codes, identities: Any, strength: float) -> None:
        who = np.arange(len(classes)) if identities is None else np.unique(identities, return_inverse=True)[1]
        self._order = np.lexsort((who, classes))
        of_class, of_identity = classes[self._order], who[self._order]
        begins = np.ones(len(classes), dtype=bool)
        begins[1:] = (np.diff(of_class) != 0) | (np.diff(of_identity) != 0)
        self._first = np.flatnonzero(begins)  # of each identity's images within a class
        self._size = np.diff([*self._first, len(classes)])
        group_class = of_class[self._first]
        self._groups = [np.flatnonzero(group_class == code) for code in np.unique(classes)]
        most = max(len(groups) for groups in self._groups)
        self._again = [
            round(int(self._size[groups].sum()) * ((most / len(groups)) ** strength - 1))
            for groups in self._groups
        ]
        self.num_drawn = len(classes) + sum(self._again)

    def rows(self, generator: np.random.Generator) -> Ints:
        """The images of an epoch (num_drawn,), in no order of use."""
        drawn = [np.arange(len(self._order))]
        for groups, count in zip(self._groups, self._again, strict=True):
            rounds = -(-count // len(groups))
            turns = [generator.permutation(groups) for _ in range(rounds)]
            chosen = np.concatenate(turns)[:count] if turns else groups[:0]
            places = self._first[chosen] + generator.integers(self._size[chosen])
            drawn.append(self._order[places])
        return np.concatenate(drawn)
